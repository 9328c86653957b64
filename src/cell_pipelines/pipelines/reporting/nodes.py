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
from cell_pipelines.pipelines.cell_pictures import picture_name
from cell_pipelines.pipelines.curve_columns import precision_recall_curves
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.threshold_parameters import ThresholdParameters
from cell_pipelines.provenance import git_state, package_versions
from cell_pipelines.representations.base import Decoding

_FOUND = ("images", "objects", "ap50", "ap50_95", "confidence", "precision", "recall", "f1", "f1_low", "f1_high",
          "centroid_f1", "centroid_f1_low", "centroid_f1_high")  # fmt: skip
_MASKS = ("instance_precision", "instance_recall", "instance_f1", "instance_f1_low", "instance_f1_high",
          "instance_f1_mean", "instance_accuracy", "panoptic_quality", "aggregated_jaccard", "pixel_iou",
          "image_iou_mean", "dice", "split", "merged", "missed", "spurious")  # fmt: skip
_COUNTS = ("objects", "predicted", "count_mae", "count_mae_low", "count_mae_high", "count_medae", "count_mpe",
           "count_bias", "agreement_low", "agreement_high", "count_r2")  # fmt: skip
_EVERY_IMAGE = ("image", "category", "true", "predicted", "tp", "fp", "fn", "centroid_tp", "instance_tp_50",
                "instance_fp_50", "instance_fn_50")  # fmt: skip


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


def describe_training(
    history: pd.DataFrame, threshold_table: pd.DataFrame, thresholds: dict[str, Any], parameters: ThresholdParameters
) -> list[Any]:
    """Return the sections about training and the choice of thresholds."""
    from cell_pipelines.report.curves import plot_training_history
    from cell_pipelines.report.html import Picture, Section
    from cell_pipelines.report.threshold_figures import plot_threshold_sweep

    chosen = {n: Decoding(**v) if isinstance(v, dict) else Decoding(v) for n, v in thresholds.items()}
    sweep = plot_threshold_sweep(threshold_table, chosen, objective=parameters.objective)
    caption = f"Chosen on images of {parameters.split}, never of test; the dot is what the model file keeps"
    return [
        Section("Training", [Picture(plot_training_history(history), "Losses and validation metrics over epochs")]),
        Section("Thresholds", [Picture(sweep, caption)]),
    ]


def describe_evaluation(
    table: pd.DataFrame, images: pd.DataFrame, cells: pd.DataFrame, curves: pd.DataFrame, instances: pd.DataFrame,
    overlays: Path, parameters: ReportingParameters,
) -> list[Any]:  # fmt: skip
    """Return the sections about the test: metrics, curves, counts, images."""
    from cell_pipelines.analysis.strata_tables import tabulate_density, tabulate_size
    from cell_pipelines.report.count_figures import plot_count_errors
    from cell_pipelines.report.curves import plot_precision_recall
    from cell_pipelines.report.distributions import plot_counts
    from cell_pipelines.report.html import Picture, Section, Table

    lines = precision_recall_curves(curves)
    ap = dict(zip(table["category"], table["ap50"], strict=True))
    agreement = plot_counts(images[["image", "category", "true", "predicted"]])
    strata = [
        Table(tabulate_density(images), "By the number of cells in an image, all classes together"),
        Table(tabulate_size(cells), "By the size of a cell in pixels"),
    ]
    shown = images[[column for column in _EVERY_IMAGE if images[column].notna().any()]]
    return [
        Section("Test results", list(_result_tables(table))),
        Section("Precision and recall", [Picture(plot_precision_recall(lines, ap), "Of boxes at IoU 0.5")]),
        *_mask_sections(instances),
        Section(
            "Counts",
            [
                Picture(agreement, "Predicted over true counts, and their differences"),
                Picture(plot_count_errors(images), "How the errors of the counts are spread"),
            ],
        ),
        Section("Where the errors are", strata),
        Section("Images", list(_pictures(images, overlays, parameters.overlays)), note=_COLOURS),
        Section("Every image", [Table(shown, "Counts and errors of each image and class")]),
    ]


def _result_tables(table: pd.DataFrame) -> Iterator[Any]:
    """Yield what is found by boxes and middles, what by masks, and what is counted, without empty columns."""
    from cell_pipelines.report.html import Table

    captions = {
        "Cells found, by boxes and by their middles": _FOUND,
        "Cells found, by masks": _MASKS,
        "Counts of each image": _COUNTS,
    }
    for caption, columns in captions.items():
        shown = [column for column in columns if table[column].notna().any()]
        if caption.endswith("masks") and "instance_f1" not in shown:
            continue
        definitions = {key: DEFINITIONS[key] for key in shown if key in DEFINITIONS}
        if any(column.endswith("_low") and column != "agreement_low" for column in shown):
            definitions["…_low, …_high"] = DEFINITIONS["bootstrap_interval"]
        yield Table(table[["category", *shown]], caption, definitions)


def _mask_sections(instances: pd.DataFrame) -> list[Any]:
    from cell_pipelines.report.comparison_figures import plot_instance_curve
    from cell_pipelines.report.html import Picture, Section

    if instances.empty:
        return []
    caption = "Quality over the overlap that counts as found"
    return [Section("Masks", [Picture(plot_instance_curve(instances), caption)])]


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
        yield Picture(read_image(overlays / picture_name(name)), caption)


def write_report(
    data: list[Any], training: list[Any], evaluation: list[Any], table: pd.DataFrame,
    annotations: AnnotationSet, parameters: ReportingParameters,
) -> str:  # fmt: skip
    """Return the page, and log nothing but what stands in it."""
    from cell_pipelines.report.html import Section, Table, render_report

    total = table.iloc[-1]
    cards = {
        "Test F1, boxes": f"{total['f1']:.3f}",
        **({"Test F1, masks": f"{total['instance_f1']:.3f}"} if pd.notna(total["instance_f1"]) else {}),
        "Test AP50, boxes": f"{total['ap50']:.3f}",
        "Count MAE, cells an image": f"{total['count_mae']:.2f}",
        "Test images": str(int(total["images"])),
    }
    origin = {**git_state(Path.cwd()), **package_versions(), "data.sha256": annotations.fingerprint()}
    frame = pd.DataFrame(list(origin.items()), columns=["what", "value"])
    last = Section("Origin", [Table(frame, "The code, the packages and the data behind these numbers")])
    return render_report(parameters.title, cards, [*evaluation[:1], *data, *training, *evaluation[1:], last])
