"""Label images there and back, against comparing every value with the whole image, and against scipy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry import label_images
from cell_pipelines.annotations.geometry.label_images import (
    binary_to_labels,
    foreground_window,
    labels_to_objects,
    objects_to_labels,
    split_pieces,
)
from cell_pipelines.annotations.geometry.outlines import all_run_lengths_to_rings
from cell_pipelines.annotations.geometry.rasterising import rings_to_mask
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=9)
LABELS = arrays(np.int32, SHAPES, elements=st.integers(0, 4))
STRUCTURES = {4: None, 8: np.ones((3, 3))}


def set_of_masks(masks: list[NDArray[np.bool_]]) -> AnnotationSet:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=masks[0].shape[1], height=masks[0].shape[0])
    for mask in masks:
        builder.add_object(row, "cell", "mask", mask_box(mask), counts=mask_to_run_lengths(mask))
    return builder.build()


def same_partition(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Say whether two label images differ in their numbers only."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return all(len(np.unique(side)) == pairs.shape[1] for side in pairs) and bool(((one > 0) == (other > 0)).all())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32, np.int64])
@given(LABELS)
@settings(max_examples=25, deadline=None)
def test_every_label_becomes_the_object_of_its_pixels(dtype: type, labels: NDArray[np.int32]) -> None:
    ids, boxes, counts = labels_to_objects((labels * 30).astype(dtype))
    assert ids.tolist() == [30 * n for n in np.unique(labels) if n]
    assert boxes.shape == (len(ids), 4)
    for number, box, runs in zip(ids, boxes, counts, strict=True):
        mask = labels * 30 == number
        np.testing.assert_array_equal(runs, mask_to_run_lengths(mask))
        assert runs.dtype == np.uint32
        assert tuple(box) == mask_box(mask)


def test_an_image_without_labels_holds_no_objects() -> None:
    ids, boxes, counts = labels_to_objects(np.zeros((4, 5), np.uint16))
    assert (len(ids), boxes.shape, counts) == (0, (0, 4), [])


@pytest.mark.parametrize(("labels", "error"), [(np.zeros((2, 2, 3), int), ValueError), (np.zeros((2, 2)), TypeError)])
def test_what_is_no_label_image_is_refused(labels: NDArray[Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="`labels` must"):
        labels_to_objects(labels)


@given(arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7))))
@settings(max_examples=50, deadline=None)
def test_the_first_object_keeps_the_pixel_and_the_others_count_what_they_lose(masks: NDArray[np.bool_]) -> None:
    labels, hidden = objects_to_labels(set_of_masks(list(masks)))
    expected = np.zeros(masks.shape[1:], np.int32)
    for number, mask in enumerate(masks, start=1):
        assert hidden[number - 1] == (mask & (expected > 0)).sum()
        expected[mask & (expected == 0)] = number
    np.testing.assert_array_equal(labels, expected)
    assert (labels.dtype, hidden.dtype) == (np.int32, np.int64)


def test_objects_of_every_geometry_are_drawn_by_the_centres_they_cover(make_annotations: Any) -> None:
    annotations = make_annotations(7, geometries=("box", "point", "polygon", "mask"))
    for one in iterate_images(annotations):
        height, width = one.images["height"][0].as_py(), one.images["width"][0].as_py()
        expected = np.zeros((height, width), np.int32)
        for number, record in enumerate(one.objects.to_pylist(), start=1):
            if record["rings"]:
                mask = rings_to_mask([np.reshape(ring, (-1, 2)) for ring in record["rings"]], height, width)
            elif record["counts"]:
                mask = run_lengths_to_mask(record["counts"], height, width)
            elif record["geometry"] == 1:
                mask = np.zeros((height, width), bool)
            else:
                x = np.arange(width) + 0.5
                y = np.arange(height)[:, None] + 0.5
                mask = (record["x_min"] <= x) & (x < record["x_max"]) & (record["y_min"] <= y) & (y < record["y_max"])
            expected[mask & (expected == 0)] = number
        np.testing.assert_array_equal(objects_to_labels(one)[0], expected)


@given(LABELS)
@settings(max_examples=50, deadline=None)
def test_labels_survive_as_masks_and_as_outlines(labels: NDArray[np.int32]) -> None:
    ids, _, counts = labels_to_objects(labels)
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=labels.shape[1], height=labels.shape[0])
    for i, runs in enumerate(counts):
        if i % 2:
            outlines = all_run_lengths_to_rings(RunLengths.from_lists([runs]), len(labels))
            builder.add_polygon(row, "cell", outlines.of(0))
        else:
            mask = run_lengths_to_mask(runs, *labels.shape)
            builder.add_object(row, "cell", "mask", mask_box(mask), counts=runs)
    drawn, hidden = objects_to_labels(builder.build())
    np.testing.assert_array_equal(np.concatenate([[0], ids])[drawn], labels)
    assert not hidden.any()


def test_painting_a_part_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    annotations = set_of_masks(list(rng.random((6, 17, 13)) < 0.6))
    whole, lost = objects_to_labels(annotations)
    for size in (1, 10, 100):
        monkeypatch.setattr(label_images, "_PIXELS_AT_A_TIME", size)
        labels, hidden = objects_to_labels(annotations)
        np.testing.assert_array_equal(labels, whole)
        np.testing.assert_array_equal(hidden, lost)


def test_an_image_without_objects_is_background_and_two_images_are_refused() -> None:
    builder = AnnotationBuilder()
    builder.add_image("a.png", width=5, height=4)
    labels, hidden = objects_to_labels(builder.build())
    assert (labels.shape, labels.any(), hidden.shape) == ((4, 5), False, (0,))
    builder.add_image("b.png", width=5, height=4)
    with pytest.raises(ValueError, match="must hold one image, got 2"):
        objects_to_labels(builder.build())


def test_a_mask_larger_than_its_image_is_refused() -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=5, height=4)
    builder.add_object(row, "cell", "mask", (0, 0, 5, 4), counts=np.array([3, 30], np.uint32))
    with pytest.raises(ValueError, match="masks must have 20 pixels"):
        objects_to_labels(builder.build())


@pytest.mark.parametrize("connectivity", [4, 8])
@given(arrays(np.bool_, SHAPES))
@settings(max_examples=25, deadline=None)
def test_pieces_of_a_mask_are_those_that_scipy_finds(connectivity: Any, mask: NDArray[np.bool_]) -> None:
    labels = binary_to_labels(mask, connectivity)
    expected, count = ndimage.label(mask, STRUCTURES[connectivity])
    np.testing.assert_array_equal(labels, expected)
    assert (labels.max(), labels.dtype) == (count, np.int32)


@pytest.mark.parametrize("connectivity", [4, 8])
@given(LABELS)
@settings(max_examples=25, deadline=None)
def test_pieces_of_one_value_become_objects_of_their_own(connectivity: Any, labels: NDArray[np.int32]) -> None:
    colours = np.array([0, 1, 2**24, 2**31, 2**32 - 1], np.uint32)[labels]
    pieces = split_pieces(colours, connectivity)
    expected = np.zeros(labels.shape, np.int64)
    for value in range(1, 5):
        found = ndimage.label(labels == value, STRUCTURES[connectivity])[0]
        expected = np.where(found, found + 1000 * value, expected)
    assert same_partition(pieces, expected)
    assert (pieces.max(), pieces.dtype) == (len(np.unique(expected[expected > 0])), np.int32)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("place", [None, (0, 0), (37, 52), (20, 30)])
def test_pieces_are_those_of_the_whole_image_wherever_they_lie(connectivity, place) -> None:
    labels = np.zeros((40, 55), np.int64)
    if place is not None:
        row, column = place
        blob = np.random.default_rng(0).integers(-1, 3, (9, 9))
        labels[row : row + 9, column : column + 9] = blob[: 40 - row, : 55 - column]
    expected = measure.label(labels, background=0, connectivity=connectivity // 4)
    np.testing.assert_array_equal(split_pieces(labels, connectivity), expected)
    rows, columns = foreground_window(labels)
    outside = labels.copy()
    outside[rows, columns] = 0
    assert not outside.any()
    empty = np.zeros((0, 3), np.uint8)
    assert split_pieces(empty).shape == (0, 3)
