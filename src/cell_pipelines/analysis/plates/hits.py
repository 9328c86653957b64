"""Hits: treatments that differ from the reference by more than its wells scatter, over all of them together.

Each well is set against the wells of reference of its own plate. The mean of a treatment's wells, of which there may be
one, is compared with Student's t of a prediction: its variance is that of the reference, once per well, and that of
the reference's mean. With samples as the reference, which hits are among, median and median absolute deviation take the
place of mean and standard deviation. p values of all treatments are adjusted by Benjamini & Hochberg's method.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import special

from cell_pipelines.analysis.multiple_testing import adjust_benjamini_hochberg
from cell_pipelines.analysis.plates.controls import known_values, robust_centre_and_scale
from cell_pipelines.analysis.plates.rules import NEGATIVE, SAMPLE, PlateRules

HIT_COLUMNS: Final = {
    "compound": "str", "concentration": "float64", "wells": "int64", "plates": "int64", "well_names": "str",
    "response_percent": "float64", "difference_percent": "float64", "z": "float64", "p": "float64",
    "p_adjusted": "float64", "hit": "bool", "note": "str",
}  # fmt: skip
_LEAST: Final = 3  # wells of reference on a plate
_MAD_FREEDOM: Final = 0.37  # degrees of freedom that the median absolute deviation leaves of those of the variance


def find_hits(wells: pd.DataFrame, rules: PlateRules) -> pd.DataFrame:
    """Return one row per treatment, a compound at a concentration, ordered by p.

    Args:
        wells: One row per well: `plate`, `well`, `role`, `compound`, `concentration`, `value`, `response_percent`.
        rules: `reference`, `false_discovery_rate`, `least_effect_percent`.

    Returns:
        `HIT_COLUMNS`: `z` is the mean distance of the wells from the reference of their plates in its standard
        deviations; `difference_percent` that of the response from the reference's. Wells without a compound are a
        treatment each. Where a plate has fewer than three wells of reference with different values, z and p are NaN
        and `note` says why.
    """
    tested = wells[(wells["role"] == SAMPLE) & wells["value"].notna()].copy()
    references = {plate: _reference(own, rules) for plate, own in wells.groupby("plate", sort=False)}
    tested["treatment"] = tested["compound"].where(tested["compound"].notna(), tested["plate"] + " " + tested["well"])
    keys = tested.groupby(["treatment", tested["concentration"].fillna(-1.0)], sort=False)
    rows = [_test(own, references) for _, own in keys]
    table = pd.DataFrame(rows, columns=list(HIT_COLUMNS)).astype(HIT_COLUMNS)
    adjusted = adjust_benjamini_hochberg(table["p"].to_numpy(dtype=np.float64))
    effect = table["difference_percent"].abs()
    enough = (effect >= rules.least_effect_percent) | (effect.isna() & (rules.least_effect_percent == 0))
    hit = (adjusted <= rules.false_discovery_rate) & enough
    ordered = table.assign(p_adjusted=adjusted, hit=hit)
    return ordered.sort_values(["p", "z"], kind="stable").reset_index(drop=True)


def _reference(wells: pd.DataFrame, rules: PlateRules) -> dict[str, float]:
    values, responses = (known_values(wells, rules.reference, name) for name in ("value", "response_percent"))
    if rules.reference == NEGATIVE:
        spread = float(values.std(ddof=1)) if values.size > 1 else np.nan
        centre, freedom = float(values.mean()) if values.size else np.nan, values.size - 1.0
    else:
        (centre, spread), freedom = robust_centre_and_scale(values), max(_MAD_FREEDOM * (values.size - 1), 1.0)
    response = float(np.median(responses)) if responses.size else np.nan
    return {"wells": values.size, "centre": centre, "spread": spread, "freedom": freedom, "response": response}


def _test(wells: pd.DataFrame, references: dict[Any, dict[str, float]]) -> dict[str, Any]:
    own = [references[plate] for plate in wells["plate"]]
    row = {
        "compound": wells["compound"].iloc[0], "concentration": wells["concentration"].iloc[0], "wells": len(wells),
        "plates": wells["plate"].nunique(), "well_names": "; ".join(_names(wells)),
        "response_percent": wells["response_percent"].mean(), "z": np.nan, "p": np.nan, "p_adjusted": np.nan,
        "difference_percent": (wells["response_percent"] - [one["response"] for one in own]).mean(), "hit": False,
        "note": "",
    }  # fmt: skip
    if any(one["wells"] < _LEAST or not one["spread"] > 0 for one in own):
        return row | {"note": f"fewer than {_LEAST} wells of reference with different values on the plate"}
    distances = np.array([(v - one["centre"]) / one["spread"] for v, one in zip(wells["value"], own, strict=True)])
    shares = wells["plate"].value_counts(normalize=True)
    variance = 1 / len(wells) + sum(share**2 / references[plate]["wells"] for plate, share in shares.items())
    freedom = sum(references[plate]["freedom"] for plate in shares.index)
    z = float(distances.mean())
    return row | {"z": z, "p": float(2 * special.stdtr(freedom, -abs(z) / np.sqrt(variance)))}


def _names(wells: pd.DataFrame) -> list[str]:
    if wells["plate"].nunique() == 1:
        return list(wells["well"])
    return [f"{plate} {well}" for plate, well in zip(wells["plate"], wells["well"], strict=True)]
