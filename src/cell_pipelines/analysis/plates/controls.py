"""Controls: the quality of a plate, and the response of its wells in per cent of the range between the controls.

* Z' = 1 - 3 (sd_p + sd_n) / |mean_p - mean_n| (Zhang, Chung & Oldenburg 1999, doi:10.1177/108705719900400206); from
  0.5 on an assay is called excellent. `z_prime_robust` takes medians, and 1.4826 times the median absolute deviation.
* SSMD = (mean_n - mean_p) / sqrt(sd_n^2 + sd_p^2) (Zhang 2007, doi:10.1016/j.ygeno.2006.12.014).
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.plates.rules import NEGATIVE, POSITIVE
from cell_pipelines.analysis.plates.z_prime_intervals import (
    Control,
    robust_z_prime_interval,
    why_without_interval,
    z_prime_interval,
)
from cell_pipelines.typing import FloatArray

QUALITY_COLUMNS: Final = {
    "plate": "str", "values": "str", "negative": "int64", "positive": "int64", "mean_negative": "float64",
    "sd_negative": "float64", "mean_positive": "float64", "sd_positive": "float64", "z_prime": "float64",
    "z_prime_low": "float64", "z_prime_high": "float64", "z_prime_robust": "float64", "z_prime_robust_low": "float64",
    "z_prime_robust_high": "float64", "ssmd": "float64", "signal_to_background": "float64",
    "cv_negative_percent": "float64", "note": "str",
}  # fmt: skip
#: Standard deviations of a normal distribution per median absolute deviation.
MAD_TO_SD: Final = 1.4826
_LEAST: Final = 2  # wells of a control


def assess_plates(wells: pd.DataFrame, *, column: str = "value", values: str = "measured") -> pd.DataFrame:
    """Return one row per plate with the statistics of its controls.

    Args:
        wells: One row per well: `plate`, `role` and the column of values.
        column: The column of values.
        values: What these are called in the column `values`.

    Returns:
        `QUALITY_COLUMNS`; what can't be computed is NaN, and `note` says why.
    """
    rows = [
        {"plate": name, "values": values, **_assess(own, column)} for name, own in wells.groupby("plate", sort=False)
    ]
    return pd.DataFrame(rows, columns=list(QUALITY_COLUMNS)).astype(QUALITY_COLUMNS)


def _assess(wells: pd.DataFrame, column: str) -> dict[str, Any]:
    negative, positive = (known_values(wells, role, column) for role in (NEGATIVE, POSITIVE))
    (mean_n, sd_n), (mean_p, sd_p) = _mean_and_sd(negative), _mean_and_sd(positive)
    few = [f"{len(own)} {role} control{'' if len(own) == 1 else 's'} with a value"
           for role, own in (("negative", negative), ("positive", positive)) if len(own) < _LEAST]  # fmt: skip
    note = f"Z' needs {_LEAST} wells of each control or more, the plate has {' and '.join(few)}." if few else ""
    sizes = (len(negative), len(positive))
    usual = (Control(sizes[0], mean_n, sd_n), Control(sizes[1], mean_p, sd_p))
    robust = [robust_centre_and_scale(own) if len(own) >= _LEAST else (np.nan, np.nan) for own in (negative, positive)]
    medians = (Control(sizes[0], *robust[0]), Control(sizes[1], *robust[1]))
    (low, high), (robust_low, robust_high) = z_prime_interval(*usual), robust_z_prime_interval(*medians)
    if not few and mean_n == mean_p:
        note = "The means of the controls are the same: there is no Z'."
    elif not few and not np.isfinite(low):
        why = why_without_interval(*usual) or "the difference of the controls can't be told from 0"
        note = f"There is no interval of Z': {why}."
    elif not few and not np.isfinite(robust_low):
        why = why_without_interval(*medians) or "the medians of the controls are the same"
        note = f"There is no interval of the robust Z': {why}."
    return {
        "negative": len(negative), "positive": len(positive), "mean_negative": mean_n, "sd_negative": sd_n,
        "mean_positive": mean_p, "sd_positive": sd_p, "z_prime": _z_prime((mean_n, sd_n), (mean_p, sd_p)),
        "z_prime_low": low, "z_prime_high": high, "z_prime_robust": _z_prime(*robust),
        "z_prime_robust_low": robust_low, "z_prime_robust_high": robust_high,
        "ssmd": _divide(mean_n - mean_p, float(np.hypot(sd_n, sd_p))),
        "signal_to_background": _divide(mean_n, mean_p), "cv_negative_percent": 100 * _divide(sd_n, mean_n),
        "note": note,
    }  # fmt: skip


def known_values(wells: pd.DataFrame, role: str, column: str = "value") -> FloatArray:
    """Return the values (N,) of the wells of a role that have one."""
    return wells.loc[(wells["role"] == role) & wells[column].notna(), column].to_numpy(dtype=np.float64)


def robust_centre_and_scale(values: FloatArray) -> tuple[float, float]:
    """Return the median of values (N,), and 1.4826 times their median absolute deviation; NaN for none."""
    if not values.size:
        return np.nan, np.nan
    centre = float(np.median(values))
    return centre, MAD_TO_SD * float(np.median(np.abs(values - centre)))


def _mean_and_sd(values: FloatArray) -> tuple[float, float]:
    return (float(values.mean()) if values.size else np.nan, float(values.std(ddof=1)) if values.size > 1 else np.nan)


def _z_prime(negative: tuple[float, float], positive: tuple[float, float]) -> float:
    return 1 - 3 * _divide(negative[1] + positive[1], abs(negative[0] - positive[0]))


def _divide(above: float, below: float) -> float:
    return above / below if below else np.nan


def add_response(wells: pd.DataFrame) -> pd.DataFrame:
    """Return wells with `response_percent` and, in words, what it is in per cent of.

    Args:
        wells: One row per well: `plate`, `role`, `value`.

    Returns:
        `response_percent` is 100 at the median of the plate's negative controls, and 0 at that of its positive ones;
        without positive controls 0 is a value of 0. `response_of` says which; where a plate has no negative control,
        or the controls do not differ, the response is NaN and `response_of` empty.
    """
    parts = [_respond(own) for _, own in wells.groupby("plate", sort=False)]
    return pd.concat(parts).loc[wells.index] if parts else wells.assign(response_percent=np.nan, response_of="")


def _respond(wells: pd.DataFrame) -> pd.DataFrame:
    zero, negative, of = control_range(wells)
    if not of:
        return wells.assign(response_percent=np.nan, response_of="")
    return wells.assign(response_percent=100 * (wells["value"] - zero) / (negative - zero), response_of=of)


def control_range(wells: pd.DataFrame) -> tuple[float, float, str]:
    """Return the values of a plate at 0 and 100 per cent of the response, and what this is a part of, in words.

    The words are empty, and the values NaN, for a plate without negative controls or whose controls do not differ.
    """
    (negative, _), (positive, _) = (robust_centre_and_scale(known_values(wells, r)) for r in (NEGATIVE, POSITIVE))
    zero = positive if np.isfinite(positive) else 0.0
    if not np.isfinite(negative) or negative == zero:
        return np.nan, np.nan, ""
    return zero, negative, "range between the controls" if np.isfinite(positive) else "negative controls"
