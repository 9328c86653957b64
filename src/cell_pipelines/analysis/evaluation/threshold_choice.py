"""Choose one of many thresholds by the counts that each gives, from objects or from score maps.

`object_thresholds.py` counts for detectors, whose objects have scores, `map_thresholds.py` for networks with maps. Both
make the table that is described here, and both choose alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.knee import find_knee
from cell_pipelines.analysis.evaluation.standard_error import within_one_standard_error
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.thresholds import OLD_COLUMNS, Threshold
from cell_pipelines.typing import FloatArray

Objective = Literal["f1_centroid", "f1_iou", "count_mae", "count_bias"]
Choice = Literal["one_standard_error", "argmax", "knee"]

#: What is summed over images for each decoding, in this order.
COUNTS: Final = ("tp", "fp", "fn", "error", "absolute_error")
#: By which of equally good candidates is taken, the best, or where the curve bends.
CHOICES: Final = get_args(Choice)
#: What every objective is; F1 is to be high, count errors low.
OBJECTIVES: Final[Mapping[str, str]] = {
    "f1_centroid": "F1 of cells whose centroid is a true one's",
    "f1_iou": "F1 of cells that overlap a true one",
    "count_mae": "mean absolute count error",
    "count_bias": "mean count error, either way",
}
# Added to sizes, so that 0 has a logarithm.
_NO_SIZE: Final = 1e-3
# Values closer than this share of the best are equal.
_EQUAL: Final = 1e-9


@dataclass(frozen=True)
class ChoiceSettings:
    """By what, how and on which images a threshold is chosen.

    Attributes:
        objective: One of `OBJECTIVES`.
        choice: ``one_standard_error``: of those that the images cannot tell from the best, the one nearest to the
            default; ``argmax``: the best; ``knee``: where the curve bends.
        split: Images to choose on, train or val.
        iou: Least overlap of a found cell, in (0, 1].
        max_distance_px: Farthest that a predicted centroid may lie from a true one, in pixels.

    Raises:
        ValueError: A name is unknown, a number is out of range, or the split is test.
    """

    objective: Objective = "f1_iou"
    choice: Choice = "one_standard_error"
    split: str = "val"
    iou: float = 0.5
    max_distance_px: float = 50.0

    def __post_init__(self) -> None:
        for name, known in (("objective", tuple(OBJECTIVES)), ("choice", CHOICES)):
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}, got {getattr(self, name)!r}.")
        refuse_test([self.split])
        if not 0 < self.iou <= 1 or not self.max_distance_px > 0:
            raise ValueError(
                f"`iou` must lie in (0, 1] and `max_distance_px` above 0, got {self.iou} and {self.max_distance_px}."
            )


def refuse_test(splits: Sequence[str | None]) -> None:
    """Refuse to choose on the images that a model will be evaluated on.

    Raises:
        ValueError: The split test is among `splits`.
    """
    if "test" in splits:
        raise ValueError("thresholds must be chosen on images of train or val, got images of test.")


def tabulate(decodings: Sequence[Threshold], counts: FloatArray, objective: Objective) -> pd.DataFrame:
    """Return one row per decoding with what it gives.

    Args:
        decodings: D of them.
        counts: (I, D, 5), of each image in the order of `COUNTS`; the mean count errors of no image are nan.
        objective: What goes into the column of that name.

    Returns:
        Columns `threshold`, `min_area_px`, `min_distance_px`, `tp`, `fp`, `fn`, `precision`, `recall`, `f1`,
        `count_mae`, `count_bias`, `objective`, `equally_good`. The objective is F1, `count_mae` or the absolute value
        of `count_bias`; equally good is what lies within one standard error of the best
        (`standard_error.within_one_standard_error`).
    """
    counts = np.asarray(counts, dtype=np.float64)
    tp, fp, fn, error, absolute = counts.sum(axis=0).T
    images = len(counts) or np.nan
    columns = {
        "threshold": [d.score for d in decodings],
        "min_area_px": [d.min_area_px for d in decodings],
        "min_distance_px": [d.min_distance_px for d in decodings],
        **{name: values.astype(np.int64) for name, values in (("tp", tp), ("fp", fp), ("fn", fn))},
        "precision": precision(tp, fp), "recall": recall(tp, fn), "f1": f1(tp, fp, fn),
        "count_mae": absolute / images, "count_bias": error / images,
    }  # fmt: skip
    table = pd.DataFrame(columns)
    values = {"count_mae": table["count_mae"], "count_bias": table["count_bias"].abs()}
    equally_good = within_one_standard_error(counts, objective)
    return table.assign(objective=values.get(objective, table["f1"]), equally_good=equally_good)


def chosen_f1(table: pd.DataFrame, chosen: Mapping[str, Threshold], *, unpredicted: int = 0) -> float:
    """Return F1 over all classes at the thresholds that were chosen; nan without any cell.

    Args:
        table: Rows of `tabulate` for each class, named by `category`.
        chosen: For each class what was chosen; the row of the same sizes with the nearest threshold counts.
        unpredicted: True cells of classes without a row, of which nothing was predicted.
    """
    table = table.rename(columns=OLD_COLUMNS)
    totals = np.array([0.0, 0.0, unpredicted])
    for name, rows in table.groupby("category", sort=False):
        wanted = chosen[str(name)]
        columns, wanted_sizes = ["min_area_px", "min_distance_px"], [wanted.min_area_px, wanted.min_distance_px]
        sizes = rows[columns].sub(wanted_sizes).abs().sum(axis=1)  # thresholds of a detector's scores have no sizes
        same = rows[sizes <= sizes.min()]
        nearest = same.loc[(same["threshold"] - wanted.score).abs().idxmin()]
        totals += nearest[["tp", "fp", "fn"]].to_numpy(dtype=np.float64)
    return float(f1(*totals))


def choose_row(table: pd.DataFrame, objective: Objective, choice: Choice, default: Threshold) -> int | None:
    """Return which row of `tabulate` to take.

    ``one_standard_error`` takes, among those that are equally good, the one whose sizes are nearest to the default's,
    by their ratio, and of these the one with the nearest threshold: few images choose no better than that, and
    another network or other cells would have had another best.

    ``argmax`` takes the best value. Where several thresholds in a row are equally good, with the same sizes, the
    midpoint one is taken, so that a small change of the scores on new images does not cross an edge; of several such
    plateaus the longest. ``knee`` takes, among the thresholds with the sizes of the best value, the lowest from which a
    higher one gains little (`find_knee`).

    Args:
        table: Of `tabulate`.
        objective: Its objective.
        choice: One of `CHOICES`.
        default: The threshold without any images to choose on.

    Returns:
        The place of the row; None where there is nothing to choose by: no image, or no cell is ever found.
    """
    gains = _gains(table, objective)
    if not len(gains) or not np.isfinite(gains).any() or (objective.startswith("f1") and not (gains > 0).any()):
        return None
    if choice == "one_standard_error":
        return _nearest(table, default)
    groups = [rows[np.argsort(table["threshold"].to_numpy()[rows], kind="stable")] for rows in _same_sizes(table)]
    best = float(np.nanmax(gains))
    plateaus = [run for rows in groups for run in _runs(rows, gains[rows] >= best - _EQUAL * max(abs(best), 1.0))]
    thresholds = table["threshold"].to_numpy(dtype=float)
    longest = max(plateaus, key=lambda run: thresholds[run[-1]] - thresholds[run[0]])
    if choice == "knee":
        (rows,) = (rows for rows in groups if longest[0] in rows)
        known = rows[np.isfinite(gains[rows])]
        return int(known[find_knee(thresholds[known], gains[known])])
    midpoint = (thresholds[longest[0]] + thresholds[longest[-1]]) / 2
    return int(longest[np.argmin(np.abs(thresholds[longest] - midpoint))])


def _nearest(table: pd.DataFrame, default: Threshold) -> int:
    """Return the equally good row that is nearest to the default."""
    rows = np.flatnonzero(table["equally_good"].to_numpy())
    own = table.iloc[rows]
    areas = _ratio(own["min_area_px"], default.min_area_px)
    gaps = _ratio(own["min_distance_px"], default.min_distance_px)
    apart = np.abs(own["threshold"].to_numpy(dtype=np.float64) - default.score)
    return int(rows[np.lexsort((apart, np.round(areas / 2 + gaps, 9)))[0]])


def _ratio(sizes: pd.Series, default: float) -> FloatArray:
    """Return how far sizes are from a default as an absolute logarithm; lengths that are nan have no size: 0."""
    values = np.nan_to_num(sizes.to_numpy(dtype=np.float64), nan=default)
    return np.asarray(np.abs(np.log((values + _NO_SIZE) / (default + _NO_SIZE))))


def _gains(table: pd.DataFrame, objective: Objective) -> FloatArray:
    """Return the objective turned so that more is better."""
    values = table["objective"].to_numpy(dtype=np.float64)
    return values if objective.startswith("f1") else -values


def _same_sizes(table: pd.DataFrame) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each pair of least area and minimum distance, in the order of the table."""
    groups = table.groupby(["min_area_px", "min_distance_px"], sort=False, dropna=False).indices
    return [np.asarray(rows, dtype=np.int64) for rows in groups.values()]


def _runs(rows: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    """Return the rows that are kept, cut where one between them is not."""
    places = np.flatnonzero(kept)
    pieces = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [rows[piece] for piece in pieces if piece.size]
