"""Measure how far models disagree about an image: in the cells they find and in their counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.analysis.active_learning.overlaps import find_overlaps
from cell_pipelines.annotations.schema import OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.metrics.ratios import f1


def agreement(one: AnnotationSet, other: AnnotationSet, *, iou: float = 0.5) -> float:
    """Return the F1 of the cells that two models find in one image, 1 where both find none.

    Neither is the truth: F1 = 2 M / (N1 + N2) for M matched cells of the same class is the same both ways round.

    Args:
        one: The cells of one image by one model, above its thresholds.
        other: Those of another; classes are found by name.
        iou: Least overlap of two cells that are one, in (0, 1].
    """
    total = one.n_objects + other.n_objects
    if total == 0:
        return 1.0
    pairs = find_overlaps(one, other)
    names = [np.array(side.categories, dtype=object) for side in (one, other)]
    same = names[0][one.category[pairs.first]] == names[1][other.category[pairs.second]]
    matched = len(pairs.take(same).matches(iou)) if len(same) else 0
    return float(f1(matched, one.n_objects - matched, other.n_objects - matched))


def disagreement(cells: Mapping[str, AnnotationSet], *, iou: float = 0.5) -> float:
    """Return 1 - F1 of the cells of two models, mean over all pairs of models; nan for fewer than two."""
    pairs = list(combinations(cells.values(), 2))
    if not pairs:
        return float("nan")
    return float(np.mean([1 - agreement(one, other, iou=iou) for one, other in pairs]))


def count_spread(counts: Sequence[int]) -> float:
    """Return how far models' counts of one image lie apart: their standard deviation over their mean plus one.

    The one cell more keeps an image of one cell or none from looking as bad as a hundred found or not. Nan for fewer
    than two counts.

    Example:
        >>> count_spread([10, 10]), round(count_spread([8, 12]), 3)
        (0.0, 0.257)
    """
    if len(counts) < 2:
        return float("nan")
    return float(np.std(counts, ddof=1) / (np.mean(counts) + 1))


def turned_back(annotations: AnnotationSet, size: tuple[int, int], *, turns: int, mirrored: bool) -> AnnotationSet:
    """Return the boxes of cells that were found in a mirrored and turned image, where they lie in the image itself.

    Args:
        annotations: Cells of the one image ``numpy.rot90(image[:, ::-1] if mirrored else image, turns)``.
        size: Height and width of the image itself.
        turns: Quarter turns counter-clockwise.
        mirrored: Whether left and right were swapped before.

    Returns:
        Boxes; outlines are left out, since frames are enough to tell whether the same cells were found.
    """
    x_min, y_min, x_max, y_max = annotations.boxes.T
    height, width = size
    for turn in range(turns % 4):
        # Undo one counter-clockwise turn: a point (x, y) of the turned image came from (width - y, x).
        across = width if (turns - turn) % 2 else height
        x_min, y_min, x_max, y_max = across - y_max, x_min, across - y_min, x_max
    if mirrored:
        x_min, x_max = width - x_max, width - x_min
    return _as_boxes(annotations, np.stack([x_min, y_min, x_max, y_max], axis=1), size)


def _as_boxes(annotations: AnnotationSet, boxes: npt.NDArray[np.float64], size: tuple[int, int]) -> AnnotationSet:
    count = annotations.n_objects
    columns = {name: annotations.objects[name] for name in OBJECT_SCHEMA.names}
    columns |= dict(zip(("x_min", "y_min", "x_max", "y_max"), boxes.T, strict=True))
    columns["geometry"] = np.zeros(count, np.int8)
    columns |= {name: pa.nulls(count, OBJECT_SCHEMA.field(name).type) for name in ("rings", "counts")}
    framed = replace(annotations, objects=pa.table(columns, schema=OBJECT_SCHEMA))
    return framed.with_image_column("height", [size[0]]).with_image_column("width", [size[1]])
