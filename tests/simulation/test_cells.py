"""Tests of the nuclei as numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei


def draw(count: int = 800, seed: int = 0, **settings: float) -> Nuclei:
    looks = {"mean_radius_px": 10.0, "radius_spread": 0.15, "clumping": 0.3, **settings}
    return draw_nuclei(count, (1500, 1500), rng=np.random.default_rng(seed), **looks)


def test_radii_have_the_mean_and_spread_asked_for() -> None:
    radii = draw(2000, clumping=0.0).radii
    assert len(radii) == 2000
    assert radii.mean() == pytest.approx(10.0, rel=0.02)
    assert radii.std() == pytest.approx(1.5, rel=0.1)


def test_without_spread_all_radii_are_equal() -> None:
    assert np.all(draw(50, radius_spread=0.0).radii == 10.0)


def test_faint_nuclei_have_vague_borders() -> None:
    nuclei = draw()
    assert np.corrcoef(nuclei.brightness, nuclei.borders)[0, 1] < -0.7
    assert nuclei.brightness.max() > 4 * nuclei.brightness.min() > 0


def test_outlines_never_cross_their_centre() -> None:
    assert np.abs(draw().harmonics).sum(axis=1).max() < 0.5


def test_no_nuclei_can_be_drawn() -> None:
    assert len(draw(0)) == 0


def test_a_part_of_the_nuclei_can_be_taken() -> None:
    nuclei = draw(20)
    by_mask, by_index = nuclei.take(nuclei.radii > 10), nuclei.take(np.flatnonzero(nuclei.radii > 10))
    assert 0 < len(by_mask) < 20
    assert np.array_equal(by_mask.centres, by_index.centres)


def test_arrays_must_speak_of_the_same_nuclei() -> None:
    with pytest.raises(ValueError, match="must have one entry per nucleus, got .*'radii': 3"):
        replace(draw(20), radii=np.ones(3))


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="`count` must be a whole number from 0 to 1e\\+06, got -1"):
        draw(-1)
    with pytest.raises(ValueError, match="`mean_radius_px` must be .* `clumping` must be"):
        draw(mean_radius_px=0.0, clumping=2.0)
