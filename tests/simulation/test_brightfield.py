"""Tests of blood cells in bright field: dark rims, and a centre that follows the focus."""

from __future__ import annotations

import numpy as np
import pytest

from cell_pipelines.simulation.brightfield import BrightfieldScene, simulate_brightfield
from cell_pipelines.simulation.outlines import measure_outlines

EVEN = BrightfieldScene(unevenness=0.0, vignetting=0.0, clumping=0.0)


def test_a_dark_rim_lies_between_background_and_a_brighter_ring() -> None:
    field = simulate_brightfield(EVEN, 1)
    outlines = measure_outlines(field.labels)
    rim = field.image[(outlines.inside > 1) & (outlines.inside < 3)].mean()
    ring = field.image[(outlines.inside > 5) & (outlines.inside < 8)].mean()
    background = field.image[outlines.outside > 15].mean()
    assert rim < background - 1_500 and rim < ring - 1_500


def test_cells_out_of_focus_differ_and_those_in_focus_are_alike() -> None:
    spreads = []
    for defocus in (0.0, 2.0):
        field = simulate_brightfield(BrightfieldScene(defocus=defocus, unevenness=0.0, clumping=0.0), 4)
        inside = measure_outlines(field.labels).inside
        centres = [field.image[(field.labels == id_) & (inside > 8)] for id_ in range(1, len(field.boxes) + 1)]
        spreads.append(np.std([centre.mean() for centre in centres if centre.size]))
    assert spreads[1] > 2 * spreads[0]


def test_contrast_is_low() -> None:
    image = simulate_brightfield(BrightfieldScene(), 2).image
    low, high = np.percentile(image, [1, 99])
    assert image.dtype == np.uint16 and 2_000 < high - low < 25_000


def test_most_cells_are_round_and_odd_ones_are_not() -> None:
    def roundness(odd: float) -> float:
        labels = simulate_brightfield(BrightfieldScene(odd_shapes=odd, clumping=0.0, radius_spread=0.0), 5).labels
        areas = np.bincount(labels.ravel())[1:]
        reach = [
            np.hypot(*(p - p.mean(axis=0)).T).max()
            for p in map(np.argwhere, (labels == i + 1 for i in range(len(areas))))
        ]
        return float(np.median(areas / (np.pi * np.square(reach))))

    assert roundness(0.0) > roundness(1.0) + 0.08


def test_the_background_has_its_level() -> None:
    image = simulate_brightfield(BrightfieldScene(cells=0, level=0.6, vignetting=0.0), 0).image
    assert np.median(image) / 65_535 == pytest.approx(0.6, abs=0.05)
