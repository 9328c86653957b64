"""GeoJSON geometry: rings become polygons with holes and pieces, and come back."""

import numpy as np
import shapely.geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.formats.parts.geojson import area_rings, to_geometry


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=6))
def test_rings_become_valid_polygons_of_the_same_area(squares: list[tuple[int, int, int]]) -> None:
    rings, area = [], shapely.geometry.Polygon()
    for column, row, depth in dict.fromkeys((c, r, 1) for c, r, _ in squares):
        del depth
        for inset in range(next(d for c, r, d in squares if (c, r) == (column, row))):
            low = np.array([column, row]) * 20.0 + 2 * inset
            ring = np.array([low, low + [18 - 4 * inset, 0], low + 18 - 4 * inset, low + [0, 18 - 4 * inset]])
            rings.append(ring)
            area = area.symmetric_difference(shapely.geometry.Polygon(ring))
    order = np.random.default_rng(len(rings)).permutation(len(rings))
    geometry, places = to_geometry([rings[i] for i in order])
    shape = shapely.geometry.shape(geometry)
    assert shape.is_valid
    assert shape.equals(area)
    assert [ring.tolist() for ring in area_rings(geometry)] == [rings[order[i]].tolist() for i in places]


def test_rings_that_cross_are_all_there() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        rings = [rng.random((5, 2)) * 20 for _ in range(5)]
        geometry, order = to_geometry(rings)
        assert sorted(order) == list(range(5))
        assert [ring.tolist() for ring in area_rings(geometry)] == [rings[i].tolist() for i in order]
