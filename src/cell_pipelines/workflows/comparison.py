"""Models of a study, or of an experiment, set against each other: tables, figures and sections of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.metrics.choices import higher_is_better, title_of
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.resampling_units import choose_groups, likely_groups, named_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cell_pipelines.analysis.model_comparison.comparing import ComparedModels
    from cell_pipelines.analysis.model_comparison.model_tables import ModelTables


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """All that is said of several models.

    Attributes:
        table: One row per model: what it costs, and its metrics with intervals.
        differences: How far each is from the best.
        compared: Estimates, tests, ranks and one sentence per metric.
        note: What was drawn, in a sentence.
        level: Of intervals and tests.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    compared: ComparedModels
    note: str
    level: float

    def sentences(self) -> list[str]:
        """Return one sentence per metric, and what they all suffer from once."""
        from cell_pipelines.analysis.model_comparison.conclusions import caution, conclude

        found, unit = self.compared, "group" if self.compared.grouped else "image"
        told = conclude(found.estimates, found.tests, level=self.level, unit=unit, cautious=False)
        warned = [
            caution(rows, level=self.level, unit=unit) for _, rows in found.estimates.groupby("metric", sort=False)
        ]
        return [*told.values(), *(text for text in dict.fromkeys(warned) if text)]

    @cached_property
    def rank_figures(self) -> dict[str, Figure]:
        """The critical-difference figure of each metric, drawn once for the page and the files."""
        from cell_pipelines.report.figures.comparison_ranks import rank_figures

        return rank_figures(self.compared.ranks, unit="group" if self.compared.grouped else "image")

    def interval_figure(self, metric: str) -> Figure | None:
        """Return the plot of intervals of a metric; None where it was not compared."""
        from cell_pipelines.report.figures.comparison_intervals import plot_intervals

        if metric not in self.compared.conclusions:
            return None
        title, higher = title_of(metric), higher_is_better(metric)
        return plot_intervals(self.table, metric, title, higher_is_better=higher, level=self.level)


def compare_tables(
    given: Mapping[str, ModelTables],
    truth: AnnotationSet,
    evaluation: EvaluationParameters,
    parameters: ComparisonParameters,
) -> ModelComparison:
    """Compare models that were evaluated on the same test images.

    Args:
        given: For each model or trial its tables.
        truth: The annotations with their groups, which say what images are drawn together.
        evaluation: Which images were evaluated, and what is drawn how often.
        parameters: What is compared.

    Raises:
        ValueError: Two were evaluated on different images.
    """
    from cell_pipelines.analysis.model_comparison.comparing import ComparisonSettings, compare_models
    from cell_pipelines.analysis.model_comparison.model_tables import tabulate_differences, tabulate_models

    evaluated = select_split(truth, evaluation.split)
    groups, note = choose_groups(evaluated, evaluation.resample)
    independent = evaluation.resample == "images"
    settings = ComparisonSettings(
        metrics=parameters.metrics, level=parameters.level, n_resamples=evaluation.resamples, seed=evaluation.seed,
        independent=independent,
    )  # fmt: skip
    compared = compare_models(
        {name: one.images for name, one in given.items()}, settings,
        groups=named_groups(evaluated) if independent else groups, likely_groups=likely_groups(evaluated),
    )  # fmt: skip
    note = " ".join(text for text in (note, compared.note) if text)
    return ModelComparison(
        tabulate_models(given, compared, level=parameters.level), tabulate_differences(compared), compared, note,
        parameters.level,
    )  # fmt: skip


def describe_comparison(
    comparison: ModelComparison,
    given: Mapping[str, ModelTables],
    *,
    montages: Sequence[Any] = (),
    reports: Mapping[str, str] | None = None,
) -> list[Any]:
    """Return the sections of a page about a comparison.

    Args:
        comparison: What `compare_tables` gives.
        given: The models' tables.
        montages: The same images as every model sees them, `report.html.Picture` each.
        reports: For each model the path of its own report, relative to the page.
    """
    from cell_pipelines.analysis.evaluation.strata_tables import tabulate_density
    from cell_pipelines.report.pages.comparison import comparison_sections
    from cell_pipelines.report.pages.comparison_statements import Statements

    found = comparison.compared
    statements = Statements(
        comparison.sentences(), comparison.note, comparison.differences, found.tests,
        list(comparison.rank_figures.values()), comparison.level,
    )  # fmt: skip
    density = [tabulate_density(one.images).assign(model=name) for name, one in given.items()]
    return comparison_sections(
        comparison.table,
        curves=_curves(given),
        strata={"By the number of cells in an image": _joined(density)},
        montages=montages,
        reports=reports,
        statements=statements,
    )


def _curves(given: Mapping[str, ModelTables]) -> pd.DataFrame:
    known = {name: one.instances for name, one in given.items() if one.instances is not None}
    return _joined([t[t["category"] == "all classes"].assign(model=name) for name, t in known.items()])


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()
