"""Thresholds of aneuploid nuclei that hold for a new normal subject, from the beta-binomial posterior of the controls.

The counts of control subjects in one state are beta-binomial (`metrics.beta_binomial`). What a further normal subject
would show follows from their posterior predictive distribution, in which both the share and how subjects differ remain
as uncertain as few controls leave them. The intraclass correlation has the prior Beta(1/2, 20), mean 0.024: subjects
of one laboratory are alike, and a difference beyond that is learned from the controls. A subject is above the threshold
where the probability of so many nuclei or more, times the number of tests of a subject (Bonferroni: every chromosome
and state but disomy), is below 1 - level; so at most 1 - level of normal subjects should be, in whichever state.

How many normal subjects are flagged, and how many mosaics found, is simulated in `benchmarks/fish_thresholds.py`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.metrics.beta_binomial import ClusteredPosterior, clustered_posterior

#: Fewer controls give no threshold.
LEAST_CONTROLS: Final = 3
#: Fewer controls are said beside the threshold.
ADVISED_CONTROLS: Final = 5
#: Columns that `add_thresholds` adds.
THRESHOLD_COLUMNS: Final = ("threshold_percent", "p_normal", "p_adjusted", "above_threshold")
_KEYS: Final = ["chromosome", "state"]
_NORMAL: Final = "disomic"
_RHO_PRIOR: Final = (0.5, 20.0)


class ReferenceRange:
    """Range that normal subjects show, by chromosome and state.

    Args:
        controls: Rows of `measure_aneuploidy` of control subjects: `chromosome`, `state`, `nuclei`, `count`.
        level: One less the share of normal subjects that may be above any threshold, in (0, 1).
    """

    def __init__(self, controls: pd.DataFrame, level: float = 0.95) -> None:
        self.level = level
        scored = controls[(controls["nuclei"] > 0) & (controls["state"] != _NORMAL)]
        self._posteriors: dict[tuple[str, str], ClusteredPosterior] = {
            (str(chromosome), str(state)): clustered_posterior(
                own["count"].to_numpy(dtype=np.float64), own["nuclei"].to_numpy(dtype=np.float64), rho_prior=_RHO_PRIOR
            )
            for (chromosome, state), own in scored.groupby(_KEYS, sort=False)
            if len(own) >= LEAST_CONTROLS
        }
        self._exceedance: dict[tuple[str, str, int], npt.NDArray[np.float64]] = {}

    @property
    def tests(self) -> int:
        """Number of thresholds that a subject is compared with."""
        return len(self._posteriors)

    def probability(self, chromosome: str, state: str, count: int, nuclei: int) -> float:
        """Return the probability that a normal subject shows so many nuclei or more; nan without a threshold."""
        tail = self._tail(chromosome, state, nuclei)
        return float("nan") if tail is None else float(tail[count])

    def threshold(self, chromosome: str, state: str, nuclei: int) -> float:
        """Return the least count above the threshold; nan without one, or where even all nuclei would not be."""
        tail = self._tail(chromosome, state, nuclei)
        below = np.zeros(0, dtype=np.int64) if tail is None else np.flatnonzero(tail * self.tests < 1 - self.level)
        return float(below[0]) if below.size else float("nan")

    def _tail(self, chromosome: str, state: str, nuclei: int) -> npt.NDArray[np.float64] | None:
        posterior = self._posteriors.get((chromosome, state))
        if posterior is None or nuclei < 1:
            return None
        key = (chromosome, state, nuclei)
        if key not in self._exceedance:
            self._exceedance[key] = posterior.exceedance(nuclei)
        return self._exceedance[key]


def add_thresholds(aneuploidy: pd.DataFrame, controls: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Hold samples against the thresholds of the controls, each at its own number of nuclei.

    Args:
        aneuploidy: Rows of `measure_aneuploidy`.
        controls: Those of the control subjects; none gives no threshold.
        level: One less the share of normal subjects that may be above any threshold, in (0, 1).

    Returns:
        The rows of `aneuploidy` with `threshold_percent` (a sample with this share or more is above), `p_normal` (that
        a normal subject shows so many or more), `p_adjusted` (times the number of tests, at most 1) and
        `above_threshold` (nullable bool), all missing for disomy, without nuclei, and for fewer than `LEAST_CONTROLS`.
    """
    reference = ReferenceRange(controls, level)
    keys = aneuploidy[["chromosome", "state", "count", "nuclei"]].itertuples(index=False)
    rows = [_row(reference, str(c), str(s), int(k), int(n)) for c, s, k, n in keys]
    added = pd.DataFrame(rows, columns=list(THRESHOLD_COLUMNS), index=aneuploidy.index)
    types = dict.fromkeys(THRESHOLD_COLUMNS[:3], "float64") | {"above_threshold": "boolean"}
    return pd.concat([aneuploidy, added.astype(types)], axis=1)


def _row(reference: ReferenceRange, chromosome: str, state: str, count: int, nuclei: int) -> Sequence[object]:
    p = reference.probability(chromosome, state, count, nuclei)
    if np.isnan(p):
        return float("nan"), float("nan"), float("nan"), pd.NA
    adjusted = min(p * reference.tests, 1.0)
    least = reference.threshold(chromosome, state, nuclei)
    return 100.0 * least / nuclei, p, adjusted, adjusted < 1 - reference.level
