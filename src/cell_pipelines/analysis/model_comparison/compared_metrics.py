"""The metrics that models are compared by, each as a ratio of what is summed over images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from cell_pipelines.analysis.evaluation.image_evaluation import (
    BOX_COUNTS,
    CENTROID_COUNTS,
    JACCARD_COUNTS,
    PIXEL_COUNTS,
)
from cell_pipelines.metrics.jackknife import IntervalScale
from cell_pipelines.metrics.ratios import dice, f1, iou, panoptic_quality, share
from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class ComparedMetric:
    """A metric as a ratio of sums, so that it can be taken of any sample of images.

    Attributes:
        name: Its column in the tables of evaluation.
        title: What a reader calls it.
        columns: The counts of an image that it is made of, see `image_evaluation`.
        ratio: Takes the sums, one array each, and gives the metric; nan for 0/0.
        summands: Turns the counts of images (…, K) into what is summed (…, L).
        higher_is_better: Whether more is better; otherwise it is an error, in cells per image.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    ratio: Callable[..., Any]
    summands: Callable[[FloatArray], FloatArray] = np.asarray
    higher_is_better: bool = True

    @property
    def scale(self) -> IntervalScale:
        """Return the scale on which its intervals are symmetric: errors lie above 0, qualities in 0 to 1."""
        return "logit" if self.higher_is_better else "log"

    def of_totals(self, totals: FloatArray) -> FloatArray:
        """Return the metric of sums (…, L); nan where a sum is."""
        columns = np.moveaxis(totals, -1, 0)
        missing = np.isnan(columns).any(axis=0)
        found = np.asarray(self.ratio(*np.where(missing, 0.0, columns)), dtype=np.float64)
        return np.where(missing, np.nan, found)


def _absolute_errors(counts: FloatArray) -> FloatArray:
    errors = np.abs(counts[..., 1] - counts[..., 0])
    return np.stack([errors, np.where(np.isnan(errors), np.nan, 1.0)], axis=-1)


def _image_ious(counts: FloatArray) -> FloatArray:
    missing = np.asarray(np.isnan(counts).any(axis=-1))
    values = np.asarray(iou(*np.moveaxis(np.where(missing[..., None], 0.0, counts), -1, 0)))
    undefined = np.isnan(values)
    pairs = np.stack([np.where(undefined, 0.0, values), (~undefined).astype(np.float64)], axis=-1)
    return np.where(missing[..., None], np.nan, pairs)


_AT_50: Final = tuple(f"instance_{count}_50" for count in ("tp", "fp", "fn"))
_ALL: Final = (
    ComparedMetric("f1", "F1 of boxes at IoU 0.5", BOX_COUNTS, f1),
    ComparedMetric("centroid_f1", "F1 of centroids", CENTROID_COUNTS, f1),
    ComparedMetric("instance_f1", "F1 of masks at IoU 0.5", _AT_50, f1),
    ComparedMetric("panoptic_quality", "panoptic quality", ("instance_iou_50", *_AT_50), panoptic_quality),
    ComparedMetric("aggregated_jaccard", "aggregated Jaccard index", JACCARD_COUNTS, share),
    ComparedMetric("pixel_iou", "IoU of the data set", PIXEL_COUNTS, iou),
    ComparedMetric("dice", "Dice of the data set", PIXEL_COUNTS, dice),
    ComparedMetric("image_iou_mean", "IoU, mean of images", PIXEL_COUNTS, share, summands=_image_ious),
    ComparedMetric(
        "count_mae", "count MAE, cells per image", ("true", "predicted"), share, summands=_absolute_errors,
        higher_is_better=False,
    ),
)  # fmt: skip
#: By name. Dice is IoU on another scale, so a test of one is a test of the other.
METRICS: Final[Mapping[str, ComparedMetric]] = MappingProxyType({metric.name: metric for metric in _ALL})
