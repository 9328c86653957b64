"""Tests of the texture sheets."""

from __future__ import annotations

import numpy as np
import pytest

from cell_pipelines.simulation.texture import cut_texture, draw_texture


def test_texture_has_mean_zero_and_a_spread_of_about_one() -> None:
    sheet = draw_texture((200, 300), [(1.0, 0.6), (4.0, 0.8)], np.random.default_rng(0))
    assert sheet.shape == (200, 300) and sheet.dtype == np.float32
    assert sheet.mean() == pytest.approx(0.0, abs=0.02) and sheet.std() == pytest.approx(1.0, abs=0.05)
    assert np.abs(sheet).max() <= 2.5


def test_larger_grains_change_more_slowly() -> None:
    fine, coarse = (draw_texture((100, 100), [(s, 1.0)], np.random.default_rng(0)) for s in (1.0, 5.0))
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()


@pytest.mark.parametrize("where", [(0.0, 0.0), (0.5, 0.99), (0.999, 0.999)])
def test_a_part_has_the_size_asked_for(where: tuple[float, float]) -> None:
    sheet = np.zeros((30, 30), dtype=np.float32)
    assert cut_texture(sheet, np.array(where), (12, 30)).shape == (12, 30)
