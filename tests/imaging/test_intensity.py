"""Intensities become 8 bit only when asked, and the same way whatever NaN or constant pixels there are."""

import numpy as np
import pytest

from cell_pipelines.imaging.intensity import to_rgb, to_uint8

DTYPES = ("uint16", "uint32", "int16", "float32", "float64")


@pytest.mark.parametrize("normalisation", ["none", "full_range", "percentile_above_8_bit"])
def test_eight_bits_stay_as_they_are(normalisation) -> None:  # type: ignore[no-untyped-def]
    image = np.arange(200, dtype=np.uint8).reshape(10, 20) // 2
    np.testing.assert_array_equal(to_uint8(image, normalisation=normalisation), image)
    np.testing.assert_array_equal(to_uint8(image > 50, normalisation=normalisation), (image > 50) * 255)


@pytest.mark.parametrize("dtype", DTYPES)
def test_deeper_images_are_never_cut_unasked(dtype: str) -> None:
    with pytest.raises(ValueError, match=f"`normalisation` is none, so the image must have 8 bits, got {dtype}"):
        to_uint8(np.zeros((4, 4), dtype), normalisation="none")


def test_the_full_range_of_16_bits_is_divided_by_257() -> None:
    image = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    scaled = to_uint8(image, normalisation="full_range")
    np.testing.assert_array_equal(scaled, np.rint(image / 257))
    assert scaled.dtype == np.uint8
    assert image.dtype == np.uint16


def test_the_full_range_of_floats_is_0_to_1_and_what_lies_beyond_is_cut() -> None:
    image = np.array([[-1.0, 0, 0.5, 1, 7, np.inf, -np.inf, np.nan]])
    np.testing.assert_array_equal(to_uint8(image, normalisation="full_range"), [[0, 0, 128, 255, 255, 255, 0, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_percentiles_spread_an_image_over_all_8_bits_and_keep_its_order(dtype: str) -> None:
    image = np.random.default_rng(0).normal(1000, 50, (200, 300)).astype(dtype)
    scaled = to_uint8(image)
    assert scaled.min() == 0
    assert scaled.max() == 255
    assert (np.diff(scaled.ravel()[np.argsort(image, axis=None)].astype(int)) >= 0).all()
    np.testing.assert_array_equal(scaled, to_uint8(image.astype("float64")))


def test_percentiles_do_not_depend_on_brightness_and_contrast() -> None:
    image = np.random.default_rng(1).random((50, 60))
    assert np.abs(to_uint8(image).astype(int) - to_uint8(image * 37 + 5)).max() <= 1


def test_a_dim_channel_is_seen_beside_a_bright_one_when_each_is_scaled_by_itself() -> None:
    image = np.random.default_rng(5).integers(0, 1000, (40, 50, 2)).astype(np.uint16)
    image[..., 1] *= 60
    alone = to_uint8(image, per_channel=True)
    np.testing.assert_array_equal(alone, np.dstack([to_uint8(image[..., c]) for c in range(2)]))
    assert alone[..., 0].mean() > 100 > 10 > to_uint8(image)[..., 0].mean()
    np.testing.assert_array_equal(to_uint8(image[..., 0], per_channel=True), to_uint8(image[..., 0]))


def test_one_hot_pixel_does_not_darken_the_image() -> None:
    image = np.random.default_rng(2).integers(100, 200, (100, 100)).astype(np.uint16)
    image[50, 50] = 65535
    assert to_uint8(image).mean() > 100


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_constant_image_is_black(value: int) -> None:
    np.testing.assert_array_equal(to_uint8(np.full((5, 5), value, np.uint16)), np.zeros((5, 5)))


def test_nan_and_infinite_pixels_leave_the_others_as_they_would_be() -> None:
    image = np.random.default_rng(3).random((50, 50)).astype(np.float32)
    broken = image.copy()
    broken[:2, :10] = np.nan
    broken[3, 3], broken[4, 4] = np.inf, -np.inf
    scaled = to_uint8(broken)
    good = np.isfinite(broken)
    assert np.abs(scaled[good].astype(int) - to_uint8(image)[good]).max() <= 2
    assert (scaled[0, 0], scaled[3, 3], scaled[4, 4]) == (0, 255, 0)
    np.testing.assert_array_equal(to_uint8(np.full((3, 3), np.nan)), np.zeros((3, 3)))


def test_large_images_are_sampled_and_come_out_nearly_the_same() -> None:
    image = np.random.default_rng(4).normal(1000, 50, (1100, 1000)).astype(np.uint16)
    low, high = np.percentile(image, (0.1, 99.9))
    exact = np.clip(np.rint((image - low) * 255 / (high - low)), 0, 255)
    assert np.abs(to_uint8(image) - exact).max() <= 4


def test_three_channels_come_of_any_number() -> None:
    image = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    for channels in (1, 2, 3, 4):
        colour = to_rgb(image[..., :channels])
        assert colour.shape == (2, 3, 3)
        assert colour.dtype == np.uint16
        np.testing.assert_array_equal(colour[..., 0], image[..., 0])
    np.testing.assert_array_equal(to_rgb(image[..., 0]), to_rgb(image[..., :1]))
    np.testing.assert_array_equal(to_rgb(image[..., :2])[..., 2], 0)
    np.testing.assert_array_equal(to_rgb(image), image[..., :3])
