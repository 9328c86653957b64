"""Flag samples with too many aneuploid nuclei, by a threshold that holds for few controls and by those of laboratories.

Whether a sample is above is decided by the threshold of `reference_range`, which allows for few controls, for subjects
that differ, and for all tests of a subject together. Two conventions of laboratories stand beside it for comparison;
with few controls they flag many normal subjects (`benchmarks/fish_thresholds.py`):

* mean + 3 SD of the percentages of the control samples; missing where no control shows such a nucleus, since a
  threshold of 0 % would flag the first one;
* the beta inverse: the one-sided upper confidence limit for the most false positives that a control has shown, in the
  laboratories' spreadsheets BETAINV(confidence, false positives + 1, nuclei scored) (Wiktor et al. 2006, "Preclinical
  validation of fluorescence in situ hybridization assays for clinical practice", Genetics in Medicine 8:16-23; compared
  with other thresholds in doi:10.2353/jmoldx.2009.080101).

The exact limit of Clopper & Pearson for x false positives among n nuclei is BETAINV(confidence, x + 1, n - x). The
laboratories' third argument is n, so theirs is that limit for x among n + x nuclei: the same for x = 0, and a little
lower else (for 5 among 200, 5.06 % instead of 5.18 %). We keep theirs, so that thresholds can be compared with theirs,
and give the exact one beside it.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.fish.mosaicism import require_columns
from cell_pipelines.analysis.fish.reference_range import (
    ADVISED_CONTROLS,
    LEAST_CONTROLS,
    ReferenceRange,
    add_thresholds,
)

_KEYS: Final = ("chromosome", "state")
_NORMAL: Final = "disomic"
_SDS: Final = 3.0
_TYPES: Final = {
    "chromosome": "str",
    "state": "str",
    "controls": "int64",
    "control_nuclei": "int64",
    "mean_percent": "float64",
    "sd_percent": "float64",
    "mean_3sd_percent": "float64",
    "n_nuclei": "int64",
    "most_false_positives": "int64",
    "beta_inverse_percent": "float64",
    "clopper_pearson_percent": "float64",
    "threshold_percent": "float64",
}
_CONVENTIONS: Final = ("mean_3sd_percent", "beta_inverse_percent")
_NO_CONTROLS: Final = "No control sample is named, so there is no threshold."


def beta_inverse(false_positives: int, n_nuclei: int, *, level: float = 0.95) -> float:
    """Give the laboratories' threshold, BETAINV(level, false_positives + 1, n_nuclei), as a fraction.

    Args:
        false_positives: Abnormal nuclei of the worst control, 0 to `n_nuclei`.
        n_nuclei: Nuclei scored, 1 or more.
        level: One-sided confidence, in (0, 1).

    Example:
        >>> round(100 * beta_inverse(0, 200), 2), round(100 * beta_inverse(3, 200), 2)
        (1.49, 3.78)
    """
    from scipy import special

    _check(n_nuclei, level)
    if not 0 <= false_positives <= n_nuclei:
        raise ValueError(f"`false_positives` must lie between 0 and `n_nuclei` ({n_nuclei}), got {false_positives}.")
    return float(special.betaincinv(false_positives + 1, n_nuclei, level))


def compute_laboratory_thresholds(
    aneuploidy_of_controls: pd.DataFrame, *, n_nuclei: int | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Give the thresholds of each chromosome and state from control samples.

    Args:
        aneuploidy_of_controls: Rows of `measure_aneuploidy`, a group of them a control sample. Samples without a whole
            nucleus count for nothing.
        n_nuclei: Nuclei that are scored in a sample, 1 or more; None for the median of the controls'.
        level: One-sided confidence of the beta inverse, in (0, 1).

    Returns:
        One row per chromosome and state other than disomic, which is the normal one: `chromosome`, `state`, `controls`
        (samples), `control_nuclei`, `mean_percent`, `sd_percent` (missing for fewer than two controls),
        `mean_3sd_percent` (missing where that is 0), `n_nuclei`, `most_false_positives`, `beta_inverse_percent`,
        `clopper_pearson_percent`, and `threshold_percent` of `reference_range` for so many nuclei.
        Where controls have other numbers of nuclei than `n_nuclei`, the most false positives are the highest share
        among the controls, times `n_nuclei`, rounded up. Nothing can lie above 100 percent, nor do the thresholds.
    """
    if n_nuclei is not None:
        _check(n_nuclei, level)
    require_columns(aneuploidy_of_controls, "aneuploidy_of_controls", (*_KEYS, "nuclei", "count"))
    table = aneuploidy_of_controls
    scored = table[(table["nuclei"] > 0) & (table["state"] != _NORMAL)]
    reference = ReferenceRange(scored, level)
    rows = []
    for (chromosome, state), own in scored.groupby(list(_KEYS), sort=False):
        row = {"chromosome": str(chromosome), "state": str(state)} | _conventions(own, n_nuclei, level)
        least = reference.threshold(row["chromosome"], row["state"], row["n_nuclei"])
        rows.append(row | {"threshold_percent": 100.0 * least / row["n_nuclei"]})
    return pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)


def flag_samples(
    aneuploidy: pd.DataFrame, thresholds: pd.DataFrame, controls: pd.DataFrame | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Say which samples have more aneuploid nuclei than the threshold, and than the laboratories' thresholds.

    Args:
        aneuploidy: Rows of `measure_aneuploidy`.
        thresholds: Rows of `compute_laboratory_thresholds`; none where no control is named.
        controls: The rows of `measure_aneuploidy` that the thresholds come from; None for no threshold.
        level: As in `reference_range.add_thresholds`.

    Returns:
        The rows of `aneuploidy` with the columns of `add_thresholds`, `mean_3sd_percent`, `beta_inverse_percent`,
        `above_mean_3sd`, `above_beta_inverse` (nullable bool, missing where there is no threshold or no nucleus) and
        `note`, a sentence that says why something is missing or doubtful, else empty.
    """
    require_columns(aneuploidy, "aneuploidy", (*_KEYS, "nuclei", "fraction_percent"))
    require_columns(thresholds, "thresholds", (*_KEYS, "controls", "n_nuclei", *_CONVENTIONS))
    known = thresholds.set_index(list(_KEYS))[["controls", "n_nuclei", *_CONVENTIONS]]
    found = known.reindex(pd.MultiIndex.from_frame(aneuploidy[list(_KEYS)])).reset_index(drop=True)
    none = aneuploidy.iloc[:0] if controls is None else controls
    flagged = add_thresholds(aneuploidy.reset_index(drop=True), none, level=level)
    fraction = flagged["fraction_percent"].to_numpy(dtype=np.float64)
    for convention in _CONVENTIONS:
        flagged[convention] = found[convention].astype("float64")
    for convention in _CONVENTIONS:
        limit = flagged[convention].to_numpy(dtype=np.float64)
        above = pd.array(fraction > limit, dtype="boolean")
        above[np.isnan(limit) | np.isnan(fraction)] = pd.NA
        flagged[f"above_{convention.removesuffix('_percent')}"] = above
    columns = (flagged["state"], flagged["nuclei"], found["controls"], found["n_nuclei"])
    notes = [_note(*values, named=not thresholds.empty) for values in zip(*columns, strict=True)]
    flagged["note"] = pd.array(notes, dtype="str")
    return flagged


def _conventions(own: pd.DataFrame, n_nuclei: int | None, level: float) -> dict[str, Any]:
    from scipy import special

    counts, nuclei = own["count"].to_numpy(dtype=np.int64), own["nuclei"].to_numpy(dtype=np.int64)
    scored = int(np.median(nuclei)) if n_nuclei is None else n_nuclei
    most = int((-(-counts * scored // nuclei)).max())
    percent = 100.0 * counts / nuclei
    spread = float(percent.std(ddof=1)) if len(own) > 1 else float("nan")
    limit = float(np.minimum(percent.mean() + _SDS * spread, 100.0))
    exact = 1.0 if most == scored else float(special.betaincinv(most + 1, scored - most, level))
    return {
        "controls": len(own),
        "control_nuclei": int(nuclei.sum()),
        "mean_percent": float(percent.mean()),
        "sd_percent": spread,
        "mean_3sd_percent": limit if limit > 0 else float("nan"),
        "n_nuclei": scored,
        "most_false_positives": most,
        "beta_inverse_percent": 100.0 * beta_inverse(most, scored, level=level),
        "clopper_pearson_percent": 100.0 * exact,
    }


def _note(state: str, nuclei: int, controls: float, n_nuclei: float, *, named: bool) -> str:
    """Say why a comparison is missing or doubtful."""
    if state == _NORMAL:
        return "Disomy is the normal state, so it has no threshold."
    if not named:
        return _NO_CONTROLS
    if np.isnan(controls):
        return "No control sample has a whole nucleus, so there is no threshold."
    if nuclei == 0:
        return "There is no whole nucleus to compare."
    if controls < LEAST_CONTROLS:
        return f"{_count(controls)}: a threshold needs {LEAST_CONTROLS} or more, better {ADVISED_CONTROLS}."
    if controls < ADVISED_CONTROLS:
        return f"{_count(controls)}: {ADVISED_CONTROLS} or more are advised; with fewer the threshold is high."
    if nuclei < n_nuclei:
        return (
            f"The threshold is for the {nuclei} nuclei of this sample, the laboratories' thresholds for "
            f"{int(n_nuclei)}."
        )
    return ""


def _count(controls: float) -> str:
    return f"Only {int(controls)} control{'s' if controls > 1 else ''}"


def _check(n_nuclei: int, level: float) -> None:
    if n_nuclei < 1:
        raise ValueError(f"`n_nuclei` must be 1 or more, got {n_nuclei}.")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
