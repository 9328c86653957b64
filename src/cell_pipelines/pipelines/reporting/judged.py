"""Truth and kept predictions as the evaluation judges them, for the nodes of the report."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.judging import JudgingSettings
from cell_pipelines.analysis.pairing import PairedSets, Pairing, pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.pipelines.evaluation_parameters import EvaluationParameters
from cell_pipelines.pipelines.partitions import map_images


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
    values = (thresholds.get(name, 0.0) for name in pairing.categories)
    limits = np.array([0.0 if isinstance(value, dict) else value for value in values], dtype=np.float64)
    return (image.above(limits) for image in pairing.pairs())


def find_error_kinds(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, Any], parameters: EvaluationParameters
) -> pd.DataFrame:
    """Return a row an image with its errors of each kind; no row where cells are points, which do not overlap."""
    from cell_pipelines.analysis.error_kinds import KIND_COUNTS, count_error_kinds

    pairing = pair(truth, predictions, parameters.split)
    settings = judging_settings(pairing, parameters)
    columns = ["image", *KIND_COUNTS]
    if not (settings.boxes or settings.masks):
        return pd.DataFrame(columns=columns)
    count = partial(count_error_kinds, settings=settings)
    total, kept = pairing.truth.n_images, kept_pairs(pairing, thresholds)
    rows = map_images(count, kept, description="telling errors apart", total=total, parallel=parameters.parallel)
    return pd.DataFrame(list(rows), columns=columns)
