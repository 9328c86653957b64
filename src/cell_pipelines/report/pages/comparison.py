"""The page that compares models: which is best at what, by how much, and how the same image looks to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.metrics.choices import metrics_shown
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.metric import Kind
from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures.comparison import plot_comparison, plot_instance_curve
from cell_pipelines.report.page.html import Item, Links, Picture, Section, Table, Text
from cell_pipelines.report.pages.comparison_statements import Statements, cost_table, test_sections, verdict_section

if TYPE_CHECKING:
    import pandas as pd

# Columns of the models' table that are no metrics: what stands above them, and what they mean.
_OTHER_COLUMNS: Final = {
    "images": ("test images", ""),
    "objects": ("true cells", ""),
    "agreement_low": ("lower limit", "Limits of agreement: bias -/+ 1.96 standard deviations of the differences."),
    "agreement_high": ("upper limit", "As the lower limit."),
}


def _named(*others: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    return (*others, *(metric.name for metric in metrics_shown("comparison", *kinds)))


_COLUMNS: Final = {name: (metric.heading, metric.definition) for name, metric in METRICS.items()} | _OTHER_COLUMNS
_TABLES: Final = {
    "Finding cells": _named("images", "objects", kinds=("box", "centroid")),
    "Outlines of cells": _named(kinds=("mask", "pixel")),
    "Counting cells": _named("agreement_low", "agreement_high", kinds=("count",)),
}


def comparison_cards(models: pd.DataFrame) -> dict[str, str]:
    """Return the headline numbers of the page: how many models, and the highest or lowest value of each metric.

    Args:
        models: As in `comparison_sections`.
    """
    cards = {"Models": str(len(models))}
    for metric in metrics_shown("headline"):
        values = models[metric.name].to_numpy(dtype=float) if metric.name in models else np.array([])
        if np.isfinite(values).any():
            best = np.nanmax(values) if metric.higher_is_better else np.nanmin(values)
            title = f"{metric.title[0].upper()}{metric.title[1:]}"
            if len(models) > 1:
                title = f"{'Highest' if metric.higher_is_better else 'Lowest'} {metric.title}"
            names = models["model"][values == best].tolist()
            holders = model_title(names[0]) if len(names) == 1 else f"{len(names)} models"
            cards[title] = f"{best:.{metric.decimals}f} ({holders})"
    return cards


def comparison_sections(
    models: pd.DataFrame,
    *,
    curves: pd.DataFrame | None = None,
    strata: Mapping[str, pd.DataFrame] | None = None,
    montages: Sequence[Picture] = (),
    reports: Mapping[str, str] | None = None,
    statements: Statements | None = None,
) -> list[Section]:
    """Return the sections of a page that compares models on the same test images.

    Args:
        models: One row per model; the column `model` and any of `images`, `objects`, the columns of
            `analysis.summaries.summarise`, intervals in `…_low` and `…_high`, and those that `cost_table` takes. What a
            model does not have is nan.
        curves: Columns `model`, `iou`, `f1`, `accuracy` and so on, as `plot_instance_curve` takes them; None where no
            model has masks.
        strata: Tables by title, such as quality by density, with a column `model`; None for none.
        montages: The same images as every model sees them.
        reports: For each model the path of its own report, relative to the page; None for no links.
        statements: What is best and how sure that is; None where nothing was tested.

    Returns:
        The sections, in order: differences, the tables, figures, ranks, pairs, montages, strata, links. Those without
        content are left out.
    """
    known = any(models[f"{name}_low"].notna().any() for name in METRICS if f"{name}_low" in models)
    level = f"{100 * statements.level if statements else 95:g} %"
    caption = f"Each model with its {level} interval" if known else "Each model; no interval could be computed"
    figures: list[Item] = [Picture(plot_comparison(models, level=statements.level if statements else 0.95), caption)]
    if curves is not None and len(curves):
        caption = "Quality of masks over the overlap that counts as found"
        figures.append(Picture(plot_instance_curve(curves, name="model"), caption))
    tables: list[Item] = [Table(_model_first(table), title) for title, table in (strata or {}).items() if len(table)]
    links = _report_links(reports or {})
    before = [verdict_section(statements)] if statements else []
    tested = test_sections(statements) if statements else []
    first = [("Comparison", _comparison_tables(models, level)), ("Figures", figures)]
    rest: list[tuple[str, list[Item]]] = [
        ("The same images side by side", list(montages)),
        ("Where the errors are", tables),
    ]
    return [*before, *_filled(first), *tested, *_filled(rest), *links]


def _report_links(reports: Mapping[str, str]) -> list[Section]:
    items: list[Item] = [Text("Each model has a report of its own."), Links(reports)]
    return [Section("Reports", items, page_only=True)] if reports else []


def _filled(parts: Sequence[tuple[str, list[Item]]]) -> list[Section]:
    return [Section(title, items) for title, items in parts if items]


def _comparison_tables(models: pd.DataFrame, level: str) -> list[Item]:
    """Return tables of what models have; what none has, such as outlines of detectors, is left out."""
    tables: list[Item] = []
    for caption, columns in _TABLES.items():
        known = [column for column in columns if column in models]
        if known and models[known].notna().any(axis=None):
            tables.append(_table(models, known, f"{caption}, on the same test images", level))
    costs = cost_table(models)
    return [*tables, costs] if costs else tables


def _table(models: pd.DataFrame, columns: Sequence[str], caption: str, level: str) -> Table:
    import pandas as pd

    frame: dict[str, list[object]] = {"model": models["model"].tolist()}
    definitions: dict[str, str] = {}
    for column in (c for c in columns if models[c].notna().any()):
        title, meaning = _COLUMNS[column]
        frame[title] = models[column].tolist()
        if meaning:
            definitions[title] = meaning
        if column in METRICS and METRICS[column].shows_interval and f"{column}_low" in models:
            frame[f"{title}, {level}"] = _intervals(models, column)
            definitions[level] = DEFINITIONS["bootstrap_interval"]
    return Table(pd.DataFrame(frame), caption, definitions)


def _model_first(table: pd.DataFrame) -> pd.DataFrame:
    columns = [*(["model"] if "model" in table else []), *(column for column in table if column != "model")]
    return table[columns].reset_index(drop=True)


def _intervals(models: pd.DataFrame, column: str) -> list[object]:
    ends = models[[f"{column}_low", f"{column}_high"]].to_numpy(dtype=float)
    decimals = METRICS[column].decimals
    return [
        f"{low:.{decimals}f} to {high:.{decimals}f}" if np.isfinite([low, high]).all() else None for low, high in ends
    ]
