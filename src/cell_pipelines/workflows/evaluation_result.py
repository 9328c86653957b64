"""The evaluation of a model on annotated images: tables, a summary and a page."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.metrics.choices import main_f1, metrics_by_kind, metrics_shown
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.workflows.outputs import notebook_table, save_tables, three_decimals
from cell_pipelines.workflows.trained_model import TrainedModel

#: Names of the tables, in the order of `workflows.evaluation.evaluate`.
TABLES = ("classes", "images", "cells", "curves", "instances", "error_kinds", "confusions")


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """Evaluation of a model on annotated images.

    Attributes:
        model: The model.
        tables: By name: ``classes`` (one row per class, the last for all together), ``images``, ``cells``, ``curves``,
            ``instances``, ``error_kinds`` and ``confusions``, as `workflows.evaluation.evaluate` gives them.
        predictions: The cells that counted.
        notes: Sentences about what was evaluated.
    """

    model: TrainedModel
    tables: Mapping[str, pd.DataFrame]
    predictions: AnnotationSet
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per class, and one for all classes, with all metrics and their 95 % intervals."""
        return self.tables["classes"]

    @property
    def images(self) -> pd.DataFrame:
        """One row per image and class: true and predicted counts, matches and errors."""
        return self.tables["images"]

    @property
    def cells(self) -> pd.DataFrame:
        """One row per true or predicted cell, and whether it was matched."""
        return self.tables["cells"]

    def summary(self) -> pd.DataFrame:
        """Return the metrics that a person reads first, each with the ends of its 95 % interval where it has one."""
        row = self.table.iloc[-1]
        kind = METRICS[main_f1(lambda name: pd.notna(row[name]))].kind
        found = [metrics_by_kind(ratio)[kind] for ratio in (f1, precision, recall)]
        counted = [metric for metric in metrics_shown("card", "count") if metric.has_interval]
        rows = [
            {"metric": metric.title, "value": row[name], "low": row.get(f"{name}_low"), "high": row.get(f"{name}_high")}
            for name, metric in ((metric.name, metric) for metric in (*found, *counted))
        ]
        return pd.DataFrame(rows).astype({"low": float, "high": float})

    def sentence(self) -> str:
        """Return how many images and cells were compared."""
        row = self.table.iloc[-1]
        counts = f"{row['predicted']} cells counted, {row['objects']} annotated, in {row['images']} images"
        return f"{self.model.path.stem}: {counts}."

    def page(self) -> str:
        """Return a page with the metrics, the counts and the classes as HTML."""
        from cell_pipelines.report.figures.distributions import plot_counts
        from cell_pipelines.report.page.html import Picture, Section, Table, Text, render_report

        notes = [Text(note) for note in (self.sentence(), *self.notes)]
        counts = self.images[["image", "category", "true", "predicted"]]
        sections = [
            Section("Metrics", [*notes, Table(self.summary(), "Of all classes together, with 95 % intervals.")]),
            Section("Counts", [Picture(plot_counts(counts), "Counts of each image."), Table(counts, "Each image.")]),
            Section("Classes", [Table(self.table, "All metrics.")]),
        ]
        return render_report(f"Evaluation of {self.model.path.stem}", {}, sections)

    def save(self, folder: str | Path) -> Path:
        """Write the tables (CSV and XLSX) and the page into a new folder, and return it.

        Raises:
            MistakeError: Something lies in the folder, or it can't be written.
        """
        return save_tables(folder, self.tables, self.page())

    def __repr__(self) -> str:
        """Return the metrics as text."""
        table = self.summary().to_string(index=False, na_rep="", float_format=three_decimals)
        return f"{self.sentence()}\n{table}"

    def _repr_html_(self) -> str:
        """Return the metrics for a notebook."""
        table = notebook_table(self.summary(), float_format=three_decimals)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<p>{html.escape(self.sentence())}</p>{table}{notes}"
