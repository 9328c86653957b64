"""Tests of every scene with one image: exact labels, whatever the scene."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.simulation.brightfield import BrightfieldScene
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene
from cell_pipelines.simulation.scenes import CellScene, simulate_cells

KINDS = (NeuronScene, PhaseContrastScene, BrightfieldScene)
SETTINGS = {
    "default": {},
    "crowded": {"height": 150, "width": 233, "cells": 200, "mean_radius_px": 7.0, "clumping": 0.9},
    "tiny cells": {"height": 200, "width": 160, "cells": 150, "mean_radius_px": 3.0, "radius_spread": 0.5},
    "huge cells": {"height": 64, "width": 48, "cells": 5, "mean_radius_px": 40.0, "clumping": 1.0},
    "smallest field": {"height": 16, "width": 16, "cells": 1, "mean_radius_px": 5.0},
    "nothing": {"height": 90, "width": 70, "cells": 0},
}


@pytest.fixture(params=KINDS, scope="module")
def scene(request: pytest.FixtureRequest) -> CellScene:
    return request.param(height=128, width=160, cells=10)


@pytest.fixture(
    params=[(kind, name) for kind in KINDS for name in SETTINGS],
    ids=lambda param: f"{param[0].__name__}, {param[1]}",
    scope="module",
)
def field(request: pytest.FixtureRequest) -> CellField:
    kind, name = request.param
    return simulate_cells(kind(**SETTINGS[name]), seed=7)


def found_boxes(labels: np.ndarray) -> np.ndarray:
    boxes = [[cols.start, rows.start, cols.stop, rows.stop] for rows, cols in ndimage.find_objects(labels)]
    return np.array(boxes, dtype=float).reshape(-1, 4)


def same(first: CellField, second: CellField) -> bool:
    return all(np.array_equal(getattr(first, part.name), getattr(second, part.name)) for part in fields(first))


def test_boxes_bound_the_labels_exactly(field: CellField) -> None:
    assert np.array_equal(field.boxes, found_boxes(field.labels))


def test_labels_are_connected_and_run_without_a_gap(field: CellField) -> None:
    assert np.array_equal(np.unique(field.labels[field.labels > 0]), np.arange(1, len(field.boxes) + 1))
    for id_, window in enumerate(ndimage.find_objects(field.labels), 1):
        assert ndimage.label(field.labels[window] == id_)[1] == 1


def test_artefacts_lie_in_no_label_and_their_boxes_bound_them(field: CellField) -> None:
    assert not (field.labels[field.artefact_labels > 0]).any()
    boxes = [artefact.box for artefact in field.artefacts]
    assert np.array_equal(found_boxes(field.artefact_labels), np.reshape(boxes, (-1, 4)))


def test_shapes_and_types_are_as_promised(field: CellField) -> None:
    assert field.image.shape[:2] == field.labels.shape == field.artefact_labels.shape
    assert field.labels.dtype == field.artefact_labels.dtype == np.int32
    assert field.boxes.dtype == np.float64 and field.boxes.shape[1:] == (4,)


def test_the_same_seed_gives_the_same_bytes(scene: CellScene) -> None:
    assert same(simulate_cells(scene, 3), simulate_cells(scene, 3))


def test_another_seed_gives_other_cells(scene: CellScene) -> None:
    first, second = (simulate_cells(scene, seed) for seed in (3, 4))
    assert not np.array_equal(first.labels, second.labels) and not np.array_equal(first.image, second.image)


def test_the_camera_does_not_move_the_cells(scene: CellScene) -> None:
    plain, other = (simulate_cells(s, 3) for s in (scene, replace(scene, noise=3.0, unevenness=0.5, blur_px=2.0)))
    assert np.array_equal(plain.labels, other.labels) and not np.array_equal(plain.image, other.image)


def test_sixteen_bits_show_the_same_picture_more_finely(scene: CellScene) -> None:
    fine, coarse = (simulate_cells(replace(scene, bit_depth=bits), 3).image for bits in (16, 8))
    assert (fine.dtype, coarse.dtype) == (np.uint16, np.uint8)
    assert np.allclose(fine / 257.0, coarse, atol=0.51)
    assert len(np.unique(fine)) > 4 * len(np.unique(coarse)) and np.ptp(fine) > 8_000


def test_a_field_without_cells_is_empty_and_noisy(scene: CellScene) -> None:
    field = simulate_cells(replace(scene, cells=0), 0)
    assert field.boxes.shape == (0, 4) and not field.labels.any()
    assert field.image.std() > 0


def test_most_cells_asked_for_are_there(scene: CellScene) -> None:
    counts = [len(simulate_cells(scene, seed).boxes) for seed in range(5)]
    assert 8 <= np.mean(counts) <= 10


def test_a_scene_tells_all_that_is_wrong_with_it(scene: CellScene) -> None:
    with pytest.raises(ValueError, match=r"^`cells` must be .* got -1\. `clumping` must be .* got 2\.$"):
        replace(scene, cells=-1, clumping=2)
    with pytest.raises(ValueError, match="^`bit_depth` must be 8 or 16, got 12"):
        replace(scene, bit_depth=12)


def test_a_seed_must_not_be_negative(scene: CellScene) -> None:
    with pytest.raises(ValueError, match="`seed` must be a whole number from 0 to .*, got -1"):
        simulate_cells(scene, -1)
