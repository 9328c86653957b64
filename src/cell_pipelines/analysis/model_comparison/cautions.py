"""Explain what the p of a comparison rests on and what it cannot show: one sentence per pair of models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cell_pipelines.analysis.model_comparison.aligned_counts import AlignedCounts
from cell_pipelines.analysis.model_comparison.conclusions import least_units
from cell_pipelines.metrics.interval_and_p import IMAGES_AND_SUMS, explain_disagreement


def describe_units(aligned: AlignedCounts, *, level: float) -> str:
    """Say what a difference must hold over; empty where there is nothing to say beyond the units' name.

    Args:
        aligned: The models.
        level: At which they are tested.
    """
    needed, series = least_units(len(aligned.models), level=level), aligned.series
    if aligned.grouped:
        return _too_few(aligned.n_units, needed) if 0 < aligned.n_units < needed else ""
    if aligned.independent:
        return "Images are taken as independent of each other, as `evaluation.resample: images` says."
    if series is None:
        return "No series of images are named, and there are too few images to see whether neighbours are alike."
    text = f"No series of images are named, so a difference counts only where it also holds over {series.words}."
    text += f" {_too_few(series.count, needed)}" if series.count < needed else ""
    return f"{text} Name series in the annotations, or set `evaluation.resample: images` where images are independent."


def caution_of(row: Mapping[Any, Any], aligned: AlignedCounts, *, level: float) -> str:
    """Return what stands beside the p of a pair; empty where whole groups were tested, are enough, and all agree.

    Args:
        row: Of the table of tests: `low`, `high`, `p`, `p_holm`, `p_series` and `icc`.
        aligned: The models.
        level: At which they are tested.
    """
    reason = IMAGES_AND_SUMS.format(unit="group" if aligned.grouped else "image")
    against = explain_disagreement(
        (row["low"], row["high"]), row["p"], row["p_holm"], alpha=1 - level,
        reason=f"{reason}; a difference is declared only where both show it",
    )  # fmt: skip
    return " ".join(text for text in (_basis(row, aligned, level), against) if text)


def _basis(row: Mapping[Any, Any], aligned: AlignedCounts, level: float) -> str:
    needed, series = least_units(len(aligned.models), level=level), aligned.series
    if aligned.grouped:
        return _too_few(aligned.n_units, needed) if aligned.n_units < needed else ""
    alike = "" if math.isnan(row["icc"]) else f" Their intraclass correlation is estimated as {row['icc']:.2f}."
    if series is None or (math.isnan(row["p_series"]) and (aligned.independent or not row["p_holm"] < 1 - level)):
        return f"p takes images as independent.{alike}"
    if math.isnan(row["p_series"]):
        undecided = f"over {series.words} p could not be computed, so no difference is declared"
        return f"p takes images as independent; {undecided}.{alike}"
    text = f"p takes images as independent; over {series.words} it is {row['p_series']:.3f}.{alike}"
    return f"{text} {_too_few(series.count, needed)}" if series.count < needed else text


def _too_few(count: int, needed: int) -> str:
    return f"With {count} it cannot be decided: at least {needed} are needed."
