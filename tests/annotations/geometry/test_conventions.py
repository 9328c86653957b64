"""Conventions of coordinates, there and back."""

import numpy as np

from cell_pipelines.annotations.geometry.conventions import (
    box_areas,
    centres_to_edges,
    clip_boxes,
    edges_to_centres,
    edges_to_voc,
    to_rings,
    voc_to_edges,
)


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


def test_flat_rings_become_pairs() -> None:
    [ring] = to_rings([[1, 2, 3, 4, 5, 6]])
    assert ring.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert to_rings([]) == []
