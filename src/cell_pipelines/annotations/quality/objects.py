"""Quality of each object by itself: can it be drawn, does it lie in its image, is it of a size that a cell has."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.shapes import MASK, POINT, POLYGON, Shapes, drawable
from cell_pipelines.annotations.geometry.tangles import MOST_MEETINGS
from cell_pipelines.annotations.quality.table import Found
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import FloatArray, IntArray

_REASONS = {
    "Self-intersection": ("self_intersecting", "has an outline that crosses itself"),
    "Ring Self-intersection": ("self_touching", "has an outline that touches itself"),
}
_CROSSING = "has rings that cross or touch each other; what lies in two of them counts as outside,"
_TANGLED = (
    f"has an outline that crosses or repeats itself more than {MOST_MEETINGS} times, as points in no order or an "
    "outline traced again and again do; what it covers isn't computed, and it isn't compared with others."
)
# What the even-odd rule gives a meaning to: pieces, islands in holes, the hole named before its cell.
_MEANINGFUL = ("Hole lies outside shell", "Holes are nested", "Interior is disconnected")


def find_broken(rows: IntArray, shapes: Shapes) -> list[Found]:
    """List objects that can't be drawn: coordinates that are no numbers, polygons without ring, empty masks."""
    real = drawable(shapes.boxes)
    unreal = rows[~real]
    ringless = rows[real & (shapes.geometry == POLYGON) & (shapely.get_type_id(shapes.raw_polygons) < 0)]
    empty = rows[(shapes.geometry == MASK) & (shapes.runs.areas() == 0)]
    return [
        _plain("broken_shape", unreal, np.nan, "has coordinates that are no numbers, or far too large."),
        _plain("broken_shape", ringless, np.nan, "is a polygon without a ring of at least 3 vertices."),
        _plain("empty_mask", empty, 0.0, "is a mask without a pixel."),
    ]


def find_mask_sizes(rows: IntArray, objects: pa.Table, sizes: IntArray) -> Found:
    """List masks that hold another number of pixels than their image; `sizes` (N, 2) are widths and heights."""
    counts = RunLengths.from_arrow(objects["counts"])
    is_mask = objects["geometry"].to_numpy() == MASK
    edges = np.concatenate([[0], np.cumsum(counts.values, dtype=np.int64)])
    pixels = np.diff(edges[counts.starts])
    wrong = np.flatnonzero(is_mask & (np.diff(counts.starts) > 0) & (pixels != sizes.prod(axis=1)))
    sentences = [
        f"is a mask of {pixels[i]} pixels; its image has {sizes[i, 0]}x{sizes[i, 1]} = {sizes[i].prod()}."
        for i in wrong.tolist()
    ]
    return Found("mask_size", rows[wrong], pixels[wrong], sentences)


def find_outside(rows: IntArray, boxes: FloatArray, sizes: IntArray, limit: float) -> Found:
    """List objects that reach out of their image by more than `limit` pixels."""
    beyond = np.concatenate([-boxes[:, :2], boxes[:, 2:] - sizes], axis=1)
    # An image of unknown size has no border to reach over.
    most = np.where(drawable(boxes) & (sizes > 0).all(axis=1), beyond.max(axis=1, initial=-np.inf), -np.inf)
    wrong = np.flatnonzero(most > limit)
    sides = np.array(["left", "top", "right", "bottom"])[beyond[wrong].argmax(axis=1)]
    sentences = [
        f"reaches out of the image of {w}x{h} pixels by {depth:.4g} at the {side}."
        for (w, h), depth, side in zip(sizes[wrong].tolist(), most[wrong].tolist(), sides.tolist(), strict=True)
    ]
    return Found("outside", rows[wrong], most[wrong], sentences)


def find_invalid(rows: IntArray, shapes: Shapes) -> list[Found]:
    """List polygons with an outline that crosses or touches itself, and polygons of rings that cross.

    Args:
        rows: (N,) rows of the objects looked at.
        shapes: Their shapes.
    """
    raw = shapes.raw_polygons
    drawn = shapely.get_type_id(raw) >= 0
    tangled = np.flatnonzero(drawn & (shapely.get_type_id(shapes.polygons) < 0))
    suspects = np.flatnonzero(drawn & (shapely.get_type_id(shapes.polygons) >= 0))
    suspects = suspects[~shapely.is_valid(raw[suspects])]
    reasons = shapely.is_valid_reason(raw[suspects])
    found: dict[str, list[tuple[int, str]]] = {}
    if tangled.size:
        found["self_intersecting"] = [(i, _TANGLED) for i in tangled.tolist()]
    for i, polygon, reason in zip(suspects.tolist(), raw[suspects].tolist(), reasons.tolist(), strict=True):
        kind, sentence = _classify(polygon, reason)
        if kind:
            found.setdefault(kind, []).append((i, sentence))
    return [
        Found(kind, rows[[i for i, _ in listed]], np.full(len(listed), np.nan), [text for _, text in listed])
        for kind, listed in found.items()
    ]


def _classify(polygon: Any, whole: str) -> tuple[str, str]:
    """Return the kind of what is wrong with an invalid polygon, and the sentence; both empty where nothing is.

    Args:
        polygon: The raw polygon.
        whole: Shapely's reason for it.
    """
    rings = [shapely.polygons(ring) for ring in polygon.interiors]
    reasons = [shapely.is_valid_reason(r) for r in (shapely.polygons(polygon.exterior), *rings)] if rings else [whole]
    for text in reasons:
        reason, place = _read_reason(text)
        if reason:
            kind, words = _REASONS.get(reason, ("self_intersecting", f"is not valid ({reason.lower()})"))
            return kind, f"{words}{place}."
    reason, place = _read_reason(whole)
    if reason in _MEANINGFUL:
        return "", ""
    return "crossing_rings", f"{_CROSSING}{place}."


def _read_reason(text: str) -> tuple[str, str]:
    """Return shapely's reason and the place; both empty for a valid polygon."""
    if text == "Valid Geometry":
        return "", ""
    match = re.fullmatch(r"(.*?)\[(\S+) (\S+)\]", text)
    if match is None:
        return text, ""
    return match[1], f" at ({float(match[2]):.1f}, {float(match[3]):.1f})"


def find_tiny(annotations: AnnotationSet, areas: FloatArray, *, min_area: float, min_share: float) -> Found:
    """List objects smaller than `min_area` px² or than `min_share` of their class's median.

    Args:
        annotations: The set.
        areas: (N,) area of every object in px²; NaN for one that has none to speak of, such as a point.
        min_area: Limit in px².
        min_share: Limit as a share of the median area of the class.
    """
    medians = _class_medians(annotations, areas)[annotations.category]
    small, far_below = areas < min_area, areas < min_share * medians
    rows = np.flatnonzero(small | far_below)
    sentences = [
        f"has an area of {_px(area)} px²; "
        + (f"at least {min_area:g} are expected." if below else f"the median of its class is {_px(median)}.")
        for area, median, below in zip(areas[rows].tolist(), medians[rows].tolist(), small[rows].tolist(), strict=True)
    ]
    return Found("tiny", rows, areas[rows], sentences)


def _px(area: float) -> str:
    return f"{area:.0f}" if area >= 100 else f"{area:.3g}"


def sizeable(shapes: Shapes) -> FloatArray:
    """Return the areas (N,) of shapes in px², NaN for points and for what can't be drawn."""
    broken = (shapes.geometry == POLYGON) & (shapely.get_type_id(shapes.polygons) < 0)
    empty = (shapes.geometry == MASK) & (shapes.areas == 0)
    without = broken | empty | (shapes.geometry == POINT) | ~drawable(shapes.boxes)
    return np.where(without, np.nan, shapes.areas)


def _class_medians(annotations: AnnotationSet, areas: FloatArray) -> FloatArray:
    """Return the median area of each class, NaN where nothing has one; ignored regions are no measure of a cell."""
    medians = np.full(len(annotations.categories), np.nan)
    measured = np.isfinite(areas) & ~annotations.crowd
    for category in range(len(medians)):
        own = areas[measured & (annotations.category == category)]
        if own.size:
            medians[category] = np.median(own)
    return medians


def _plain(kind: str, rows: IntArray, value: float, sentence: str) -> Found:
    return Found(kind, rows, np.full(len(rows), value), [sentence] * len(rows))
