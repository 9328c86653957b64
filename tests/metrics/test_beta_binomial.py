"""The posterior of clustered proportions is that of direct integration, and its predictions are those of SciPy."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from cell_pipelines.metrics.beta_binomial import clustered_posterior


def direct_quantile(x: np.ndarray, n: np.ndarray, probability: float) -> float:
    """Integrate over arcsine angles, on which both priors are flat, by brute force."""
    angle = (np.arange(400) + 0.5) / 400 * np.pi / 2
    p, rho = np.sin(angle) ** 2, np.sin(angle[::2]) ** 2
    strength = (1 / rho - 1)[:, None]
    log = sum(
        special.betaln(a + strength * p, b - a + strength * (1 - p)) - special.betaln(strength * p, strength * (1 - p))
        for a, b in zip(x, n, strict=True)
    )
    below = np.cumsum(np.exp(log - log.max()).sum(axis=0))
    return float(np.interp(probability, (below - np.diff(below, prepend=0) / 2) / below[-1], p))


@pytest.mark.parametrize("x", [(18, 12, 25), (50, 50, 49, 50), (0, 3, 1, 0), (26, 24)])
def test_quantiles_are_those_of_direct_integration(x: tuple[int, ...]) -> None:
    counts, trials = np.array(x, dtype=float), np.full(len(x), 50.0)
    found = clustered_posterior(counts, trials)
    for probability in (0.025, 0.5, 0.975):
        assert found.quantile(probability) == pytest.approx(direct_quantile(counts, trials, probability), abs=0.006)
        assert found.probability_below(found.quantile(probability)) == pytest.approx(probability, abs=1e-6)


def test_single_units_give_the_beta_posterior_of_independent_ones() -> None:
    found = clustered_posterior(np.repeat([1.0, 0.0], (300, 700)), np.ones(1000))
    for probability in (0.025, 0.5, 0.975):
        assert found.quantile(probability) == pytest.approx(stats.beta.ppf(probability, 300.5, 700.5), abs=2e-4)


def test_the_correlation_of_many_clusters_is_found() -> None:
    rng = np.random.default_rng(1)
    counts = rng.binomial(80, rng.beta(0.7 * 9, 0.3 * 9, 400)).astype(float)
    assert clustered_posterior(counts, np.full(400, 80.0)).correlation() == pytest.approx(0.1, abs=0.015)


def test_predictions_of_many_controls_are_those_of_their_beta_binomial() -> None:
    rng = np.random.default_rng(2)
    counts = stats.betabinom(200, 0.02 * 99, 0.98 * 99).rvs(4000, random_state=rng).astype(float)
    expected = stats.betabinom(200, 0.02 * 99, 0.98 * 99).sf(np.arange(-1, 200))
    assert clustered_posterior(counts, np.full(4000, 200.0)).exceedance(200) == pytest.approx(expected, abs=0.02)


def test_exceedance_begins_at_one_and_falls() -> None:
    found = clustered_posterior(np.array([0.0, 1.0, 0.0]), np.array([50.0, 60.0, 0.0])).exceedance(30)
    assert found[0] == pytest.approx(1, abs=1e-9) and (np.diff(found) <= 0).all()
    assert integrate.trapezoid(found) > 0


def test_unequal_clusters_keep_the_weight_of_their_units() -> None:
    large = clustered_posterior(np.array([900.0, 10.0, 12.0]), np.array([1000.0, 100.0, 100.0]))
    assert large.quantile(0.5) > 0.5 > clustered_posterior(np.full(3, 10.0), np.full(3, 100.0)).quantile(0.5)
