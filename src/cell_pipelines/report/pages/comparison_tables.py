"""The tables of models as the papers print them; which paper and table each is, its docstring says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures.comparison_losses import total_loss

if TYPE_CHECKING:
    import pandas as pd

_ALL: Final = "all classes"


def tabulate_architectures(
    models: pd.DataFrame, histories: Mapping[str, pd.DataFrame], *, name: str = "model", by: Sequence[str] = ("model",)
) -> pd.DataFrame:
    """Return parameters, training time, loss and IoU of each network: table 1 of the CLL paper (2024).

    Args:
        models: One row per model or trial; columns `name`, those of `by`, `parameters_m`, `training_seconds` and
            `pixel_iou` (of summed pixels); what is missing is empty.
        histories: For each name one row per epoch of training.
        name: The column that the histories go by.
        by: The columns that tell the networks apart in the table, such as model and encoder.

    Returns:
        In the order of `models`: `by`, `parameters (millions)`, `training time (mm:ss)`, `training loss` and
        `validation loss` at the epoch of the lowest validation loss, `epoch` (which that is), `test data set IoU (%)`.
    """
    import pandas as pd

    rows = [
        {
            **{key: row[key] for key in by},
            "parameters (millions)": _value(row, "parameters_m"),
            "training time (mm:ss)": _minutes(_value(row, "training_seconds")),
            **_losses(histories.get(str(row[name]))),
            "test data set IoU (%)": 100 * _value(row, "pixel_iou"),
        }
        for row in models.to_dict("records")
    ]
    columns = [*by, "parameters (millions)", "training time (mm:ss)", *_losses(None), "test data set IoU (%)"]
    return pd.DataFrame(rows, columns=columns)


def tabulate_overlaps(
    models: pd.DataFrame, histories: Mapping[str, pd.DataFrame], *, name: str = "model"
) -> pd.DataFrame:
    """Return IoU, Dice and loss of each network: table 4 of the paper on neural cells (2023).

    Args:
        models: One row per model; columns `name`, `pixel_iou` and `dice` of summed pixels: Dice = 2 IoU / (1 + IoU).
        histories: For each name one row per epoch of training.
        name: The column that names the models.

    Returns:
        `model`, `IoU (%)`, `Dice (%)`, `loss` (the lowest on validation images).
    """
    import pandas as pd

    rows = [
        {
            "model": row[name],
            "IoU (%)": 100 * _value(row, "pixel_iou"),
            "Dice (%)": 100 * _value(row, "dice"),
            "loss": _losses(histories.get(str(row[name])))["validation loss"],
        }
        for row in models.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["model", "IoU (%)", "Dice (%)", "loss"])


def tabulate_detection(classes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return precision, recall and AP50:95 of each class, one row per model: table 3 of the live/dead paper (2025).

    Args:
        classes: For each model one row per class; columns `category`, `precision`, `recall` and `ap50_95` of boxes.

    Returns:
        `model`, and for each class, in the order in which they come up, `<class> P (%)`, `<class> R (%)` and
        `<class> AP50:95 (%)`; all classes together are left out where there is more than one class.
    """
    import pandas as pd

    numbers = {"P": "precision", "R": "recall", "AP50:95": "ap50_95"}
    names = list(dict.fromkeys(str(name) for table in classes.values() for name in table["category"]))
    shown = [name for name in names if name != _ALL] or names
    rows: list[dict[str, Any]] = []
    for model, table in classes.items():
        known = {str(row["category"]): row for row in table.to_dict("records")}
        row: dict[str, Any] = {"model": model}
        for category in shown:
            for short, column in numbers.items():
                row[f"{category} {short} (%)"] = 100 * _value(known.get(category, {}), column)
        rows.append(row)
    columns = ["model", *(f"{category} {short} (%)" for category in shown for short in numbers)]
    return pd.DataFrame(rows, columns=columns)


def _losses(history: pd.DataFrame | None) -> dict[str, float]:
    """Return the losses of the epoch whose validation loss is the lowest, and which it is."""
    empty = {"training loss": math.nan, "validation loss": math.nan, "epoch": math.nan}
    if history is None or history.empty:
        return empty
    training, validation = (total_loss(history, "train"), total_loss(history, "val"))
    losses = (validation if validation.notna().any() else training).to_numpy(dtype=float)
    if np.isnan(losses).all():
        return empty
    best = int(np.nanargmin(losses))
    return {
        "training loss": float(training.iloc[best]),
        "validation loss": float(validation.iloc[best]),
        "epoch": float(history["epoch"].iloc[best]),
    }


def _value(row: Mapping[Any, Any], column: str) -> float:
    value = row.get(column)
    return math.nan if value is None else float(value)


def _minutes(seconds: float) -> str | None:
    """Write a time as minutes and seconds, more than an hour as minutes, too.

    Example:
        >>> _minutes(1301.2)
        '21:41'
    """
    if math.isnan(seconds):
        return None
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
