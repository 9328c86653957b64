"""Polygons drawn as pixels, against counting edges beside each pixel's centre and against shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.geometry import rasterising
from cell_pipelines.annotations.geometry.rasterising import (
    polygons_to_run_lengths,
    polygons_to_spans,
    rings_to_mask,
    rings_to_run_lengths,
)
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths

VERTICES = st.tuples(st.floats(-6, 18), st.floats(-6, 18))
RINGS = st.lists(st.lists(VERTICES, max_size=7), max_size=4)
# Corners and centres of pixels, where the rule for ties counts.
TIES = st.lists(st.lists(st.tuples(st.integers(-4, 28), st.integers(-4, 28)), max_size=6), max_size=3)


def to_arrays(rings: list[list[tuple[float, float]]], scale: float = 1.0) -> list[NDArray[np.float64]]:
    return [np.array(ring, dtype=np.float64).reshape(-1, 2) * scale for ring in rings]


def draw_slowly(rings: list[NDArray[np.float64]], height: int, width: int) -> NDArray[np.bool_]:
    """Count for each pixel's centre the edges straight above it; an edge through it counts."""
    mask = np.zeros((height, width), bool)
    for row, column in np.ndindex(height, width):
        above = 0
        for ring in rings:
            for (xa, ya), (xb, yb) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                (x0, y0), (x1, y1) = sorted([(xa, ya), (xb, yb)])
                if x0 <= column + 0.5 and column + 0.5 < x1:
                    above += y0 + (column + 0.5 - x0) * ((y1 - y0) / (x1 - x0)) <= row + 0.5
        mask[row, column] = above % 2 == 1
    return mask


@given(RINGS)
@settings(max_examples=50, deadline=None)
def test_a_pixel_is_inside_where_an_odd_number_of_edges_lies_above_its_centre(
    rings: list[list[tuple[float, float]]],
) -> None:
    arrays = to_arrays(rings)
    np.testing.assert_array_equal(rings_to_mask(arrays, 11, 9), draw_slowly(arrays, 11, 9))


@given(TIES)
@settings(max_examples=50, deadline=None)
def test_edges_through_centres_are_decided_the_same_way_everywhere(rings: list[list[tuple[float, float]]]) -> None:
    arrays = to_arrays(rings, 0.5)
    np.testing.assert_array_equal(rings_to_mask(arrays, 11, 9), draw_slowly(arrays, 11, 9))


def test_polygons_with_holes_cover_the_centres_that_shapely_finds_in_them() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:30, :40] + 0.5
    for _ in range(30):
        angles = np.sort(rng.random(12)) * 2 * np.pi
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outer = [20, 15] + rng.uniform(10, 22, (12, 1)) * circle
        hole = [20, 15] + rng.uniform(0.2, 0.5) * (outer - [20, 15])
        shape = shapely.Polygon(outer).difference(shapely.Polygon(hole))
        expected = shapely.contains_xy(shape, columns, rows)
        np.testing.assert_array_equal(rings_to_mask([outer, hole], 30, 40), expected)


@given(st.lists(st.tuples(st.integers(0, 48), st.integers(0, 40)), max_size=25, unique=True), st.booleans())
@settings(max_examples=50, deadline=None)
def test_polygons_that_share_edges_neither_share_nor_miss_a_pixel(inner: list[tuple[int, int]], turned: bool) -> None:
    points = np.unique(np.array([*inner, (0, 0), (48, 0), (0, 40), (48, 40)]), axis=0) / 4
    triangles = points[Delaunay(points).simplices]
    drawn = [rings_to_mask([t[::-1] if turned and i % 2 else t], 10, 12) for i, t in enumerate(triangles)]
    np.testing.assert_array_equal(np.sum(drawn, axis=0), 1)


@given(st.lists(RINGS, max_size=4))
@settings(max_examples=50, deadline=None)
def test_many_polygons_at_once_are_drawn_as_one_by_one(objects: list[list[list[tuple[float, float]]]]) -> None:
    every = [to_arrays(rings) for rings in objects]
    flat = Rings.from_lists(every)
    values, starts, boxes = polygons_to_run_lengths(flat, 11, 9)
    for row, rings in enumerate(every):
        mask = rings_to_mask(rings, 11, 9)
        expected = mask_to_run_lengths(mask)
        np.testing.assert_array_equal(rings_to_run_lengths(rings, 11, 9), expected)
        np.testing.assert_array_equal(values[starts[row] : starts[row + 1]], expected)
        assert tuple(boxes[row]) == mask_box(mask)


def test_spans_stand_in_order_and_rings_of_one_object_need_not() -> None:
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    vertices = np.concatenate([square, square + 5, square / 2 + 1])
    spans = polygons_to_spans(vertices, np.array([0, 4, 8]), np.array([1, 0, 1]), 9, 9)
    keys = list(zip(spans.object, spans.column, spans.start, strict=True))
    assert keys == sorted(keys)
    lengths = np.bincount(spans.object, weights=spans.stop - spans.start)
    assert lengths.tolist() == [
        rings_to_mask([square + 5], 9, 9).sum(),
        rings_to_mask([square, square / 2 + 1], 9, 9).sum(),
    ]


def test_drawing_a_part_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    objects = [[rng.random((30, 2)) * 40 - 10 for _ in range(3)] for _ in range(5)]
    whole = polygons_to_run_lengths(Rings.from_lists(objects), 21, 23)
    for size in (1, 7, 100):
        monkeypatch.setattr(rasterising, "_CROSSINGS_AT_A_TIME", size)
        for part, expected in zip(polygons_to_run_lengths(Rings.from_lists(objects), 21, 23), whole, strict=True):
            np.testing.assert_array_equal(part, expected)


def test_nothing_draws_nothing() -> None:
    values, starts, boxes = polygons_to_run_lengths(Rings.from_lists([]), 5, 4)
    assert values.size == 0
    assert starts.tolist() == [0]
    assert boxes.shape == (0, 4)
    assert not rings_to_mask([], 5, 4).any()
    assert not rings_to_mask([np.zeros((0, 2)), np.ones((1, 2)), np.ones((2, 2))], 5, 4).any()


def test_a_polygon_far_larger_than_the_image_covers_it() -> None:
    huge = np.array([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]])
    assert rings_to_mask([huge], 5, 4).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_vertices_that_are_no_places_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="`vertices` must be finite"):
        rings_to_mask([np.array([[0.0, 0], [value, 1], [1, 1]])], 5, 4)
