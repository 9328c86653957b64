"""Images and counts unlike those of training are said to be so, and those like them are not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.analysis.training_range import (
    check_image,
    check_objects,
    check_overlap,
    summarise_images,
    summarise_objects,
)
from cell_pipelines.imaging.image_statistics import ImageStatistics, measure_image
from cell_pipelines.imaging.intensity import intensity_limits

USUAL = ImageStatistics("uint8", 100.0, 0.0, 1.0, 0.1, 0.01)


def blobs(seed, noise=2.0, gain=1.0, count=25):
    """Return bright discs on a dark, noisy ground, in [0, 255]."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    image = np.zeros((200, 200))
    image[rng.integers(10, 190, count), rng.integers(10, 190, count)] = 1
    image = gaussian_filter(image, 5) * 2 * np.pi * 25 * 120 * gain
    return np.clip(12 + image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def seen(image, normalisation):
    return measure_image(image, intensity_limits(image, normalisation))


def trained(normalisation, count=8):
    return summarise_images([seen(blobs(seed), normalisation) for seed in range(count)])


@pytest.mark.parametrize("normalisation", ["percentile", "full_range", "percentile_above_8_bit"])
def test_images_like_those_of_training_carry_no_warning(normalisation):
    record = json.loads(json.dumps(trained(normalisation)))
    for seed in range(100, 130):
        assert check_image(seen(blobs(seed), normalisation), record, normalisation) == []


@pytest.mark.parametrize(("kind", "factor"), [("uint16", 16), ("float32", 1.0), ("float64", 1 / 4080), ("int32", 100)])
def test_other_types_fit_percentiles_and_not_the_range_of_a_type(kind, factor):
    image = (blobs(50) * np.float64(factor)).astype(kind)
    assert check_image(seen(image, "percentile"), trained("percentile"), "percentile") == []
    (warning,) = check_image(seen(image, "full_range"), trained("full_range"), "full_range")
    assert f"pixels are {kind}, in training uint8" in warning
    old = check_image(seen(image, "full_range"), {}, "full_range")  # a model file of before training images were kept
    assert old or kind == "float64"


def test_pixels_of_the_type_of_training_are_not_said_to_be_of_another():
    dim = np.zeros((200, 200, 3), np.uint8)
    dim[..., 2] = blobs(50)  # one of three channels, as a red or blue picture has it
    (first, *_) = check_image(seen(dim, "percentile"), trained("percentile"), "percentile")
    assert "the brightest pixels" in first
    assert "pixels are" not in first


@pytest.mark.parametrize("model", ["known", "unknown"])
def test_values_that_are_no_numbers_stand_beside_the_count(model):
    image = blobs(50).astype(np.float32)
    image[3, 4:6] = np.nan, np.inf
    record = trained("percentile") if model == "known" else {}
    (warning,) = check_image(seen(image, "percentile"), record, "percentile")
    assert warning == "2 values are no finite numbers and count as 0"
    assert check_image(seen(np.full_like(image, np.nan), "percentile"), record, "percentile")[0].startswith("40000 ")


def test_the_same_scene_in_all_sixteen_bits_fits_any_normalisation():
    image = blobs(50).astype(np.uint16) * 257
    assert check_image(seen(image, "full_range"), trained("full_range"), "full_range") == []


@pytest.mark.parametrize("normalisation", ["percentile", "full_range"])
def test_a_dim_image_in_which_noise_would_be_counted_carries_a_warning(normalisation):
    dim = blobs(60, gain=0.02)
    found = "; ".join(check_image(seen(dim, normalisation), trained(normalisation), normalisation))
    assert "noise may be counted as cells" in found and "contrast" in found
    assert "noise may be counted as cells" in "; ".join(check_image(seen(dim, normalisation), {}, normalisation))


def test_an_inverted_image_and_one_intensity_carry_warnings():
    record = trained("percentile")
    (found,) = check_image(seen(255 - blobs(60), "percentile"), record, "percentile")
    assert "median intensity" in found
    blank = np.full((50, 50), 9, np.uint16)
    assert check_image(seen(blank, "percentile"), record, "percentile") == ["all pixels have one intensity"]


def test_contrast_is_compared_within_a_type_only():
    record = summarise_images([USUAL])
    assert check_image(replace(USUAL, contrast=10.0), record, "percentile") == [
        "the contrast is 10 grey levels, in training 100 to 100"
    ]
    assert check_image(replace(USUAL, contrast=10.0, dtype="uint16"), record, "percentile") == []


def cells(count, side=10.0):
    return np.tile(np.array([0.0, 0.0, side, side]), (count, 1))


@pytest.fixture
def objects():
    record = summarise_objects(np.array([20, 30, 0]), np.full(3, 10_000), cells(50))
    return {"images": 3, **json.loads(json.dumps(record))}


def test_a_count_of_zero_is_always_said_beside_how_often_training_had_none(objects):
    assert check_objects(cells(0), 10_000, objects) == [
        "no cell was counted (1 of 3 training and validation images hold none)"
    ]
    assert check_objects(cells(0), 10_000, {}) == ["no cell was counted"]


@pytest.mark.parametrize(
    ("count", "pixels", "is_far"), [(25, 10_000, False), (400, 10_000, True), (400, 160_000, False)]
)
def test_a_count_is_far_from_training_by_the_images_area(objects, count, pixels, is_far):
    found = check_objects(cells(count), pixels, objects)
    assert bool(found) == is_far
    assert all("per megapixel" in sentence for sentence in found)


def test_few_cells_where_training_always_had_many_are_said():
    record = {"images": 2, **summarise_objects(np.array([100, 120]), np.full(2, 10_000), cells(9))}
    assert check_objects(cells(10), 10_000, record) and not check_objects(cells(60), 10_000, record)


@pytest.mark.parametrize(("side", "is_other"), [(10, False), (4, True), (15, False), (40, True)])
def test_cells_of_another_size_are_said(objects, side, is_other):
    found = check_objects(cells(20, side), 10_000, objects)
    assert bool(found) == is_other


@pytest.mark.parametrize(("overlap", "count"), [(None, 0), (float("nan"), 0), (64, 3), (200, 0)])
def test_cells_beyond_the_overlap_of_tiles_are_counted_in_the_warning(overlap, count):
    boxes = np.concatenate([cells(5), cells(3, 100.0)])
    found = check_overlap(boxes, overlap)
    assert len(found) == (count > 0)
    assert not count or found[0].startswith("3 of 8 cells are larger than the overlap")


def test_points_have_no_size_and_no_images_no_range():
    record = summarise_objects(np.array([2]), np.array([100]), np.array([[1.0, 1, 1, 1], [3, 3, 3, 3]]))
    assert "object_size_px" not in record
    assert summarise_objects(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)))["objects_per_image"] == {}
    assert summarise_images([])["images"] == 0
