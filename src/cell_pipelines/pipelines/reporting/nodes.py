"""Nodes of the report about one model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import Image
from cell_pipelines.invocation import Invocation
from cell_pipelines.metrics.choices import metrics_by_kind, metrics_shown
from cell_pipelines.metrics.count_columns import ERROR_COUNTS
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.metric import Kind, Metric, Place
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.provenance import code_versions
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, Picture, Section, Table, embedded_page
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters


def _columns(*kinds: Kind) -> tuple[str, ...]:
    """Return the columns of metrics that the page of a model shows, each with its interval where that is shown."""
    metrics = metrics_shown("report", *kinds)
    ends = {metric.name: ("", "_low", "_high") if metric.shows_interval else ("",) for metric in metrics}
    return tuple(f"{name}{end}" for name in ends for end in ends[name])


_FOUND = ("images", "objects", "confidence", *_columns("box", "centroid"))
_MASKS = (*_columns("mask", "pixel"), *ERROR_COUNTS)
_COUNTS = ("objects", "predicted", *_columns("count"), "agreement_low", "agreement_high")
_EVERY_IMAGE = ("image", "category", "true", "predicted", "tp", "fp", "fn", "centroid_tp", "instance_tp_50",
                "instance_fp_50", "instance_fn_50")  # fmt: skip


def describe_data(
    summary: pd.DataFrame, findings: pd.DataFrame, quality: pd.DataFrame, splits: pd.DataFrame,
    parameters: ReportingParameters,
) -> list[Section]:  # fmt: skip
    """Return the sections about the data: what came in, what was lost and looks wrong, who learns from what."""
    from cell_pipelines.report.pages.data import data_sections

    return data_sections(summary, findings.head(parameters.findings), quality, splits)


def describe_training(name: str) -> Callable[..., list[Section]]:
    """Return the node's function for the model of this name."""

    def describe(
        history: pd.DataFrame, model: Path, samples: Image, thresholds: ThresholdParameters,
        parameters: ReportingParameters, curves: Embedded, sweep: Embedded, *weight_maps: Embedded,
    ) -> list[Section]:  # fmt: skip
        """Return the sections about the training, what the network saw, and the choice of thresholds."""
        from cell_pipelines.models.model_file import read_training_record
        from cell_pipelines.report.pages.data import plan_sections

        record = read_training_record(model)
        chosen = "Chosen from the training images where the study says `auto`."
        settings = facts.training_facts(name, record, history)
        caption = f"Chosen on images of {thresholds.split}, never of test; the dot is what the model file keeps"
        seen = Picture(samples, "Augmented samples as the network sees them, with their boxes")
        frame = pd.DataFrame(list(settings.items()), columns=["what", "value"])
        weights = [
            Picture(drawn, "A training tile: target mask and the weights of its pixels") for drawn in weight_maps
        ]
        has_weights = settings.get("weight map", "none") != "none"
        return [
            Section("How it was trained", [Table(frame, "Settings, time and machine of the training")]),
            *plan_sections(pd.DataFrame(record.get("recipe") or []), chosen),
            *([Section("Training samples", [seen])] if parameters.pictures else []),
            *([Section("Weight map", weights)] if weights and has_weights else []),
            Section("Training", [Picture(curves, "Losses and validation metrics over epochs")]),
            Section("Thresholds", [Picture(sweep, caption)]),
        ]

    return describe


def describe_foreign(model: Path, sweep: Embedded, thresholds: ThresholdParameters) -> list[Section]:
    """Return the sections about a model that another tool trained: where it comes from, and its thresholds."""
    from cell_pipelines.models.model_file import read_record

    record = read_record(model)
    known = {**record["source"], "stands for cells as": record["representation"]["name"]}
    known |= {name: value for name, value in (record.get("foreign") or {}).items() if isinstance(value, str)}
    frame = pd.DataFrame(list(known.items()), columns=["what", "value"])
    caption = f"Chosen on images of {thresholds.split}, never of test; the dot is what the model file keeps"
    return [
        Section("Where it comes from", [Table(frame, "A model of another tool, which was not trained here")]),
        Section("Thresholds", [Picture(sweep, caption)]),
    ]


def describe_evaluation(
    table: pd.DataFrame, images: pd.DataFrame, cells: pd.DataFrame, evaluation: EvaluationParameters,
    precision_recall: Embedded, overlap: Embedded, agreement: Embedded,
) -> list[Section]:  # fmt: skip
    """Return the sections about the test: metrics, curves, counts, and every image; figures are already drawn."""
    from cell_pipelines.analysis.evaluation.strata_tables import tabulate_density, tabulate_size
    from cell_pipelines.report.figures.counts import plot_count_errors

    strata = [
        Table(tabulate_density(images), "By the number of cells in an image, all classes together"),
        Table(tabulate_size(cells), "By the size of a cell in pixels"),
    ]
    masks = Section("Masks", [Picture(overlap, "Quality over the overlap that counts as found")])
    counts = [
        Picture(agreement, "Predicted over true counts, and their differences"),
        Picture(plot_count_errors(images), "How the errors of the counts are spread"),
    ]
    shown = images[[column for column in _EVERY_IMAGE if images[column].notna().any()]]
    return [
        Section("Test results", list(_result_tables(table, evaluation.centroid_matching))),
        Section("Precision and recall", [Picture(precision_recall, "Of boxes at IoU 0.5")]),
        *([masks] if _has_masks(table) else []),
        Section("Counts", counts),
        Section("Where the errors are", strata),
        Section("Every image", [Table(shown, "Counts and errors of each image and class")]),
    ]


def _result_tables(table: pd.DataFrame, rule: str) -> Iterator[Any]:
    """Yield what is found by boxes and centroids, what by masks, and what is counted, without empty columns."""
    captions = {
        "Cells found, by boxes and by centroids": _FOUND,
        "Cells found, by masks": _MASKS,
        "Counts of each image": _COUNTS,
    }
    for caption, columns in captions.items():
        shown = [column for column in columns if table[column].notna().any()]
        if caption.endswith("masks") and not _has_masks(table):
            continue
        definitions = definitions_of(shown, rule)
        if any(column.endswith("_low") and column != "agreement_low" for column in shown):
            images, units = (int(table[column].iloc[-1]) for column in ("images", "units"))
            drawn = f"{units} images" if units == images else f"{units} groups of images"
            definitions["…_low, …_high"] = f"{DEFINITIONS['bootstrap_interval']} Drawn here: {drawn}."
        yield Table(table[["category", *shown]], caption, definitions)


def _has_masks(table: pd.DataFrame) -> bool:
    return bool(table[metrics_by_kind(f1)["mask"].name].notna().any())


def definitions_of(columns: Iterable[str], rule: str) -> dict[str, str]:
    """Return the definition of each column of results, those of centroids by the rule that matched them.

    Raises:
        KeyError: A column has none, but for the bounds of intervals, which share one.
    """
    found = {}
    for column in columns:
        if column.startswith("agreement"):
            found["agreement_low, agreement_high"] = DEFINITIONS["agreement_low, agreement_high"]
        elif not column.endswith(("_low", "_high")):
            by_rule = f"{column}_{rule}"
            found[column] = DEFINITIONS[by_rule if by_rule in DEFINITIONS else column]
    return found


def describe_counts(
    intervals: pd.DataFrame, coverage: pd.DataFrame, scores: pd.DataFrame, figure: Embedded
) -> list[Section]:
    """Return the sections about the intervals of counts and about images unlike those of training; none without any."""
    from cell_pipelines.report.figures.count_intervals import count_interval_sections
    from cell_pipelines.report.pages.new_counts import unlike_sections

    return [*count_interval_sections(intervals, coverage, figure), *unlike_sections(scores)]


def describe_errors(
    kinds: pd.DataFrame, confusions: pd.DataFrame, table: pd.DataFrame, confusion_matrix: Embedded
) -> list[Section]:
    """Return the section about what goes wrong: kinds of errors, what they cost, which class is taken for which."""
    from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds
    from cell_pipelines.report.figures.errors import plot_error_kinds

    items: list[Any] = []
    if len(kinds):
        summary = summarise_error_kinds(kinds)
        items += [
            Picture(plot_error_kinds(summary), "Errors of all test images by kind, all classes together"),
            Table(summary, "Kinds of errors, each counted once", {"f1_lost": _LOST}),
        ]
    if confusions["true"].nunique() > 2:  # more than one class, and what stands for none
        items.append(Picture(confusion_matrix, "Which class is taken for which"))
    shapes = table[["category", *ERROR_COUNTS]]
    if shapes[list(ERROR_COUNTS)].notna().any(axis=None):
        definitions = {key: DEFINITIONS[key] for key in ERROR_COUNTS if key in DEFINITIONS}
        items.append(Table(shapes, "Split, merged, missed and spurious masks", definitions))
    return [Section("Kinds of errors", items)] if items else []


_LOST = (
    "How much higher F1 would be if all errors of this kind, and no other, were mended (Bolya et al. 2020): errors of "
    "class and place become hits, duplicates and predictions on background go away, missed cells need not be found. "
    "The numbers do not add up."
)


def write_report(
    table: pd.DataFrame, truth: AnnotationSet, invocation: Invocation, parameters: ReportingParameters,
    data: list[Section], evaluation: list[Section], training: list[Section], *others: list[Section],
) -> Page:  # fmt: skip
    """Return the page of one model; sections about the data and the code are left out where it is part of another."""
    origin = {**code_versions(invocation.project), "data.sha256": truth.fingerprint()}
    frame = pd.DataFrame(list(origin.items()), columns=["what", "value"])
    last = Section("Origin", [Table(frame, "The code, the packages and the data behind these numbers")])
    about_data = [replace(section, page_only=True) for section in data]
    results, *metrics, every_image = evaluation
    about_model = [*training, *metrics, *chain.from_iterable(others), every_image]
    sections = [results, *about_data, *about_model, replace(last, page_only=True)]
    return embedded_page(parameters.title, headlines(table), sections)


def headlines(table: pd.DataFrame, place: Place = "model headline") -> dict[str, str]:
    """Return a model's headline numbers on its test images by name."""
    total = table.iloc[-1]
    known = [metric for metric in metrics_shown(place) if pd.notna(total[metric.name])]
    numbers = {_card_title(metric): f"{total[metric.name]:.{metric.decimals}f}" for metric in known}
    return {**numbers, "Test images": str(int(total["images"]))}


def _card_title(metric: Metric) -> str:
    return f"{metric.title[0].upper()}{metric.title[1:]}" if metric.kind == "count" else f"Test {metric.heading}"
