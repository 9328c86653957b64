"""Images become [0, 1] with all their depth, and have the channels that a network expects."""

import numpy as np
import pytest

from cell_pipelines.imaging.intensity import intensity_limits, to_colour, to_unit

SHAPES = ((5, 7), (5, 7, 1), (5, 7, 3), (1, 1), (0, 4))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "uint32", "int16", "float32", "float64"])
def test_any_image_becomes_float32_between_0_and_1_with_a_channel_axis(shape, dtype):
    image = (np.random.default_rng(0).random(shape) * 2).astype(dtype)
    before = image.copy()
    for normalisation in ("full_range", "percentile"):
        unit = to_unit(image, normalisation)
        assert unit.dtype == np.float32
        assert unit.shape == (*shape[:2], shape[2] if len(shape) == 3 else 1)
        assert unit.size == 0 or (unit.min() >= 0 and unit.max() <= 1)
    np.testing.assert_array_equal(image, before)


def test_eight_bits_are_divided_by_255():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_unit(image)[..., 0], image / np.float32(255))
    np.testing.assert_array_equal(to_unit(image, "none"), to_unit(image))
    np.testing.assert_array_equal(to_unit(image > 9)[..., 0], image > 9)


@pytest.mark.parametrize("normalisation", ["full_range", "percentile"])
def test_sixteen_bits_equal_eight_bits_scaled(normalisation):
    image = np.random.default_rng(1).integers(10, 200, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        to_unit(image.astype(np.uint16) * 257, normalisation), to_unit(image, normalisation), atol=1e-6
    )


def test_sixteen_bits_keep_every_step():
    image = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert len(np.unique(to_unit(image))) == 65536


def test_small_differences_of_large_numbers_are_kept():
    image = (np.arange(101, dtype=np.uint32) + 4_000_000_000).reshape(1, 101)
    unit = to_unit(image, "percentile")[0, :, 0]
    assert (np.diff(unit[1:-1]) > 0.009).all()


def test_nan_is_0_and_what_lies_beyond_is_cut():
    image = np.array([[-1.0, 0, 0.5, 1, 7, np.inf, -np.inf, np.nan]])
    np.testing.assert_array_equal(to_unit(image)[0, :, 0], [0, 0, 0.5, 1, 1, 1, 0, 0])


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_constant_image_is_0_by_percentiles(value):
    np.testing.assert_array_equal(to_unit(np.full((5, 5), value, np.uint16), "percentile"), np.zeros((5, 5, 1)))


def test_a_deep_image_is_never_scaled_unasked():
    with pytest.raises(ValueError, match="must have 8 bits, got uint16"):
        to_unit(np.zeros((4, 4), np.uint16), "none")


def test_a_part_scaled_by_the_limits_of_the_whole_is_a_part_of_the_whole_scaled():
    image = np.random.default_rng(2).normal(1000, 50, (60, 60)).astype(np.uint16)
    part = to_unit(image[10:30], "percentile", limits=intensity_limits(image, "percentile"))
    np.testing.assert_array_equal(part, to_unit(image, "percentile")[10:30])


def test_colours_of_any_number_of_channels():
    image = np.random.default_rng(3).integers(0, 255, (4, 6, 5), dtype=np.uint8)
    for channels in (1, 2, 3, 4, 5):
        some = image[..., :channels]
        assert to_colour(some, "rgb").shape == (4, 6, 3)
        np.testing.assert_array_equal(to_colour(some, "rgb")[..., : min(channels, 3)], some[..., :3])
        np.testing.assert_array_equal(to_colour(some, "channels"), some)
        grey = to_colour(some, "grey")
        assert grey.dtype == np.uint8
        np.testing.assert_array_equal(grey[..., 0], np.rint(some.mean(axis=2)))
    for colour, channels in (("rgb", 3), ("grey", 1), ("channels", 1)):
        assert to_colour(image[..., 0], colour).shape == (4, 6, channels)


def test_grey_keeps_the_depth_of_its_dtype():
    image = np.full((2, 2, 3), 65535, np.uint16)
    assert to_colour(image, "grey").max() == 65535
    assert to_colour(image > 3, "grey").all()
    np.testing.assert_allclose(to_colour(image / np.float32(65535), "grey"), 1)
