"""Nodes that tell the errors of a model apart: which kinds there are, and which class is taken for which."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.workflows.evaluation import accepted_pairs, judging_settings
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters


def find_errors(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, Any], parameters: EvaluationParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell the errors of a model apart.

    Returns:
        A row an image with its errors of each kind; and how many cells of each class were taken for which. Both have no
        row where cells are points, which do not overlap.
    """
    from cell_pipelines.analysis.evaluation.error_kinds import (
        CONFUSION_COLUMNS,
        KIND_COUNTS,
        count_error_kinds,
        tabulate_confusions,
    )

    pairing = pair(truth, predictions, parameters.split)
    settings = judging_settings(pairing, parameters)
    columns = ["image", *KIND_COUNTS]
    if not (settings.boxes or settings.masks):
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=list(CONFUSION_COLUMNS))
    count = partial(count_error_kinds, settings=settings)
    total, kept = pairing.truth.n_images, accepted_pairs(pairing, thresholds)
    rows, classes = [], len(pairing.categories)
    confusions = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    for row, confused in map_images(
        count, kept, description="telling errors apart", total=total, parallel=parameters.parallel
    ):
        rows.append(row)
        confusions += confused
    return pd.DataFrame(rows, columns=columns), tabulate_confusions(confusions, pairing.categories)


def plot_confusion(confusions: pd.DataFrame) -> Any:
    """Return a figure of which class is taken for which."""
    from cell_pipelines.report.figures.confusion import plot_confusions

    return plot_confusions(confusions)
