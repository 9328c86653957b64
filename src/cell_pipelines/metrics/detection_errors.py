"""Classify detection errors: wrong place, wrong class, both, background, or duplicate.

The kinds are those of TIDE (Bolya et al. 2020, doi:10.1007/978-3-030-58580-8_33), told by the overlaps of a prediction
that found nothing with the true cells of its image. With 0.5 as the least overlap of a hit and 0.1 as the most of the
background, a wrong prediction is, by the first line that fits,

* *localisation* where it overlaps a cell of its class by 0.1 to 0.5,
* *classification* where it overlaps a cell of another class by at least 0.5,
* *duplicate* where it overlaps a cell of its class by at least 0.5, which a surer prediction has found,
* *background* where it overlaps no cell by more than 0.1,
* *both* where it overlaps a cell of another class by 0.1 to 0.5.

A true cell that was not found is *missed*, unless a localisation or classification error points to it: mending that
error would find it. What an error costs is the F1 that mending all of its kind, and nothing else, would bring: errors
of place and class become hits where their cell is still missed, and go away otherwise; duplicates, background and
both go away; missed cells are taken from those that had to be found.

The same holds for masks, with their overlaps in place of those of boxes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from cell_pipelines.metrics.ratios import f1
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

ErrorKind = Literal["classification", "localisation", "both", "duplicate", "background", "missed"]

#: All kinds, in the order in which they are told.
ERROR_KINDS: Final[tuple[ErrorKind, ...]] = get_args(ErrorKind)
_WRONG: Final = ERROR_KINDS[:-1]
BACKGROUND_OVERLAP: Final = 0.1


@dataclass(frozen=True, eq=False)
class DetectionErrors:
    """Detection errors in one image.

    Attributes:
        kind: (M,) of each prediction its place among the first five of `ERROR_KINDS`, -1 for a hit.
        cell: (M,) of each localisation or classification error the true cell it points to, -1 for all others.
        missed: (N,) bool, true cells that no prediction found and no error points to.
    """

    kind: IntArray
    cell: IntArray
    missed: BoolArray


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The pairs of a prediction and a true cell of one image that overlap.

    Attributes:
        prediction: (K,) int in [0, M).
        cell: (K,) int in [0, N).
        iou: (K,) float in (0, 1].
    """

    prediction: IntArray
    cell: IntArray
    iou: FloatArray


def find_detection_errors(
    overlaps: Overlaps,
    categories: IntArray,
    true_categories: IntArray,
    *,
    correct: BoolArray,
    found: BoolArray,
    least: float = 0.5,
) -> DetectionErrors:
    """Tell what is wrong with each prediction of one image that found no cell.

    Args:
        overlaps: All pairs of predictions and true cells that overlap, of whatever classes.
        categories: (M,) int, classes of the predictions.
        true_categories: (N,) int.
        correct: (M,) bool, whether each prediction found a cell of its class.
        found: (N,) bool, whether each true cell was found.
        least: The overlap from which on a prediction found a cell, above 0.1.

    Raises:
        ValueError: The lengths do not fit, or `least` is not above 0.1.
    """
    count, true_count = len(categories), len(true_categories)
    if correct.shape != (count,) or found.shape != (true_count,):
        raise ValueError(
            f"`correct` and `found` must fit {count} predictions and {true_count} cells, got {len(correct)} and "
            f"{len(found)}."
        )
    if not BACKGROUND_OVERLAP < least <= 1:
        raise ValueError(f"`least` must lie in ({BACKGROUND_OVERLAP}, 1], got {least}.")
    same = categories[overlaps.prediction] == true_categories[overlaps.cell]
    own, nearest = _best(overlaps, same, count)
    other, confused = _best(overlaps, ~same, count)
    fits: list[tuple[ErrorKind, BoolArray]] = [
        # A cell that is hit well under another class was seen, whatever else of its class the prediction touches.
        ("classification", (other >= least) & (other > own)),
        ("localisation", (own >= BACKGROUND_OVERLAP) & (own < least)),
        # A cell of its class that is free would have been found, but where as many as possible were matched.
        ("duplicate", own >= least),
        ("background", np.maximum(own, other) <= BACKGROUND_OVERLAP),
        ("both", np.ones(count, dtype=np.bool_)),
    ]
    kind = np.full(count, -1, dtype=np.int64)
    for name, fitting in fits:
        kind[fitting & ~correct & (kind < 0)] = _WRONG.index(name)
    cell = np.full(count, -1, dtype=np.int64)
    for name, target in (("localisation", nearest), ("classification", confused)):
        cell[kind == _WRONG.index(name)] = target[kind == _WRONG.index(name)]
    pointed = np.zeros(true_count, dtype=np.bool_)
    pointed[cell[cell >= 0]] = True
    return DetectionErrors(kind, cell, ~found & ~pointed)


def _best(overlaps: Overlaps, chosen: BoolArray, count: int) -> tuple[FloatArray, IntArray]:
    """Return of each prediction its greatest overlap among the chosen pairs and the cell it is with; 0 and -1: none."""
    best, cell = np.zeros(count), np.full(count, -1, dtype=np.int64)
    prediction, cells, iou = (a[chosen] for a in (overlaps.prediction, overlaps.cell, overlaps.iou))
    order = np.lexsort((-cells, iou))  # of equal indices the last one is kept
    best[prediction[order]], cell[prediction[order]] = iou[order], cells[order]
    return best, cell


def count_errors(errors: DetectionErrors, found: BoolArray) -> dict[str, int]:
    """Return how many errors of each kind one image has, and how many cells mending them would find.

    Args:
        errors: What `find_detection_errors` gave.
        found: (N,) bool, as it was given.

    Returns:
        A number for each of `ERROR_KINDS`, and `mended_classification` and `mended_localisation`: distinct missed cells
        that errors of this kind point to. All may be summed over images.
    """
    counts: dict[str, int] = {name: int((errors.kind == place).sum()) for place, name in enumerate(_WRONG)}
    counts["missed"] = int(errors.missed.sum())
    for name in ("classification", "localisation"):
        pointed = np.unique(errors.cell[(errors.kind == _WRONG.index(name)) & (errors.cell >= 0)])
        counts[f"mended_{name}"] = int((~found[pointed]).sum())
    return counts


def count_confusions(
    errors: DetectionErrors,
    categories: IntArray,
    true_categories: IntArray,
    *,
    correct: BoolArray,
    found: BoolArray,
    n_categories: int,
) -> IntArray:
    """Count which class is taken for which in one image.

    Found cells lie on the diagonal. A missed cell that a prediction of another class lies on, the first where several
    do, counts as taken for that class. All other missed cells and all other predictions stand alone, so that every cell
    and every prediction counts once.

    Args:
        errors: What `find_detection_errors` gave.
        categories: (M,) int, classes of the predictions.
        true_categories: (N,) int.
        correct: (M,) bool, as it was given.
        found: (N,) bool, as it was given.
        n_categories: C.

    Returns:
        (C + 1, C + 1) int: one row per true class, then a row of predictions where there is no such cell; a column a
        predicted class, then a column of cells that were missed. All may be summed over images.
    """
    nothing = missed = n_categories
    table = np.zeros((n_categories + 1, n_categories + 1), dtype=np.int64)
    np.add.at(table, (true_categories[found], true_categories[found]), 1)
    confused = np.flatnonzero((errors.kind == _WRONG.index("classification")) & (errors.cell >= 0))
    confused = confused[~found[errors.cell[confused]]]
    cells, first = np.unique(errors.cell[confused], return_index=True)
    taken = confused[first]
    np.add.at(table, (true_categories[cells], categories[taken]), 1)
    alone = np.setdiff1d(np.flatnonzero(~correct), taken)
    table[nothing] += np.bincount(categories[alone], minlength=n_categories + 1)
    unseen = np.setdiff1d(np.flatnonzero(~found), cells)
    table[:, missed] += np.bincount(true_categories[unseen], minlength=n_categories + 1)
    return table


def f1_lost(counts: Mapping[str, float], tp: float, fp: float, fn: float) -> dict[str, float]:
    """Return for each kind the F1 that mending all of its errors, and nothing else, would bring.

    Args:
        counts: As `count_errors` gives them, of one image or summed over many.
        tp: True positives, likewise.
        fp: False positives.
        fn: Missed cells.

    Returns:
        For each of `ERROR_KINDS` a number of 0 or more; nan where there is neither a cell nor a prediction. They do not
        add up to 1 - F1, as mending two kinds brings more than either.
    """
    now = float(f1(tp, fp, fn))
    lost = {}
    for name in _WRONG:
        mended = counts.get(f"mended_{name}", 0)
        lost[name] = _f1_after(tp + mended, fp - counts[name], fn - mended) - now
    lost["missed"] = _f1_after(tp, fp, fn - counts["missed"]) - now
    return {name: lost[name] for name in ERROR_KINDS}


def _f1_after(tp: float, fp: float, fn: float) -> float:
    """Return F1 after mending; where neither a cell nor a prediction is left, nothing is wrong."""
    return float(f1(tp, fp, fn)) if tp + fp + fn else 1.0
