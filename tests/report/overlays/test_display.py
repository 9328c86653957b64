"""Images are stretched and enlarged for the eye alone."""

import numpy as np
import pytest

from cell_pipelines.report.overlays.display import enlarge, to_display


def test_a_dim_image_uses_the_whole_range() -> None:
    dim = np.tile(np.arange(20, 60, dtype=np.uint8), (50, 1))
    shown = to_display(dim)
    assert shown.shape == (50, 40, 3)
    assert (shown.min(), shown.max()) == (0, 255)


def test_an_image_of_one_value_stays_as_it_is() -> None:
    flat = np.full((5, 7, 3), 90, dtype=np.uint8)
    assert (to_display(flat) == flat).all()


def test_noise_of_a_black_image_is_not_blown_up() -> None:
    noise = np.random.default_rng(0).integers(0, 3, (40, 40), dtype=np.uint8)
    assert to_display(noise).max() <= 24


def test_grey_stays_grey_and_the_brighter_channel_stays_brighter() -> None:
    rng = np.random.default_rng(1)
    red = rng.integers(10, 60, (30, 30))
    image = np.stack([red, red // 2, red // 4], axis=-1).astype(np.uint8)
    shown = to_display(image).astype(int)
    assert (shown[..., 0] >= shown[..., 1]).all()
    assert (shown[..., 1] >= shown[..., 2]).all()
    grey = to_display(image[..., 0])
    assert (grey[..., 0] == grey[..., 1]).all()
    assert (grey[..., 0] == grey[..., 2]).all()


def test_the_image_that_came_in_is_not_changed() -> None:
    for image in (np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.full((4, 4, 3), 9, dtype=np.uint8)):
        before = image.copy()
        to_display(image)[:] = 0
        assert (image == before).all()


@pytest.mark.parametrize("shape", [(0, 5), (5,), (2, 2, 2, 2)])
def test_what_is_no_image_is_refused_in_a_sentence(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`image` must have shape"):
        to_display(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize(
    ("shape", "factor"), [((1, 1), 400), ((100, 130), 4), ((399, 10), 2), ((400, 10), 1), ((900, 2), 1)]
)
def test_small_images_are_enlarged_by_the_smallest_factor_that_is_enough(shape: tuple[int, int], factor: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    large, used = enlarge(image)
    assert used == factor
    assert (large[::factor, ::factor] == image).all()
    assert large.shape == (shape[0] * factor, shape[1] * factor, 3)
