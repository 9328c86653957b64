"""Nodes of the report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import Image, read_image
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.pipelines.curve_columns import confidence_curves, precision_recall_curves
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.provenance import git_state, package_versions

_SHOWN = ("images", "objects", "ap50", "ap50_95", "confidence", "precision", "recall", "f1", "f1_low", "f1_high",
          "count_mae", "count_medae", "count_bias")  # fmt: skip


def describe_data(
    summary: pd.DataFrame,
    findings: pd.DataFrame,
    splits: pd.DataFrame,
    samples: Image,
    parameters: ReportingParameters,
) -> list[Any]:
    """Return the sections about the data: what came in, what was lost, who learns from what."""
    from cell_pipelines.report.html import Picture, Section, Table, Text

    row = summary.iloc[0]
    account = (
        f"{row['objects_in']} objects came in; {row['objects_out']} went on and {row['objects_dropped']} were dropped. "
        f"{row['images_out']} of {row['images_in']} images are annotated and readable. "
        f"Source format: {row['source_format']}."
    )
    listed = findings.fillna("").head(parameters.findings)
    shown = Table(listed, f"Findings of the conversion ({len(listed)} of {len(findings)})")
    items: list[Any] = [
        Text(account),
        *([shown] if len(findings) else [Text("Nothing was dropped, changed or skipped.")]),
    ]
    sides = Text("No series, well or recording, and no image of equal pixels, stands on two sides; the run checks it.")
    return [
        Section("Data", items),
        Section("Splits", [Table(splits, "Images, groups and objects of each split"), sides]),
        Section(
            "Training samples",
            [Picture(samples, "Augmented samples as the network sees them, with their boxes")],
        ),
    ]


def describe_training(history: pd.DataFrame, confidence_table: pd.DataFrame, thresholds: dict[str, float]) -> list[Any]:
    """Return the sections about training and the choice of thresholds."""
    from cell_pipelines.report.curves import plot_confidence_curves, plot_training_history
    from cell_pipelines.report.html import Picture, Section

    curves = confidence_curves(confidence_table)
    return [
        Section("Training", [Picture(plot_training_history(history), "Losses and validation metrics over epochs")]),
        Section(
            "Thresholds",
            [
                Picture(
                    plot_confidence_curves(curves, thresholds),
                    "Chosen on validation images: the highest F1 of each class",
                )
            ],
        ),
    ]


def describe_evaluation(
    table: pd.DataFrame,
    images: pd.DataFrame,
    curves: pd.DataFrame,
    overlays: Path,
    parameters: ReportingParameters,
) -> list[Any]:
    """Return the sections about the test: metrics, curves, counts, images."""
    from cell_pipelines.report.curves import plot_precision_recall
    from cell_pipelines.report.distributions import plot_counts
    from cell_pipelines.report.html import Picture, Section, Table

    shown = table[["category", *_SHOWN]]
    definitions = {key: DEFINITIONS[key] for key in _SHOWN if key in DEFINITIONS}
    definitions["f1_low, f1_high"] = "95 % interval of F1 by a bootstrap over images (BCa)."
    lines = precision_recall_curves(curves)
    ap = dict(zip(table["category"], table["ap50"], strict=True))
    agreement = plot_counts(images[["image", "category", "true", "predicted"]])
    return [
        Section("Test results", [Table(shown, "Every class and all together", definitions)]),
        Section("Precision and recall", [Picture(plot_precision_recall(lines, ap), "At IoU 0.5")]),
        Section("Counts", [Picture(agreement, "Predicted over true counts, and their differences")]),
        Section("Images", list(_pictures(images, overlays, parameters.overlays)), note=_COLOURS),
        Section("Every image", [Table(images, "Counts and errors of each image and class")]),
    ]


_COLOURS = (
    "Green: found. Red with a cross: found where nothing is. Blue, dashed: missed. "
    "The worst images by F1 come first, then the best."
)


def _pictures(images: pd.DataFrame, overlays: Path, count: int) -> Iterator[Any]:
    from cell_pipelines.report.html import Picture

    totals = images.groupby("image", sort=False)[["tp", "fp", "fn"]].sum()
    totals["f1"] = f1(*(totals[key].to_numpy() for key in ("tp", "fp", "fn")))
    ranked = totals.sort_values("f1", kind="stable", na_position="last")
    worst = min(count // 2, len(ranked))
    best = max(worst, len(ranked) - (count - worst))
    for row in [*range(worst), *range(best, len(ranked))]:
        name, line = ranked.index[row], ranked.iloc[row]
        score = "no cells" if np.isnan(line["f1"]) else f"F1 {line['f1']:.2f}"
        caption = f"{name}: {score}; {line['tp']:.0f} found, {line['fp']:.0f} false, {line['fn']:.0f} missed"
        yield Picture(read_image(overlays / Path(name).with_suffix(".png")), caption)


def write_report(
    data: list[Any], training: list[Any], evaluation: list[Any], table: pd.DataFrame,
    annotations: AnnotationSet, parameters: ReportingParameters,
) -> str:  # fmt: skip
    """Return the page, and log nothing but what stands in it."""
    from cell_pipelines.report.html import Section, Table, render_report

    total = table.iloc[-1]
    cards = {
        "Test AP50": f"{total['ap50']:.3f}",
        "Test AP50:95": f"{total['ap50_95']:.3f}",
        "Test F1": f"{total['f1']:.3f}",
        "Count MAE, cells an image": f"{total['count_mae']:.2f}",
        "Test images": str(int(total["images"])),
    }
    origin = {**git_state(Path.cwd()), **package_versions(), "data.sha256": annotations.fingerprint()}
    frame = pd.DataFrame(list(origin.items()), columns=["what", "value"])
    last = Section("Origin", [Table(frame, "The code, the packages and the data behind these numbers")])
    return render_report(parameters.title, cards, [*evaluation[:1], *data, *training, *evaluation[1:], last])
