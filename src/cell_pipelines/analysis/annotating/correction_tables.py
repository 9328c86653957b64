"""Tables of what was changed: one row per object, and one row per image with how good the proposal was."""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.typing import IntArray


class Change(IntEnum):
    """Fate of an object; those up to `RECLASSIFIED` were matched one to one."""

    KEPT = 0
    RESHAPED = 1
    RECLASSIFIED = 2
    SPLIT = 3
    MERGED = 4
    REMOVED = 5
    ADDED = 6


CHANGES: Final = tuple(change.name.lower() for change in Change)


def object_table(
    changes: pd.DataFrame, shared: list[str], proposed: AnnotationSet, corrected: AnnotationSet
) -> pd.DataFrame:
    """Return the changes with names in place of numbers.

    Args:
        changes: One row per change; columns number (of the image in `shared`), change, proposed and corrected (rows in
            their sets, -1 for none), iou and distance_px.
        shared: Names of the images.
        proposed: The set the column `proposed` points into.
        corrected: The set the column `corrected` points into.
    """
    columns: dict[str, Any] = {
        "image": np.array(shared, dtype=object)[changes["number"].to_numpy()],
        "change": np.array(CHANGES, dtype=object)[changes["change"].to_numpy()],
    }
    for name, annotations in (("proposed", proposed), ("corrected", corrected)):
        rows = changes[name].to_numpy()
        columns[name] = pd.arrays.IntegerArray(rows.astype(np.int64), rows < 0)
        names = np.array([*annotations.categories, ""], dtype=object)
        category = np.full(len(rows), len(annotations.categories))
        category[rows >= 0] = annotations.category[rows[rows >= 0]]
        columns[f"{name}_category"] = names[category]
    frame = pd.DataFrame(
        {**columns, "iou": changes["iou"].to_numpy(), "distance_px": changes["distance_px"].to_numpy()}
    )
    return frame[
        ["image", "change", "proposed", "corrected", "proposed_category", "corrected_category", "iou", "distance_px"]
    ]


def image_table(changes: pd.DataFrame, shared: list[str], proposed: IntArray, corrected: IntArray) -> pd.DataFrame:
    """Count the changes of each image; `proposed` and `corrected` (I,) are its numbers of objects."""
    table = pd.DataFrame({"image": shared, "proposed": proposed, "corrected": corrected})
    for code, name in enumerate(CHANGES):
        own = changes[changes["change"] == code]
        # The pieces of one object are one change.
        side = {"split": "proposed", "merged": "corrected"}.get(name)
        own = own.drop_duplicates(side) if side else own
        table[name] = np.bincount(own["number"].to_numpy(dtype=np.int64), minlength=len(shared))
    matched = changes[changes["change"] <= Change.RECLASSIFIED]
    mean = matched.groupby("number")["iou"].mean().reindex(range(len(shared))).to_numpy(dtype=np.float64)
    return table.assign(**ratios(table), mean_iou=mean)


def ratios(counts: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Return precision, recall and F1 of the proposal; right are those that were kept or reshaped."""
    right, proposed, corrected = (
        counts[names].sum(axis=1).to_numpy() for names in (["kept", "reshaped"], ["proposed"], ["corrected"])
    )
    false, missed = proposed - right, corrected - right
    return {"precision": precision(right, false), "recall": recall(right, missed), "f1": f1(right, false, missed)}
