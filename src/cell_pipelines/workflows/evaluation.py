"""Truth and kept predictions as the evaluation judges them, for its nodes and those of the report."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.evaluation.image_evaluation import JudgingSettings
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
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


def kept_pairs(pairing: Pairing, thresholds: dict[str, Any]) -> Iterator[PairedSets]:
    """Yield each image with the predictions at or above their class's threshold; decoded cells are all kept."""
    limits = threshold_array(pairing.categories, thresholds)
    return (image.above(limits) for image in pairing.pairs())


def threshold_array(categories: tuple[str, ...], thresholds: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Return the least score in the order of the classes, shape (C,); 0 where cells are decoded already."""
    values = (thresholds.get(name, 0.0) for name in categories)
    return np.array([0.0 if isinstance(value, dict) else value for value in values], dtype=np.float64)
