"""Rings: areas, nesting, cutting and joining, against shapely and against counting points."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cell_pipelines.annotations.geometry.rasterising import rings_to_mask
from cell_pipelines.annotations.geometry.rings import (
    clip_ring,
    group_rings,
    join_rings,
    polygon_area,
    ring_depths,
    split_ring,
)

Ring = NDArray[np.float64]
VERTICES = st.tuples(st.integers(-4, 24), st.integers(-4, 24))
RINGS = st.lists(st.lists(VERTICES, min_size=3, max_size=8), min_size=1, max_size=5)


def inside_ring(ring: Ring, points: Ring) -> NDArray[np.bool_]:
    """Say which points (N, 2) lie inside a ring (V, 2), by counting the edges to the right of each."""
    x, y = points[:, :1], points[:, 1:]
    (x1, y1), (x2, y2) = ring.T, np.roll(ring, -1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    odd: NDArray[np.bool_] = (crosses & right).sum(axis=1) % 2 == 1
    return odd


def square(low: float, high: float, *, turned: bool = False) -> Ring:
    ring = np.array([[low, low], [high, low], [high, high], [low, high]], dtype=np.float64)
    return ring[::-1] if turned else ring


def to_arrays(rings: list[list[tuple[int, int]]], scale: float = 1.0) -> list[Ring]:
    return [np.array(ring, dtype=np.float64) * scale for ring in rings]


def test_a_clipped_ring_covers_what_the_ring_covers_inside_the_image() -> None:
    rng = np.random.default_rng(2)
    points = rng.random((1500, 2)) * [40, 30] * 1.6 - [12, 9]
    inside_image = (points >= 0).all(axis=1) & (points <= [40, 30]).all(axis=1)
    for vertices in (3, 4, 7, 25) * 20:
        ring = rng.random((vertices, 2)) * 90 - 30  # concave and self-crossing ones too
        clipped = clip_ring(ring, 40, 30)
        drawn = inside_ring(clipped, points) if len(clipped) else np.zeros(len(points), bool)
        np.testing.assert_array_equal(drawn, inside_ring(ring, points) & inside_image)
        assert ((clipped >= 0) & (clipped <= [40, 30])).all()


def test_a_ring_inside_stays_and_one_outside_vanishes() -> None:
    ring = np.array([[1.0, 1], [9, 1], [5, 9]])
    np.testing.assert_array_equal(clip_ring(ring, 10, 10), ring)
    assert clip_ring(ring + 100, 10, 10).shape == (0, 2)
    assert clip_ring(np.zeros((0, 2)), 10, 10).shape == (0, 2)


def test_areas_of_single_rings_are_those_of_shapely() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        angles = np.sort(rng.random(8)) * 2 * np.pi
        ring = 1e5 + 50 * rng.uniform(0.2, 1, 8)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        assert polygon_area([ring]) == pytest.approx(shapely.Polygon(ring).area)
    assert polygon_area([]) == polygon_area([np.zeros((0, 2))]) == polygon_area([np.zeros((2, 2))]) == 0


@pytest.mark.parametrize("turned", [False, True])
def test_holes_subtract_and_pieces_add_however_they_turn(turned: bool) -> None:
    outer, hole, island = square(0, 10), square(2, 8, turned=turned), square(4, 6)
    beside = square(20, 21)
    assert polygon_area([outer, hole]) == 100 - 36
    assert polygon_area([island, beside, hole, outer]) == 100 - 36 + 4 + 1
    assert ring_depths([island, beside, hole, outer]).tolist() == [2, 0, 1, 0]
    assert polygon_area([outer, outer]) == 0
    assert polygon_area([outer, outer, outer]) == 100
    flat = np.array([[1.0, 1], [5, 5], [9, 9]])
    assert polygon_area([outer, flat]) == 100


def test_rings_that_touch_at_vertices_and_edges_keep_their_places() -> None:
    outer = square(0, 10)
    in_corner, beside = square(0, 5), square(0, 10) + [10, 0]
    assert ring_depths([outer, in_corner, beside, square(5, 10)]).tolist() == [0, 1, 0, 1]
    assert polygon_area([outer, in_corner, beside, square(5, 10)]) == 100 - 25 + 100 - 25


def test_rings_as_low_as_numbers_can_be_do_not_trip() -> None:
    low = np.array([[0.0, 1], [8, 1], [8, np.nextafter(1, 2)]])
    assert ring_depths([low, low, low + [0, np.nextafter(1, 2)]]).tolist() == [0, 1, 0]


def test_every_hole_comes_with_the_piece_around_it() -> None:
    outer, hole, island, hole_of_island = square(0, 20), square(2, 18), square(4, 16), square(6, 8)
    beside, hole_beside = square(30, 40), square(32, 34)
    rings = [hole_beside, island, hole, outer, beside, hole_of_island]
    grouped = [[ring.tolist() for ring in group] for group in group_rings(rings)]
    expected = [[island, hole_of_island], [outer, hole], [beside, hole_beside]]
    assert grouped == [[ring.tolist() for ring in group] for group in expected]
    area = sum(shapely.Polygon(group[0], group[1:]).area for group in group_rings(rings))
    assert polygon_area(rings) == area
    assert group_rings([]) == []


@given(RINGS)
@settings(max_examples=50, deadline=None)
def test_a_joined_path_fills_what_its_rings_fill(rings: list[list[tuple[int, int]]]) -> None:
    several = to_arrays(rings, 1 / 3)
    expected = rings_to_mask(several, 8, 8)
    path = join_rings(several)
    np.testing.assert_array_equal(rings_to_mask([path], 8, 8), expected)
    np.testing.assert_array_equal(rings_to_mask(split_ring(path), 8, 8), expected)


@given(st.lists(st.lists(VERTICES, min_size=3, max_size=8, unique=True), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_joined_path_comes_apart_into_its_rings(rings: list[list[tuple[int, int]]]) -> None:
    several = to_arrays(rings)
    back = split_ring(join_rings(several))
    assert [ring.tolist() for ring in back] == [ring.tolist() for ring in several]


def test_a_path_may_close_at_its_end_or_not_go_back() -> None:
    rings = [square(0, 2), square(4, 6), square(8, 9)]
    path = join_rings(rings)
    for variant in (path, np.concatenate([path, path[:1]]), path[:-1]):
        assert [ring.tolist() for ring in split_ring(variant)] == [ring.tolist() for ring in rings]


def test_a_ring_that_passes_its_first_vertex_twice_is_joined_from_another() -> None:
    bow = np.array([[5.0, 5], [9, 3], [9, 7], [5, 5], [1, 7], [1, 3]])
    [first, second] = split_ring(join_rings([bow, square(6, 7)]))
    np.testing.assert_array_equal(first, np.roll(bow, -1, axis=0))
    np.testing.assert_array_equal(second, square(6, 7))


@pytest.mark.parametrize(
    "path",
    [
        np.zeros((0, 2)),
        square(0, 4),
        np.array([[0.0, 0], [4, 0], [0, 0], [4, 4]]),
        np.array([[5.0, 5], [9, 3], [9, 7], [5, 5], [1, 7], [1, 3]]),
        np.concatenate([join_rings([square(0, 4), square(1, 2)]), [[9.0, 9]]]),
    ],
)
def test_what_is_no_joined_path_stays_whole(path: Ring) -> None:
    [whole] = split_ring(path)
    np.testing.assert_array_equal(whole, path)


def test_rings_without_area_are_not_joined() -> None:
    line = np.array([[0.0, 0], [3, 3]])
    np.testing.assert_array_equal(join_rings([line, square(0, 4)]), square(0, 4))
    np.testing.assert_array_equal(join_rings([line]), line)
    assert join_rings([]).shape == (0, 2)


def test_splitting_a_long_path_takes_linear_time() -> None:
    far = np.arange(3000)[:, None, None] * [[[20.0, 0]]]
    rings = list(square(0, 10) + far)
    assert len(split_ring(join_rings(rings))) == 3000
    spiral = np.stack([np.arange(200_000.0), np.arange(200_000.0) ** 2], axis=1)
    assert len(split_ring(spiral)) == 1
