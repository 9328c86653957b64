"""Name the columns of the counts of one image and class, which may be summed over images."""

from typing import Final

from cell_pipelines.metrics.instances import IOU_THRESHOLDS

#: IoU thresholds of masks in percent, as column names end in them.
PERCENTS: Final = tuple(round(100 * threshold) for threshold in IOU_THRESHOLDS)
BOX_COUNTS: Final = ("tp", "fp", "fn")
CENTROID_COUNTS: Final = ("centroid_tp", "centroid_fp", "centroid_fn")
PIXEL_COUNTS: Final = ("pixel_tp", "pixel_fp", "pixel_fn")
INSTANCE_COUNTS: Final = tuple(
    f"instance_{count}_{percent}" for percent in PERCENTS for count in ("tp", "fp", "fn", "iou")
)
ERROR_COUNTS: Final = ("split", "merged", "missed", "spurious")
#: How many true and predicted cells there are.
TOTALS: Final = ("true", "predicted")
