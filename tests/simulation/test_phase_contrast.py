"""Tests of spread cells in phase contrast: grey, long, with a halo around them."""

from __future__ import annotations

import numpy as np
import pytest

from cell_pipelines.simulation.outlines import measure_outlines
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene, simulate_phase_contrast

FLAT = PhaseContrastScene(rounded=0.0, unevenness=0.0, vignetting=0.0)


def test_cells_are_darker_than_the_background_and_their_halo_is_brighter() -> None:
    field = simulate_phase_contrast(FLAT, 1)
    distance = measure_outlines(field.labels).outside
    cells, halo, background = (field.image[m] for m in (distance == 0, (distance > 1) & (distance < 5), distance > 25))
    assert cells.mean() < background.mean() - 5 < background.mean() + 5 < halo.mean()


def test_contrast_is_low_and_a_threshold_is_not_enough() -> None:
    field = simulate_phase_contrast(FLAT, 2)
    cells = field.labels > 0
    ious = [np.sum((field.image < t) & cells) / np.sum((field.image < t) | cells) for t in range(60, 160)]
    assert 0.4 < max(ious) < 0.9


@pytest.mark.parametrize(("elongation", "low", "high"), [(1.0, 1.0, 2.4), (5.0, 2.4, 8.0)])
def test_cells_are_as_long_as_asked_for(elongation: float, low: float, high: float) -> None:
    scene = PhaseContrastScene(
        height=600, width=600, cells=30, clumping=0.0, rounded=0.0, elongation=elongation, mean_radius_px=7.0
    )
    labels = simulate_phase_contrast(scene, 0).labels
    ratios = []
    for id_ in range(1, labels.max() + 1):
        points = np.argwhere(labels == id_)
        values = np.linalg.eigvalsh(np.cov(points.T))
        ratios.append(np.sqrt(values[1] / values[0]))
    assert low < np.median(ratios) < high


def test_rounded_cells_have_a_bright_rim() -> None:
    flat, rounded = (simulate_phase_contrast(PhaseContrastScene(cells=6, rounded=r), 3).image for r in (0.0, 1.0))
    assert int(rounded.max()) > int(flat.max()) + 30


def test_the_background_has_its_level() -> None:
    field = simulate_phase_contrast(PhaseContrastScene(cells=0, level=0.3, vignetting=0.0, bit_depth=16), 0)
    assert np.median(field.image) / 65_535 == pytest.approx(0.3, abs=0.04)
