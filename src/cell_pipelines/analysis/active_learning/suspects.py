"""Labels that look wrong: what models that were asked about labelled images find missing, spurious or misdrawn.

A model that learned from a wrong label may repeat it, so suspicions are worth most on images that it did not learn
from. The kinds of errors are those of ObjectLab (Tkachenko, Thyagarajan & Mueller 2023, arXiv:2309.00832): overlooked,
badly located and swapped, with spurious and repeated labels besides; the scores are our own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.active_learning.combining import KINDS, View, suspects_of
from cell_pipelines.analysis.active_learning.evidence import Evidence, Labels
from cell_pipelines.analysis.active_learning.suspicions import find_suspicions
from cell_pipelines.analysis.active_learning.trust import learn_trust

#: Columns of the table of suspects, and their types.
COLUMNS: Final = {
    "rank": "int64", "image": "str", "split": "str", "in_training": "bool", "kind": "str", "suspicion": "float64",
    "category": "str", "suggested": "str", "label": "Int64", "other_label": "Int64",
    "x_min": "float64", "y_min": "float64", "x_max": "float64", "y_max": "float64",
    "models": "str", "models_agreeing": "int64", "models_asked": "int64", "iou": "float64", "support": "float64",
    "model": "str", "prediction": "Int64", "reason": "str",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Asked:
    """One labelled image and what each model found there.

    Attributes:
        labels: Its labels.
        evidence: For each model that was asked; of models trained in folds only those that did not learn from it.
    """

    labels: Labels
    evidence: Mapping[str, Evidence]


def find_suspects(
    images: Sequence[Asked], categories: Sequence[str], *, least: float = 0.25, learned: Iterable[str] = ("train",)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what is suspected in labelled images.

    Args:
        images: The images; each model's trust is learned from all images that it was asked about.
        categories: Classes of labels and predictions.
        least: Smallest suspicion that is listed, in [0, 1].
        learned: Splits that the models learned from.

    Returns:
        One row per suspect with `COLUMNS`, the most suspicious first: `label` is the place of the label among those of
        its image, from 0, missing where a label is; `suggested` is the class that it should have, `other_label` the one
        it repeats; `prediction` the place of what `model` found among all it found in the image, missing where it
        found nothing; the box is the label's, or that of the cell without one.

        And one row per image, the one with the greatest sum of suspicions first: `image`, `split`, `in_training`,
        `labels`, `suspects`, `suspicion_sum`, one column per kind, and `worst` (the greatest suspicion).
    """
    models = list(dict.fromkeys(model for image in images for model in image.evidence))
    trust = {
        model: learn_trust([(i.labels, i.evidence[model]) for i in images if model in i.evidence], categories)
        for model in models
    }
    rows: list[dict[str, Any]] = []
    for image in images:
        views = {
            model: View(evidence, find_suspicions(image.labels, evidence, trust[model]), trust[model].usual_iou)
            for model, evidence in image.evidence.items()
        }
        rows += [row for row in suspects_of(image.labels, views) if row["suspicion"] >= least]
    table = _suspect_table(rows, set(learned))
    return table, _image_table(images, table, set(learned))


def _suspect_table(rows: Sequence[dict[str, Any]], learned: set[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*(name for name in COLUMNS if name not in ("rank", "reason")), "pieces"])
    table = table.sort_values(["suspicion", "image", "label"], ascending=[False, True, True], kind="stable")
    table = table.reset_index(drop=True)
    reasons = [_reason(row) for row in table.to_dict(orient="records")]
    numbers = {name: table[name].astype("Float64").astype("Int64") for name in ("label", "other_label", "prediction")}
    table = table.assign(**{name: values.where(values >= 0) for name, values in numbers.items()})
    table = table.assign(
        rank=np.arange(1, len(table) + 1),
        in_training=table["split"].isin(learned),
        reason=pd.Series(reasons, index=table.index, dtype="str"),
    )
    return table[list(COLUMNS)].astype(COLUMNS)


def _reason(row: Mapping[Any, Any]) -> str:
    """Say in words what is wrong, and whether any model suspects it strongly by itself."""
    agreeing, asked = int(row["models_agreeing"]), int(row["models_asked"])
    if not agreeing:
        named = str(row["kind"]).replace("_", " ")
        return f"perhaps a {named}; no model of {asked} suspects it strongly"
    who = "the model" if asked == 1 else f"{agreeing} of {asked} models"
    s = "s" if agreeing == 1 else ""
    pieces = row.get("pieces", 0)
    several = f", and {pieces:.0f} cells within it" if pd.notna(pieces) and pieces >= 2 else ""
    return {
        "missing_label": f"{who} see{s} a cell ({row['suggested']}) where no label is",
        "spurious_label": f"{who} see{s} no cell here; support {row['support']:.2f}",
        "bad_outline": f"{who} draw{s} this cell otherwise: IoU {row['iou']:.2f} with the label{several}",
        "wrong_class": f"{who} see{s} {row['suggested']} in place of {row['category']}",
        "duplicate_label": f"lies on another label, and {who} see{s} one cell here",
    }[str(row["kind"])]


def _image_table(images: Sequence[Asked], table: pd.DataFrame, learned: set[str]) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "image": pd.Series([i.labels.image for i in images], dtype="str"),
            "split": pd.Series([i.labels.split for i in images], dtype="str"),
            "in_training": np.array([i.labels.split in learned for i in images], dtype=bool),
            "labels": np.array([len(i.labels) for i in images], dtype=np.int64),
        }
    )
    groups = table.groupby("image", sort=False)
    names = rows["image"]
    rows["suspects"] = names.map(groups.size()).fillna(0).astype("int64")
    rows["suspicion_sum"] = names.map(groups["suspicion"].sum()).fillna(0.0).astype("float64")
    for kind in KINDS:
        own = table[table["kind"] == kind].groupby("image").size()
        rows[kind] = names.map(own).fillna(0).astype("int64")
    rows["worst"] = names.map(groups["suspicion"].max()).astype("float64")
    ordered = rows.sort_values(["suspicion_sum", "image"], ascending=[False, True], kind="stable")
    return ordered.reset_index(drop=True)
