"""Areas of all objects at once."""

from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.geometry import areas
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.rings import polygon_area
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_area
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet


@pytest.mark.parametrize(("seed", "at_once"), [(0, 1), (1, 3), (2, 10_000), (3, 10_000), (4, 10_000)])
def test_areas_are_those_of_each_object_alone(
    seed: int, at_once: int, make_annotations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(areas, "_AT_ONCE", at_once)
    annotations = make_annotations(seed, geometries=GEOMETRIES)
    rings = Rings.from_arrow(annotations.objects["rings"])
    expected = []
    for row, record in enumerate(annotations.objects.to_pylist()):
        kind = GEOMETRIES[record["geometry"]]
        sides = (record["x_max"] - record["x_min"]) * (record["y_max"] - record["y_min"])
        alone = {"box": sides, "point": np.nan}
        if kind == "polygon":
            alone[kind] = polygon_area(rings.of(row))
        elif kind == "mask":
            alone[kind] = run_lengths_area(np.array(record["counts"]))
        expected.append(alone[kind])
    np.testing.assert_allclose(object_areas(annotations), expected, rtol=1e-9)


def test_a_set_without_objects_has_no_areas() -> None:
    assert object_areas(AnnotationSet.empty(["cell"])).shape == (0,)
