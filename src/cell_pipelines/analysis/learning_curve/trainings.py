"""The trainings of a learning curve as tables: one row per training, one row per size, and one row per epoch."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.summaries import ALL
from cell_pipelines.analysis.learning_curve.smoothing import smooth_history
from cell_pipelines.metrics.choices import metrics_shown
from cell_pipelines.old_names import rename_old_columns

Results = Mapping[str, Mapping[str, pd.DataFrame]]
#: Metrics that a curve can be drawn of, and what they are called.
METRICS: Final[Mapping[str, str]] = {metric.name: metric.title for metric in metrics_shown("learning curve")}
_FACTS: Final = ("trial", "model", "share", "images", "seed", "status", "error")
_WORDS: Final = ("trial", "model", "status", "error")


def collect_trainings(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Return one row per training with its test metrics, all classes together.

    Args:
        trials: One row per trial: `trial`, `model`, `images`, `status`, and where they were varied `share` and `seed`.
        results: For each trial its tables by name; of `evaluation_classes` the last row is taken.

    Returns:
        `trial`, `model`, `share` (nan where it is not known), `images`, `seed`, `status`, `error` and `METRICS`; one
        that did not finish, or left no table, keeps its row without metrics.
    """
    trials = rename_old_columns(trials)
    table = pd.DataFrame({name: trials.get(name, pd.Series(index=trials.index, dtype=object)) for name in _FACTS})
    table["error"] = table["error"].astype(object).where(table["error"].notna(), "").astype(str)
    table = table.astype({name: "str" if name in _WORDS else "float64" for name in _FACTS}).reset_index(drop=True)
    found = [_test_row(results.get(str(name), {}), str(status)) for name, status in zip(
        table["trial"], table["status"], strict=True)]  # fmt: skip
    metrics = pd.DataFrame(found, columns=list(METRICS), index=table.index).astype("float64")
    is_lost = (table["status"] == "finished") & metrics.isna().all(axis=1) & (table["error"] == "")
    table.loc[is_lost, "error"] = "it left no evaluation"
    return pd.concat([table, metrics], axis=1)


def _test_row(tables: Mapping[str, pd.DataFrame], status: str) -> dict[str, Any]:
    classes = tables.get("evaluation_classes")
    if classes is None or classes.empty or status != "finished":
        return {}
    rows = classes[classes["category"] == ALL]
    return {str(name): value for name, value in (rows if len(rows) else classes).iloc[-1].items() if name in METRICS}


def image_samples(trainings: pd.DataFrame) -> pd.Series:
    """Return which set of images each training learned from, as text.

    A seed draws its own nested subsets, but the whole training set, share 1 (or the most images, where shares are not
    known), is one set, whatever the seed.
    """
    share, images = trainings["share"], trainings["images"]
    whole = (share >= 1) | (share.isna() & (images == images.max()))
    return images.astype(str) + trainings["seed"].astype(str).radd("/").where(~whole, "")


def tabulate_sizes(trainings: pd.DataFrame, metrics: Sequence[str] = tuple(METRICS)) -> pd.DataFrame:
    """Return one row per model and size: the table of the paper's scalability experiment with what was reached.

    Returns:
        `model`, `share`, `images` (their mean; nan where none finished), `trainings` (those with metrics) and for each
        metric that any training has its mean and, in `…_sd`, its standard deviation over them; nan for fewer than two.
    """
    shown = [metric for metric in metrics if trainings[metric].notna().any()]
    rows = []
    size = trainings["share"].fillna(trainings["images"]).rename("size")
    for (model, _), group in trainings.groupby(["model", size], sort=True, dropna=False):
        known = group[list(METRICS)].notna().any(axis=1)
        row = {"model": model, "share": group["share"].iloc[0], "images": group["images"].mean(),
               "trainings": int(known.sum())}  # fmt: skip
        for metric in shown:
            row |= {metric: group[metric].mean(), f"{metric}_sd": group[metric].std(ddof=1)}
        rows.append(row)
    columns = ["model", "share", "images", "trainings", *(f"{m}{end}" for m in shown for end in ("", "_sd"))]
    return pd.DataFrame(rows, columns=columns)


def collect_histories(trainings: pd.DataFrame, results: Results, *, alpha: float = 0.6) -> pd.DataFrame:
    """Return the validation metrics of every epoch of every training, and their moving averages.

    Returns:
        One row per training and epoch: `trial`, `model`, `share`, `images`, `seed`, `epoch`, the columns of the
        histories that begin with ``val_``, and those averages in ``…_smooth``; see `smooth_history` for `alpha`.
    """
    facts = ["trial", "model", "share", "images", "seed"]
    parts = [pd.DataFrame(columns=[*facts, "epoch"])]
    trainings = rename_old_columns(trainings)
    for row in trainings[facts].to_dict(orient="records"):
        history = results.get(str(row["trial"]), {}).get("history")
        if history is None or history.empty:
            continue
        kept = ["epoch", *(name for name in history if str(name).startswith("val_"))]
        raw = history[kept].sort_values("epoch", kind="stable", ignore_index=True)
        smooth = smooth_history(raw, alpha=alpha).drop(columns="epoch").add_suffix("_smooth")
        whole = pd.concat([raw, smooth], axis=1)
        parts.append(pd.concat([pd.DataFrame([row] * len(whole)), whole], axis=1))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def trainings_with(trainings: pd.DataFrame, model: str, metric: str) -> pd.DataFrame:
    """Return the trainings of a model that have a metric, with which set of images they learned from in `sample`."""
    is_known = (trainings["model"] == model) & np.isfinite(trainings[metric]) & (trainings["images"] >= 1)
    own: pd.DataFrame = trainings[is_known]
    return own.assign(sample=image_samples(own))
