"""Tests of the optics and the camera: laws of physics over awkward sizes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.simulation.optics import (
    Camera,
    add_haze,
    blur_psf,
    expose,
    smooth_field,
    vignetting,
)

SHAPES = [(1, 1), (31, 64), (200, 117)]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def flat(light: float, shape: tuple[int, int] = (400, 400)) -> np.ndarray:
    return np.full(shape, light, dtype=np.float32)


@pytest.mark.parametrize("shape", [(31, 64), (200, 117)])
@pytest.mark.parametrize("sigma_px", [0.0, 0.7, 3.0, 9.0])
def test_blur_keeps_the_total_light(shape: tuple[int, int], sigma_px: float) -> None:
    light = generator().random(shape, dtype=np.float32)
    assert blur_psf(light, sigma_px).sum(dtype=float) == pytest.approx(light.sum(dtype=float), rel=1e-5)


def test_blur_agrees_with_scipy() -> None:
    light = generator().random((60, 80), dtype=np.float32)
    expected = ndimage.gaussian_filter(light.astype(float), 2.0, mode="reflect", truncate=4.0)
    assert np.allclose(blur_psf(light, 2.0), expected, atol=1e-3)


def test_blur_leaves_its_argument_alone() -> None:
    light = generator().random((20, 20), dtype=np.float32)
    before = light.copy()
    for sigma_px in (0.0, 2.0):
        blur_psf(light, sigma_px)[:] = 0
    assert np.array_equal(light, before)


def test_haze_keeps_about_the_total_light_and_reaches_far() -> None:
    light = np.zeros((200, 300), dtype=np.float32)
    light[90:110, 140:160] = 1.0
    hazy = add_haze(light, fraction=0.2, sigma_px=30.0)
    assert hazy.sum() == pytest.approx(light.sum(), rel=0.02)
    assert hazy[100, 150] > 0.8 and hazy[100, 100] > 1e-3
    assert np.allclose(add_haze(light, fraction=0.0, sigma_px=30.0), light)


@pytest.mark.parametrize("shape", [(101, 101), (101, 255), (201, 133)])
def test_vignetting_is_one_in_the_centre_and_falls_to_the_corners(shape: tuple[int, int]) -> None:
    lens = vignetting(shape, 0.4)
    assert lens[shape[0] // 2, shape[1] // 2] == pytest.approx(1.0) == lens.max()
    assert lens[0, 0] == pytest.approx(0.6, abs=0.02)
    assert lens[0, 0] == lens.min()
    assert np.allclose(lens, lens[::-1, ::-1], atol=1e-6)
    assert np.all(np.diff(lens[shape[0] // 2, shape[1] // 2 :]) < 0)


def test_vignetting_follows_the_cos4_law() -> None:
    row = vignetting((1, 2001), 0.5)[0].astype(float)
    tangent = np.sqrt(1 / np.sqrt(row) - 1)[1000:]  # invert cos^4: linear in the distance from the axis
    assert np.allclose(tangent, np.linspace(0, tangent[-1], len(tangent)), atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale_px", [1.0, 20.0, 500.0])
def test_a_smooth_field_lies_between_minus_one_and_one(shape: tuple[int, int], scale_px: float) -> None:
    field = smooth_field(shape, scale_px=scale_px, rng=generator())
    assert field.shape == shape and field.dtype == np.float32
    assert np.abs(field).max() <= 1.0


def test_a_smooth_field_has_no_steps() -> None:
    field = smooth_field((300, 400), scale_px=80.0, rng=generator())
    assert np.abs(np.diff(field, axis=0)).max() < 0.05 and np.abs(np.diff(field, axis=1)).max() < 0.05
    assert np.ptp(field) > 0.3


@pytest.mark.parametrize("light", [0.0, 0.001, 0.004, 0.05, 0.3, 0.7])
def test_noise_follows_the_poisson_and_read_model(light: float) -> None:
    camera = Camera(full_well=2000.0, read_noise=5.0, offset=0.05, bit_depth=16)
    electrons = light * camera.full_well
    grey = expose(flat(light), camera, generator()).astype(float)
    assert grey.mean() == pytest.approx(camera.black_level + camera.gain * electrons, rel=0.005)
    assert grey.var() == pytest.approx(camera.gain**2 * (electrons + 25.0) + 1 / 12, rel=0.02)


def test_variance_grows_linearly_with_the_mean_by_the_gain() -> None:
    camera = Camera(full_well=3000.0, read_noise=0.0, bit_depth=16)
    pictures = [expose(flat(light), camera, generator()).astype(float) for light in (0.1, 0.3, 0.5, 0.7)]
    slope, _ = np.polyfit([p.mean() for p in pictures], [p.var() for p in pictures], 1)
    assert slope == pytest.approx(camera.gain, rel=0.02)


def test_few_electrons_are_counted_as_poisson_numbers() -> None:
    camera = Camera(full_well=255.0, read_noise=0.0, offset=0.0)  # one grey level an electron
    grey = expose(flat(2.0 / 255), camera, generator())
    assert np.mean(grey == 0) == pytest.approx(np.exp(-2.0), abs=0.005)


@pytest.mark.parametrize(("bit_depth", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_too_much_light_saturates(bit_depth: int, dtype: type) -> None:
    camera = Camera(bit_depth=bit_depth)  # type: ignore[arg-type]
    image = expose(flat(5.0, (7, 9)), camera, generator())
    assert image.dtype == dtype and image.shape == (7, 9)
    assert np.all(image == camera.highest)


def test_an_empty_image_can_be_exposed() -> None:
    assert expose(np.zeros((0, 5), dtype=np.float32), Camera(), generator()).shape == (0, 5)


def test_the_same_generator_takes_the_same_picture() -> None:
    light = generator(1).random((300, 700), dtype=np.float32)
    assert np.array_equal(expose(light, Camera(), generator(2)), expose(light, Camera(), generator(2)))
    assert not np.array_equal(expose(light, Camera(), generator(2)), expose(light, Camera(), generator(3)))


@pytest.mark.parametrize("light", [-0.1, np.nan])
def test_light_must_be_finite_and_not_negative(light: float) -> None:
    with pytest.raises(ValueError, match="`light` must be finite and not negative, got"):
        expose(flat(light, (3, 3)), Camera(), generator())


def test_a_camera_tells_all_that_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match=r"`full_well` must .* got 0\.0\. `read_noise` must .* got -1\.0"):
        Camera(full_well=0.0, read_noise=-1.0)
    with pytest.raises(ValueError, match="`bit_depth` must be 8 or 16, got 12"):
        Camera(bit_depth=12)  # type: ignore[arg-type]


def test_optics_refuse_bad_settings() -> None:
    with pytest.raises(ValueError, match="`sigma_px` must be a number from 0 to 1000, got -1"):
        blur_psf(flat(0.1, (3, 3)), -1.0)
    with pytest.raises(ValueError, match="`falloff` must be"):
        vignetting((3, 3), 1.0)
    with pytest.raises(ValueError, match="`scale_px` must be"):
        smooth_field((3, 3), scale_px=0.0, rng=generator())
    with pytest.raises(ValueError, match="`fraction` must be"):
        add_haze(flat(0.1, (3, 3)), fraction=1.5, sigma_px=3.0)
