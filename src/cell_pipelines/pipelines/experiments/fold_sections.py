"""Say on the page of a cross-validation how good its models are: out of fold, alone on test images, and together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines.metrics.choices import metrics_shown, title_of
from cell_pipelines.pipelines.experiments.trials import PART

if TYPE_CHECKING:
    from cell_pipelines.report.page.html import Section

_NOTE = (
    "Out of fold: each training image is predicted by the model that was trained without its fold, at the thresholds "
    "of that model, chosen on the validation images, as was its best epoch. No group of images is in two folds, and no "
    "test image in any."
)
_ENSEMBLE = (
    " The ensemble averages the scores of the folds' models before cells are decoded; its thresholds were chosen on "
    "the out-of-fold scores of the training images."
)


def describe_folds(trials: pd.DataFrame, out_of_fold: pd.DataFrame, metric: str) -> list[Section]:
    """Return the section about a cross-validation.

    Args:
        trials: One row per trial with its metrics on test.
        out_of_fold: One row per model and class, as `folds.evaluate_out_of_fold` gives them.
        metric: What models are ranked by.
    """
    from cell_pipelines.report.page.html import Section, Table

    summary = pd.DataFrame(_rows(trials, out_of_fold, metric)).dropna(axis="columns", how="all")
    tables: list[Any] = [Table(summary, f"{title_of(metric)} with its 95 % interval, and other metrics")]
    if len(out_of_fold):
        shown = ["model", "category", "images", "units", "objects", *_shown(out_of_fold, metric)]
        caption = "Out of fold: all training images, by class; units are what the intervals draw"
        tables.append(Table(out_of_fold[shown].dropna(axis="columns", how="all"), caption))
    note = _NOTE + (_ENSEMBLE if (trials[PART] == "ensemble").any() else "")
    return [Section("Cross-validation", tables, note=note)]


def _rows(trials: pd.DataFrame, out_of_fold: pd.DataFrame, metric: str) -> Iterator[dict[str, Any]]:
    for model, own in trials.groupby("model", sort=False):
        name = {"model": model}
        if len(out_of_fold):
            whole = out_of_fold[out_of_fold["model"] == model].tail(1)
            yield from ({**name, "what": "out of fold", "on": "training images", **_values(row, metric)}
                        for row in whole.to_dict("records"))  # fmt: skip
        is_fold = own[PART].astype(str).str.startswith("without")
        folds = own[is_fold & own[metric].notna()]
        if len(folds):
            means = folds[_shown(own, metric)].mean().drop([f"{metric}_low", f"{metric}_high"], errors="ignore")
            title = f"mean of {len(folds)} models, {folds[metric].min():.3f} to {folds[metric].max():.3f}"
            yield {**name, "what": title, "on": "test images", **means}
        for row in own[~is_fold & (own["status"] == "finished")].to_dict("records"):
            yield {**name, "what": row[PART], "on": "test images", **_values(row, metric)}


def _values(row: dict[Any, Any], metric: str) -> dict[str, Any]:
    return {name: row[name] for name in _shown(pd.DataFrame([row]), metric)}


def _shown(table: pd.DataFrame, metric: str) -> list[str]:
    """Return the columns of metrics that a table has, the main one with its interval first."""
    others = [one.name for one in metrics_shown("trials") if one.name != metric]
    return [name for name in (metric, f"{metric}_low", f"{metric}_high", *others) if name in table]
