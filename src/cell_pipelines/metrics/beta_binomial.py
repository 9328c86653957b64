"""Posterior of a proportion whose units come in clusters: beta-binomial, the intraclass correlation unknown.

The successes of cluster i are beta-binomial: its own proportion varies around the common one, p, with the intraclass
correlation rho (Williams 1975, Biometrics 31:949, doi:10.2307/2529820). Both have Jeffreys' arcsine prior,
Beta(1/2, 1/2), on [0, 1], unless told otherwise of rho. A few clusters in which nearly every cell lives say little
about how clusters differ; the posterior averages over every correlation that they leave possible, where a variance
estimated from them would be almost 0.

For clusters of unequal sizes the estimate remains successes over trials of all together. The likelihood of p at a given
rho therefore weights cluster i by 1 + (n_i - 1) rho, scaled so that its information is that of this estimate; equal
clusters have a weight of 1. The posterior is integrated on a grid on logit scales that is zoomed to where it lies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cell_pipelines.typing import FloatArray

#: Parameters of Jeffreys' prior of a proportion, as a beta distribution.
ARCSINE = (0.5, 0.5)

_P_REACH = 18.0  # logit of the proportion at the ends of the widest grid
_RHO_REACH = (-14.0, 5.0)  # logits of the intraclass correlation: 1e-6 to 0.993
_COARSE, _FINE = (15, 41), (21, 121)  # points of rho and of p
_ZOOMS = 3
_NEGLIGIBLE = -30.0  # logarithm of a density relative to the highest that is left outside the grid
_VALUES_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class ClusteredPosterior:
    """The posterior of a proportion over clusters, on a grid.

    Attributes:
        logits: (P,) logits of the proportion, increasing.
        rho: (R,) intraclass correlations, increasing.
        mass: (R, P) posterior probabilities, which sum to 1.
    """

    logits: FloatArray
    rho: FloatArray
    mass: FloatArray

    def quantile(self, probability: float) -> float:
        """Return the proportion below which the true one lies with this probability."""
        return float(special.expit(np.interp(probability, self._below, self.logits)))

    def probability_below(self, proportion: float) -> float:
        """Return the probability that the true proportion is less than this one, in [0, 1]."""
        return float(np.interp(special.logit(proportion), self.logits, self._below, left=0.0, right=1.0))

    def correlation(self, probability: float = 0.5) -> float:
        """Return a quantile of the intraclass correlation, its median unless told otherwise."""
        below = _midpoints(self.mass.sum(axis=1))
        return float(special.expit(np.interp(probability, below, special.logit(self.rho))))

    def exceedance(self, trials: int) -> FloatArray:
        """Return the predictive probability that a new cluster has k successes or more, (trials + 1,) for each k.

        The beta-binomial's beta functions are products over whole steps, B(k + a, n - k + b) / B(a, b) =
        (a)_k (b)_(n - k) / (a + b)_n, so sums of logarithms take the place of gamma functions.
        """
        shown = np.flatnonzero(self.mass.sum(axis=0) > 0)
        steps, k = np.arange(float(trials))[:, None], np.arange(trials + 1.0)
        probability = np.zeros(trials + 1)
        binomials = -special.betaln(k + 1, trials - k + 1) - np.log(trials + 1)
        for row, mass in zip(1 / self.rho - 1, self.mass, strict=True):
            log = _log_rising(row * special.expit(self.logits[shown]), steps)
            log += _log_rising(row * special.expit(-self.logits[shown]), steps)[::-1]
            log += (binomials - np.log(row + steps).sum())[:, None]
            probability += np.exp(log, out=log) @ mass[shown]
        return np.minimum(np.cumsum(probability[::-1])[::-1], 1.0)

    @property
    def _below(self) -> FloatArray:
        return _midpoints(self.mass.sum(axis=0))


def clustered_posterior(
    successes: FloatArray, trials: FloatArray, *, rho_prior: tuple[float, float] = ARCSINE
) -> ClusteredPosterior:
    """Integrate the posterior of a proportion over clusters.

    Args:
        successes: (K,) of each cluster, 0 to `trials`.
        trials: (K,) of each cluster; clusters of 0 add nothing.
        rho_prior: Parameters of the beta distribution that is the prior of the intraclass correlation, above 0.
    """
    table, times = np.unique(np.stack([successes, trials], axis=1)[trials > 0], axis=0, return_counts=True)
    rho_ends, p_ends = _RHO_REACH, (-_P_REACH, _P_REACH)
    for _ in range(_ZOOMS):
        rho, logits = np.linspace(*rho_ends, _COARSE[0]), np.linspace(*p_ends, _COARSE[1])
        density = _log_density(table, times, (rho, logits), rho_prior)
        rho_ends = _zoom(rho, density.max(axis=1))
        p_ends = _zoom(logits, density.max(axis=0))
    rho, logits = np.linspace(*rho_ends, _FINE[0]), np.linspace(*p_ends, _FINE[1])
    density = _log_density(table, times, (rho, logits), rho_prior)
    mass = np.exp(density - density.max())
    return ClusteredPosterior(logits, np.asarray(special.expit(rho)), mass / mass.sum())


def _log_density(
    table: FloatArray, times: NDArray[np.int64], grid: tuple[FloatArray, FloatArray], rho_prior: tuple[float, float]
) -> FloatArray:
    """Return the logarithm of the posterior density (R, P) on logit scales, up to a constant."""
    rho_logits, logits = grid
    x, n = table.T
    rho = special.expit(rho_logits)
    design = 1 + (n - 1) * rho[:, None]  # (R, K): variance over that of independent units
    weights = (times * n).sum() / (times * n * design).sum(axis=1)[:, None] * design
    plain, weighted = np.zeros((2, rho.size, logits.size))
    strength = (1 / rho - 1)[:, None]
    a, b = strength * special.expit(logits), strength * special.expit(-logits)
    without = special.gammaln(a) + special.gammaln(b) - special.gammaln(strength)
    step = max(1, _VALUES_AT_ONCE // a.size)
    for start in range(0, x.size, step):
        part = slice(start, start + step)
        own_x, own_n = x[part, None, None], n[part, None, None]
        log = special.gammaln(own_x + a) + special.gammaln(own_n - own_x + b) - special.gammaln(own_n + strength)
        log -= without
        plain += np.einsum("k,krp->rp", times[part], log)
        weighted += np.einsum("k,rk,krp->rp", times[part], weights[:, part], log)
    prior = _log_beta(logits, ARCSINE)
    evidence = special.logsumexp(plain + prior, axis=1) + _log_beta(rho_logits, rho_prior)
    conditional = weighted + prior
    return np.asarray(evidence[:, None] + conditional - special.logsumexp(conditional, axis=1)[:, None])


def _log_rising(start: FloatArray, steps: FloatArray) -> FloatArray:
    """Return the logarithms of the rising factorials (a)_0 to (a)_n, (n + 1, A), for `start` (A,), `steps` (n, 1)."""
    return np.concatenate([np.zeros((1, start.size)), np.cumsum(np.log(start + steps), axis=0)])


def _log_beta(logits: FloatArray, parameters: tuple[float, float]) -> FloatArray:
    """Return the logarithm of the density of a beta distribution on a logit scale, up to a constant."""
    return np.asarray(parameters[0] * special.log_expit(logits) + parameters[1] * special.log_expit(-logits))


def _zoom(places: FloatArray, density: FloatArray) -> tuple[float, float]:
    """Return the ends of what is not negligible, a step wider."""
    inside = np.flatnonzero(density > density.max() + _NEGLIGIBLE)
    return float(places[max(inside[0] - 1, 0)]), float(places[min(inside[-1] + 1, places.size - 1)])


def _midpoints(mass: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(mass) - mass / 2)
