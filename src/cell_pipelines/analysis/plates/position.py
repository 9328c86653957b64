"""Effects of the position on a plate: what is left of a well beyond what its treatment explains.

Effects of rows and columns are those of Tukey's two-way median polish, on which the B score rests (Brideau et al.
2003, doi:10.1177/1087057103258285). It is done on residuals, so that concentrations that run along rows or columns are
not taken for effects of these: the expected value of a control is the median of its role, that of a compound with a
dose-response curve its curve, that of any other sample the median of the samples without a curve.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cell_pipelines.analysis.multiple_testing import adjust_holm
from cell_pipelines.analysis.plates.controls import robust_centre_and_scale
from cell_pipelines.analysis.plates.rules import EMPTY, SAMPLE
from cell_pipelines.analysis.viability.dose_response import DoseResponse
from cell_pipelines.typing import BoolArray, FloatArray

EFFECT_COLUMNS: Final = {
    "plate": "str", "region": "str", "wells": "int64", "others": "int64", "difference_percent": "float64",
    "low_percent": "float64", "high_percent": "float64", "p": "float64", "p_adjusted": "float64",
}  # fmt: skip
_ROUNDS: Final = 20
_CLEAR: Final = 3.0  # standard errors
_MEDIAN_ERROR: Final = 1.2533  # standard error of a median over that of a mean, of a normal distribution
_LEAST: Final = 4  # wells on either side of a comparison
_LEAST_SAMPLES: Final = 8  # for a median of samples of which each is another compound


def add_residuals(wells: pd.DataFrame, responses: Mapping[str, DoseResponse]) -> pd.DataFrame:
    """Return wells with `residual_percent`, the response less what the treatment explains.

    Args:
        wells: One row per well: `plate`, `role`, `compound`, `concentration`, `response_percent`; where this is NaN for
            a whole plate, the value in per cent of the plate's median takes its place.
        responses: The dose-response curves by compound.

    Returns:
        The wells; `residual_percent` is NaN where nothing is expected of a well, such as of an empty one or of a
        single compound among few.
    """
    used = wells["response_percent"].astype("float64").copy()
    for _, own in wells.groupby("plate", sort=False):
        if own["response_percent"].isna().all() and own["value"].median() > 0:
            used[own.index] = 100 * own["value"] / own["value"].median()
    return wells.assign(residual_percent=used - _expected(wells, used, responses))


def _expected(wells: pd.DataFrame, used: pd.Series, responses: Mapping[str, DoseResponse]) -> pd.Series:
    expected = pd.Series(np.nan, index=wells.index)
    has_curve = np.zeros(len(wells), dtype=np.bool_)
    for compound, response in responses.items():
        curve = response.curve[response.curve["dose"] > 0]
        own = (wells["compound"] == compound) & (wells["role"] == SAMPLE) & (wells["concentration"] > 0)
        if len(curve):
            dose = np.log10(wells.loc[own, "concentration"].to_numpy(dtype=np.float64))
            expected[own] = np.interp(dose, np.log10(curve["dose"]), curve["viability_percent"])
            has_curve |= own.to_numpy()
    several = wells.groupby("compound")["concentration"].nunique()
    dosed = wells["compound"].isin(several.index[several > 1]) & (wells["role"] == SAMPLE)
    rest = wells[~has_curve & ~dosed.to_numpy() & (wells["role"] != EMPTY).to_numpy()]
    for (_, role), alike in rest.groupby(["plate", "role"], sort=False):
        if role != SAMPLE or used[alike.index].notna().sum() >= _LEAST_SAMPLES:
            expected[alike.index] = used[alike.index].median()
    return expected


def polish(plate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the effects of rows (R,) and columns (C,) of a plate (R, C) by Tukey's median polish; NaN is left out.

    >>> rows, columns = polish(np.add.outer([0.0, 0.0, 9.0], [0.0, 5.0, 0.0]))
    >>> rows.tolist(), columns.tolist()
    ([0.0, 0.0, 9.0], [0.0, 5.0, 0.0])
    """
    left = plate.copy()
    rows, columns = np.zeros(plate.shape[0]), np.zeros(plate.shape[1])
    for _ in range(_ROUNDS):
        row, column = _medians(left, 1), np.zeros(0)
        left = left - row[:, None]
        column = _medians(left, 0)
        left = left - column
        rows, columns = rows + row, columns + column
        if np.abs(row).max() < 1e-6 and np.abs(column).max() < 1e-6:
            break
    return rows - np.median(rows), columns - np.median(columns)


def _medians(values: FloatArray, axis: int) -> FloatArray:
    lines = values if axis == 1 else values.T
    return np.array([np.median(line[np.isfinite(line)]) if np.isfinite(line).any() else 0.0 for line in lines])


def position_effects(wells: pd.DataFrame, shape: tuple[int, int]) -> pd.Series:
    """Return the effect (N,) of the row and the column of each well, in the unit of `residual_percent`.

    An effect of less than three standard errors of a median is taken for 0: a correction by it would add its error to
    all wells of the row or column, which may be those of one compound.
    """
    effects = pd.Series(0.0, index=wells.index)
    for _, own in wells.groupby("plate", sort=False):
        plate = np.full(shape, np.nan)
        plate[own["row"], own["column"]] = own["residual_percent"]
        rows, columns = (
            np.where(np.abs(effects_of) > _CLEAR * _errors(plate, axis), effects_of, 0.0)
            for axis, effects_of in zip((1, 0), polish(plate), strict=True)
        )
        effects[own.index] = rows[own["row"]] + columns[own["column"]]
    return effects


def _errors(plate: FloatArray, axis: int) -> FloatArray:
    """Return the standard error of the median of each row (axis 1) or column (axis 0); infinite below two wells."""
    known = np.isfinite(plate).sum(axis=axis)
    spread = robust_centre_and_scale(plate[np.isfinite(plate)])[1]
    lines = plate if axis == 1 else plate.T
    own = np.array([robust_centre_and_scale(line[np.isfinite(line)])[1] for line in lines])
    return np.where(known > 1, _MEDIAN_ERROR * np.fmax(own, spread) / np.sqrt(np.maximum(known, 1)), np.inf)


def compare_regions(wells: pd.DataFrame, shape: tuple[int, int]) -> pd.DataFrame:
    """Return how the residuals at the edge of each plate, and along each of its sides, differ from those inside.

    Args:
        wells: One row per well: `plate`, `row`, `column` from 0, `residual_percent`.
        shape: Rows and columns of the plate.

    Returns:
        `EFFECT_COLUMNS`: `difference_percent` is the difference of means with its 95 % interval and p by Welch's t
        test, NaN with fewer than four wells on either side; p is adjusted by Holm's method over all rows.
    """
    rows = [row for plate, own in wells.groupby("plate", sort=False) for row in _regions(str(plate), own, shape)]
    table = pd.DataFrame(rows, columns=list(EFFECT_COLUMNS)).astype(EFFECT_COLUMNS)
    return table.assign(p_adjusted=adjust_holm(table["p"].to_numpy(dtype=np.float64)))


def _regions(plate: str, wells: pd.DataFrame, shape: tuple[int, int]) -> Iterator[dict[str, Any]]:
    known = wells[wells["residual_percent"].notna()]
    row, column = known["row"].to_numpy(), known["column"].to_numpy()
    sides: dict[str, BoolArray] = {
        "top": row == 0, "bottom": row == shape[0] - 1, "left": column == 0, "right": column == shape[1] - 1,
    }  # fmt: skip
    edge = np.logical_or.reduce(list(sides.values()))
    residual = known["residual_percent"].to_numpy(dtype=np.float64)
    for region, inside in {"edge": edge, **sides}.items():
        yield {"plate": plate, "region": region, **_difference(residual[inside], residual[~edge]), "p_adjusted": np.nan}


def _difference(one: FloatArray, others: FloatArray) -> dict[str, Any]:
    counts = {"wells": one.size, "others": others.size}
    if min(one.size, others.size) < _LEAST or one.std() + others.std() == 0:
        return {**counts, "difference_percent": np.nan, "low_percent": np.nan, "high_percent": np.nan, "p": np.nan}
    test = stats.ttest_ind(one, others, equal_var=False)
    low, high = test.confidence_interval(0.95)
    difference = float(one.mean() - others.mean())
    return {**counts, "difference_percent": difference, "low_percent": low, "high_percent": high, "p": test.pvalue}
