"""The node that learns from validation images how wide the interval of a count must be."""

import logging
from typing import Any

from cell_pipelines.analysis.evaluation import count_intervals
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.metrics.conformal import least_images
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.parameters.count_intervals import CountIntervalParameters

logger = logging.getLogger(__name__)
_SPLIT = "val"


def calibrate_intervals(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, Any], parameters: CountIntervalParameters
) -> dict[str, Any]:
    """Return what the model file says of the intervals of its counts: a recipe a class and one for all together.

    Without validation images there is none, and the log says so.
    """
    facts = {"split": _SPLIT, "level": parameters.level, "calibrated_on": parameters.calibrated_on}
    if not select_split(truth, _SPLIT).n_images:
        logger.warning("There are no validation images, so counts get no intervals.")
        return count_intervals.intervals_to_record({}, exchangeable=parameters.exchangeable, **facts)
    pairing = pair(truth, predictions, _SPLIT)
    counts = count_intervals.count_pairs(pairing, Thresholds.from_plain(thresholds))
    by_group = _is_by_group(counts.groupby("image")["group"].first().tolist(), parameters)
    found = count_intervals.calibrate_intervals(
        counts, level=parameters.level, scale=parameters.scale, symmetric=parameters.symmetric, by_group=by_group
    )
    unlimited = [name for name, interval in found.items() if not interval.is_finite]
    if unlimited:
        least = least_images(parameters.level, symmetric=parameters.symmetric)
        text = "Intervals of counts at level %g take at least %d %s of validation, got %d: they are infinite."
        one = found[unlimited[0]]
        logger.warning(text, parameters.level, least, "groups" if by_group else "images", one.groups)
    for name, rows in counts.groupby("category", sort=False):
        if note := count_intervals.width_note(found[str(name)], rows["predicted"].to_numpy(dtype=float)):
            logger.warning("Intervals of the counts of %s are %s.", name, note)
    return count_intervals.intervals_to_record(found, exchangeable="groups" if by_group else "images", **facts)


def _is_by_group(groups: list[str | None], parameters: CountIntervalParameters) -> bool:
    """Tell whether groups count and not images; with ``auto`` where there are enough of them."""
    if parameters.exchangeable != "auto":
        return parameters.exchangeable == "groups"
    number = len({group for group in groups if group is not None}) + groups.count(None)
    if number == len(groups):
        return False
    if number >= least_images(parameters.level, symmetric=parameters.symmetric):
        return True
    text = "Validation has %d images of %d groups, too few groups for intervals of counts at level %g; images are "
    text += "taken as independent, so for images of a new group intervals may hold less often."
    logger.warning(text, len(groups), number, parameters.level)
    return False
