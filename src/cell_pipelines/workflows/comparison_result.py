"""Several models, compared on the same images: tables, tests, sentences and a page."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.model_comparison.model_tables import ModelTables, training_record
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.comparison import ModelComparison, compare_tables, describe_comparison
from cell_pipelines.workflows.evaluation_result import EvaluationResult
from cell_pipelines.workflows.outputs import notebook_table, save_tables, three_decimals
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.trained_model import TrainedModel


@dataclass(frozen=True, eq=False)
class ComparisonResult:
    """Several models, evaluated on the same images.

    Attributes:
        evaluations: By model.
        comparison: Tables, tests and sentences.
        tables: What was compared, by model.
    """

    evaluations: Mapping[str, EvaluationResult]
    comparison: ModelComparison
    tables: Mapping[str, ModelTables]

    @property
    def table(self) -> pd.DataFrame:
        """One row per model with its metrics and their intervals, and what it costs."""
        return self.comparison.table

    @property
    def tests(self) -> pd.DataFrame:
        """One row per metric and pair of models: difference, interval, p, and p after Holm."""
        return self.comparison.compared.tests

    def summary(self) -> pd.DataFrame:
        """Return one row per model with the metrics that were compared, each with the ends of its interval."""
        metrics = [name for name in self.comparison.compared.conclusions if name in self.table]
        ends = [f"{name}{end}" for name in metrics for end in ("", "_low", "_high") if f"{name}{end}" in self.table]
        return self.table[["model", *ends]]

    def sentences(self) -> list[str]:
        """Return what the tests say of each metric, and what was drawn."""
        notes = [note for one in self.evaluations.values() for note in one.notes]
        return list(dict.fromkeys([*self.comparison.sentences(), self.comparison.note, *notes]))

    def page(self) -> str:
        """Return the page that compares the models as HTML."""
        from cell_pipelines.report.page.html import Section, Text, render_report
        from cell_pipelines.report.pages.comparison import comparison_cards

        notes = list(dict.fromkeys(note for one in self.evaluations.values() for note in one.notes))
        sections = describe_comparison(self.comparison, self.tables)
        if notes:
            sections.insert(0, Section("Notes", [Text(note) for note in notes]))
        return render_report("Models compared", comparison_cards(self.table), sections)

    def save(self, folder: str | Path) -> Path:
        """Write the tables (CSV and XLSX) and the page into a new folder, and return it.

        Raises:
            MistakeError: Something lies in the folder, or it can't be written.
        """
        found = self.comparison
        tables = {"models": self.table, "differences": found.differences, "tests": self.tests}
        return save_tables(folder, {**tables, "ranks": found.compared.ranks}, self.page())

    def __repr__(self) -> str:
        """Return table and sentences as text."""
        table = self.summary().to_string(index=False, na_rep="", float_format=three_decimals)
        return "\n".join([table, *self.sentences()])

    def _repr_html_(self) -> str:
        """Return table and sentences for a notebook."""
        table = notebook_table(self.summary(), float_format=three_decimals)
        return table + "".join(f"<p>{html.escape(text)}</p>" for text in self.sentences())


def compare_results(
    evaluations: Mapping[str, EvaluationResult], truth: AnnotationSet, parameters: EvaluationParameters
) -> ComparisonResult:
    """Compare models that were evaluated on the same images."""
    from cell_pipelines.models.model_file import count_parameters

    tables = {
        name: ModelTables(
            one.tables["classes"], one.tables["images"], one.tables["instances"],
            costs=pd.DataFrame([{"parameters_m": count_parameters(one.model.path) / 1e6}]),
            record=training_record(one.model.record),
        )
        for name, one in evaluations.items()
    }  # fmt: skip
    return ComparisonResult(evaluations, compare_tables(tables, truth, parameters, ComparisonParameters()), tables)


def names_of_models(models: Sequence[object], opened: Sequence[TrainedModel]) -> list[str]:
    """Return a name for each model: the file's without its ending, or all that was typed where two are alike.

    Another tool's model has a short name of its own.

    Raises:
        MistakeError: One model is named twice.
    """
    from cell_pipelines.models.foreign.names import is_foreign, short_name

    typed = [str(one) for one in models]
    stems = [short_name(name) if is_foreign(name) else one.path.stem for name, one in zip(typed, opened, strict=True)]
    names = stems if len(set(stems)) == len(stems) else typed
    if len(set(names)) < len(names):
        raise MistakeError(f"models that are compared must differ from each other, got {', '.join(names)}.")
    return names
