"""Choose metrics: what is shown where, which F1 is the main one, and what a metric is called."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.metric import Kind, Metric, Place
from cell_pipelines.metrics.ratios import f1

# Masks say most about a cell, and centroids least.
_MOST_TELLING: Final[tuple[Kind, ...]] = ("mask", "box", "centroid")


def metrics_shown(place: Place, *kinds: Kind) -> tuple[Metric, ...]:
    """Return the metrics that are shown in a place, in the order of their rows; of some kinds, or of all."""
    return tuple(m for m in METRICS.values() if place in m.shown and (not kinds or m.kind in kinds))


def metrics_by_kind(ratio: Callable[..., Any]) -> Mapping[Kind, Metric]:
    """Return the metrics that are a ratio of counts at one overlap or distance, such as `ratios.f1`, by kind."""
    found = {metric.kind: metric for metric in METRICS.values() if metric.ratio is ratio and metric.over == "sums"}
    return MappingProxyType({kind: found[kind] for kind in _MOST_TELLING if kind in found})


#: F1 of masks, of boxes and of centroids: the first that there is says how good a model is.
MAIN_F1: Final = tuple(metric.name for metric in metrics_by_kind(f1).values())


def main_f1(is_known: Callable[[str], bool]) -> str:
    """Return the column of the F1 that says most: of masks, else of boxes, else of centroids.

    Args:
        is_known: Tells whether a column has a value where it is needed, such as for every model.
    """
    return next(filter(is_known, MAIN_F1), MAIN_F1[-1])


def title_of(name: str) -> str:
    """Return what figures and sentences call a metric; its name with spaces where it has no row."""
    return METRICS[name].title if name in METRICS else name.replace("_", " ")


def higher_is_better(name: str) -> bool:
    """Tell whether more of a metric is better; of what has no row, losses are better when lower."""
    return METRICS[name].higher_is_better if name in METRICS else not name.endswith("loss")


def is_rate(name: str) -> bool:
    """Tell whether a metric lies in 0 to 1; what has no row is taken for one."""
    return name not in METRICS or METRICS[name].kind != "count"
