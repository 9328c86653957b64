"""Pair ground truth with accepted predictions, for the nodes of the evaluation and of the report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cell_pipelines.analysis.evaluation.error_kinds import count_error_kinds
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.typing import IntArray
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters


def evaluation_settings(pairing: Pairing, parameters: EvaluationParameters) -> EvaluationSettings:
    """Return what counts as a match."""
    rule = parameters.centroid_matching
    return EvaluationSettings.for_pairing(
        pairing,
        iou=parameters.iou,
        max_distance_px=parameters.max_distance_px,
        rule="optimal" if rule == "hungarian" else rule,
    )


@dataclass(frozen=True, eq=False)
class EvaluatedImage:
    """The tables of one evaluated image.

    Attributes:
        counts: `ImageEvaluation.counts`.
        cells: `ImageEvaluation.cells`.
        errors: Its errors of each kind; None where cells are points, which do not overlap.
        confusions: (C + 1, C + 1) cells of each true and predicted class.
    """

    counts: pd.DataFrame
    cells: pd.DataFrame
    errors: dict[str, Any] | None
    confusions: IntArray | None


def evaluate_image(image: PairedSets, settings: EvaluationSettings) -> EvaluatedImage:
    """Return the tables of one image, whose predictions are at or above their thresholds."""
    evaluation = ImageEvaluation(image, settings)
    overlapping = settings.boxes or settings.masks
    errors, confusions = count_error_kinds(evaluation) if overlapping else (None, None)
    return EvaluatedImage(evaluation.counts, evaluation.cells, errors, confusions)


def accepted_pairs(pairing: Pairing, thresholds: Mapping[str, Any]) -> Iterator[PairedSets]:
    """Yield each image with the predictions that count as cells at these thresholds."""
    limits = Thresholds.from_plain(thresholds)
    return (image.filter_by_score(limits) for image in pairing.pairs())
