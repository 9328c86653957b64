"""Counts that models would give are counts, and come from the truth that was asked for."""

import numpy as np
import pytest
from simulated.evaluation_counts import CountModel, simulate_counts


def test_counts_are_whole_and_fit_each_other() -> None:
    counts = simulate_counts(CountModel(), 50, models=3, repetitions=4, rng=np.random.default_rng(0))
    assert counts.found.shape == (4, 50, 3, 3)
    for part in (counts.found, counts.pixels, counts.totals):
        assert (part >= 0).all()
        assert (part == np.round(part)).all()
    assert (counts.found[..., 0] + counts.found[..., 2] == counts.true).all()
    assert (counts.true == counts.true[..., :1]).all(), "all models are evaluated against the same cells"


def test_the_same_generator_gives_the_same_counts() -> None:
    one, other = (simulate_counts(CountModel(), 9, rng=np.random.default_rng(1)).found for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_means_and_spread_are_those_asked_for() -> None:
    model = CountModel(cells=20, dispersion=0.5, recall=0.9, image_sd=0, model_sd=0)
    counts = simulate_counts(model, 40_000, rng=np.random.default_rng(0))
    assert counts.true.mean() == pytest.approx(20, rel=0.02)
    assert counts.true.var() == pytest.approx(20 + 0.5 * 20**2, rel=0.05)
    assert counts.tp.sum() / counts.true.sum() == pytest.approx(0.9, abs=0.003)
    even = simulate_counts(CountModel(cells=20, dispersion=0), 40_000, rng=np.random.default_rng(0))
    assert even.true.var() == pytest.approx(20, rel=0.05)


def test_a_better_model_finds_more_and_images_of_a_series_are_alike() -> None:
    counts = simulate_counts(CountModel(better=1.0), 2000, models=2, rng=np.random.default_rng(0))
    assert counts.tp[..., 1].sum() > 1.03 * counts.tp[..., 0].sum()
    model = CountModel(series=5, series_sd=2.0, image_sd=0.0, model_sd=0.0, cells=200)
    one = simulate_counts(model, 1000, rng=np.random.default_rng(0))
    recall = (one.tp / np.maximum(one.true, 1))[0, :, 0].reshape(200, 5)
    assert recall.std(axis=1).mean() < 0.3 * recall.mean(axis=1).std()


def test_no_images_have_no_counts_and_impossible_settings_are_refused() -> None:
    assert simulate_counts(CountModel(), 0, rng=np.random.default_rng(0)).found.shape == (1, 0, 1, 3)
    with pytest.raises(ValueError, match="`recall` must lie in"):
        CountModel(recall=1.0)
