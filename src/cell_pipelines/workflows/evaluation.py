"""Pair ground truth with accepted predictions, for the nodes of the evaluation and of the report."""

from collections.abc import Iterator, Mapping
from typing import Any

from cell_pipelines.analysis.evaluation.image_evaluation import JudgingSettings
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters


def judging_settings(pairing: Pairing, parameters: EvaluationParameters) -> JudgingSettings:
    """Return what counts as found."""
    rule = parameters.centroid_matching
    return JudgingSettings.for_pairing(
        pairing,
        iou=parameters.iou,
        max_distance_px=parameters.max_distance_px,
        rule="optimal" if rule == "hungarian" else rule,
    )


def accepted_pairs(pairing: Pairing, thresholds: Mapping[str, Any]) -> Iterator[PairedSets]:
    """Yield each image with the predictions that count as cells at these thresholds."""
    limits = Thresholds.from_plain(thresholds)
    return (image.filter_by_score(limits) for image in pairing.pairs())
