"""Conventions, masks and clipping, against drawing by brute force and against pycocotools."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as reference_mask

from cell_pipelines.annotations.geometry import (
    box_areas,
    centres_to_edges,
    clip_boxes,
    clip_ring,
    edges_to_centres,
    edges_to_voc,
    mask_box,
    mask_to_run_lengths,
    polygon_area,
    run_lengths_to_mask,
    to_rings,
    voc_to_edges,
)


def inside_ring(ring: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which points (N, 2) lie inside a ring (V, 2), by counting the edges to the right of each."""
    x, y = points[:, :1], points[:, 1:]
    (x1, y1), (x2, y2) = ring.T, np.roll(ring, -1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    odd: NDArray[np.bool_] = (crosses & right).sum(axis=1) % 2 == 1
    return odd


def test_one_box_in_all_conventions() -> None:
    """Pixels 2..4 of the columns and 0..9 of the rows, counted from 0, in an image of 20x10."""
    edges = (2.0, 0.0, 5.0, 10.0)
    assert edges_to_voc(edges) == (3, 1, 5, 10)
    assert voc_to_edges((3, 1, 5, 10)) == edges
    centres = edges_to_centres(np.array([edges]), 20, 10)
    np.testing.assert_allclose(centres, [[0.175, 0.5, 0.15, 1.0]])
    np.testing.assert_allclose(centres_to_edges(centres, 20, 10), [edges])


def test_conventions_there_and_back_change_nothing() -> None:
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.random((200, 2, 2)) * 500, axis=1).reshape(-1, 4)
    np.testing.assert_allclose(centres_to_edges(edges_to_centres(boxes, 640, 481), 640, 481), boxes, atol=1e-9)
    np.testing.assert_allclose([voc_to_edges(edges_to_voc(box)) for box in boxes], boxes, atol=1e-9)
    nothing = np.zeros((0, 4))
    assert edges_to_centres(nothing, 5, 5).shape == centres_to_edges(nothing, 5, 5).shape == (0, 4)


def test_areas_and_clipping_of_boxes() -> None:
    boxes = np.array([[-5.0, -5, 5, 5], [20, 20, 30, 30], [3, 3, 1, 9], [0, 0, 10, 8]])
    clipped = clip_boxes(boxes, 10, 8)
    np.testing.assert_array_equal(box_areas(clipped), [25, 0, 0, 80])
    np.testing.assert_array_equal(boxes[0], [-5, -5, 5, 5])


def test_run_lengths_equal_the_references_and_draw_the_same_mask() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        mask = rng.random(rng.integers(1, 30, 2)) < rng.random()
        runs = mask_to_run_lengths(mask)
        encoded = reference_mask.frPyObjects({"size": list(mask.shape), "counts": runs.tolist()}, *mask.shape)
        expected = reference_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert reference_mask.area(encoded) == mask.sum()
        assert encoded["counts"] == expected["counts"]
        np.testing.assert_array_equal(run_lengths_to_mask(runs.tolist(), *mask.shape), mask)
        x, y, width, height = reference_mask.toBbox(expected)
        assert mask_box(mask) == (x, y, x + width, y + height)


@pytest.mark.parametrize("mask", [np.zeros((5, 3), bool), np.ones((5, 3), bool), np.ones((1, 1), bool)])
def test_empty_and_full_masks(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(run_lengths_to_mask(mask_to_run_lengths(mask).tolist(), *mask.shape), mask)
    assert mask_box(mask) == ((0, 0, mask.shape[1], mask.shape[0]) if mask.any() else (0, 0, 0, 0))


@pytest.mark.parametrize("counts", [[], [14], [16], [10, 6], [-1, 16], [2**40]])
def test_run_lengths_that_do_not_fill_the_image_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="run lengths must add up to 15 pixels"):
        run_lengths_to_mask(counts, 5, 3)


def test_a_clipped_ring_covers_what_the_ring_covers_inside_the_image() -> None:
    rng = np.random.default_rng(2)
    points = rng.random((1500, 2)) * [40, 30] * 1.6 - [12, 9]
    inside_image = (points >= 0).all(axis=1) & (points <= [40, 30]).all(axis=1)
    for vertices in (3, 4, 7, 25) * 20:
        ring = rng.random((vertices, 2)) * 90 - 30  # concave and self-crossing ones too
        clipped = clip_ring(ring, 40, 30)
        drawn = inside_ring(clipped, points) if len(clipped) else np.zeros(len(points), bool)
        np.testing.assert_array_equal(drawn, inside_ring(ring, points) & inside_image)
        assert ((clipped >= -1e-9) & (clipped <= [40 + 1e-9, 30 + 1e-9])).all()


def test_a_ring_inside_stays_and_one_outside_vanishes() -> None:
    ring = np.array([[1.0, 1], [9, 1], [5, 9]])
    np.testing.assert_array_equal(clip_ring(ring, 10, 10), ring)
    assert clip_ring(ring + 100, 10, 10).shape == (0, 2)
    assert clip_ring(np.zeros((0, 2)), 10, 10).shape == (0, 2)


def test_areas_of_polygons_by_counting_points() -> None:
    rng = np.random.default_rng(3)
    side = (np.arange(300) + 0.5) / 300
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for _ in range(10):
        angles = np.sort(rng.random(8)) * 2 * np.pi
        ring = 0.5 + 0.5 * rng.uniform(0.2, 1, 8)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        assert polygon_area([ring]) == pytest.approx(inside_ring(ring, points).mean(), abs=5e-3)
        assert polygon_area([ring, ring[::-1]]) == pytest.approx(2 * polygon_area([ring]))
    assert polygon_area([]) == 0


def test_flat_rings_become_pairs() -> None:
    [ring] = to_rings([[1, 2, 3, 4, 5, 6]])
    assert ring.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert to_rings([]) == []
