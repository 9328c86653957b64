"""The metrics that models are compared by, each as a ratio of what is summed over images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from cell_pipelines.metrics import evaluated
from cell_pipelines.metrics.count_columns import PIXEL_COUNTS
from cell_pipelines.metrics.jackknife import IntervalScale
from cell_pipelines.metrics.ratios import iou, share
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


_RATIOS: Final = tuple(
    ComparedMetric(metric.name, metric.title, metric.columns, metric.ratio)
    for metric in evaluated.METRICS.values()
    if metric.columns and metric.has_interval
)
_ALL: Final = (
    *_RATIOS,
    ComparedMetric(
        "image_iou_mean", evaluated.METRICS["image_iou_mean"].title, PIXEL_COUNTS, share, summands=_image_ious
    ),
    ComparedMetric(
        "count_mae", evaluated.METRICS["count_mae"].title, ("true", "predicted"), share, summands=_absolute_errors,
        higher_is_better=False,
    ),
)  # fmt: skip
#: By name. Dice is IoU on another scale, so a test of one is a test of the other.
METRICS: Final[Mapping[str, ComparedMetric]] = MappingProxyType({metric.name: metric for metric in _ALL})
