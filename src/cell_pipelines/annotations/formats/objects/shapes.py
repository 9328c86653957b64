"""Convert shapes of annotation tools to boxes, points, polygons and masks, and collect them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.geometry.run_lengths import crop_to_run_lengths, mask_box
from cell_pipelines.annotations.schema import Geometry
from cell_pipelines.typing import FloatArray

ELLIPSE_VERTICES = 64

# File, entry in the file, and row of the image that an object belongs to.
Place = tuple[str, str, int]


@dataclass(frozen=True, eq=False)
class Shape:
    """A shape in pixel edges.

    Attributes:
        geometry: One of `GEOMETRIES`.
        box: x_min, y_min, x_max, y_max; a point has no area.
        rings: Of a polygon, each (V, 2) in x, y.
        counts: Of a mask, COCO run lengths of the whole image.
        change: What reading changed of it, in words.
    """

    geometry: Geometry
    box: tuple[float, ...] = ()
    rings: tuple[FloatArray, ...] = ()
    counts: npt.NDArray[np.uint32] | None = None
    change: str = ""


def box_shape(one: Sequence[float], other: Sequence[float]) -> Shape:
    """Return the box between two opposite corners x, y, in any order."""
    (x, y), (u, v) = one, other
    return Shape("box", (min(x, u), min(y, v), max(x, u), max(y, v)))


def point_shape(x: float, y: float) -> Shape:
    """Return a point."""
    return Shape("point", (x, y, x, y))


def polygon_shape(rings: Sequence[FloatArray]) -> Shape:
    """Return a polygon of rings (V, 2); a first vertex that is repeated at the end is taken once."""
    opened = (ring[:-1] if len(ring) > 3 and (ring[0] == ring[-1]).all() else ring for ring in rings)
    return Shape("polygon", rings=tuple(opened))


def ellipse_shape(centre: Sequence[float], radii: Sequence[float], rotation: float = 0.0) -> Shape:
    """Return an ellipse as a polygon; `rotation` in degrees, clockwise on the screen."""
    ring = ellipse_ring(centre, radii, rotation)
    return Shape("polygon", rings=(ring,), change=f"ellipse read as a polygon of {len(ring)} vertices.")


def rotated_box_shape(box: Sequence[float], rotation: float, pivot: Sequence[float]) -> Shape:
    """Return a box turned about `pivot` as a polygon, or as a box where it isn't turned."""
    x_min, y_min, x_max, y_max = box
    if rotation % 360 == 0:
        return box_shape((x_min, y_min), (x_max, y_max))
    corners = np.array([[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]], dtype=np.float64)
    return Shape("polygon", rings=(rotate(corners, rotation, pivot),))


def mask_shape(crop: npt.NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> Shape:
    """Return a mask drawn in part of an image.

    Args:
        crop: (h, w) bool.
        corner: Column and row of its first pixel in the image; what lies outside is cut off.
        size: Width and height of the image.

    Raises:
        ValueError: Nothing of the mask lies in the image.
    """
    (left, top), (width, height) = corner, size
    inside = crop[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    x_min, y_min, x_max, y_max = mask_box(inside)
    if not x_max:
        raise ValueError(f"the mask is empty, or lies outside the image of {width}x{height} pixels.")
    left, top = max(left, 0), max(top, 0)
    counts = crop_to_run_lengths(inside, top, left, height, width)
    lost = int(crop.sum()) - int(inside.sum())
    change = f"{lost} pixels of the mask lie outside the image and are cut off." if lost else ""
    return Shape("mask", (x_min + left, y_min + top, x_max + left, y_max + top), counts=counts, change=change)


def add_shape(collector: AnnotationCollector, place: Place, category: str, shape: Shape, **extra: Any) -> None:
    """Collect a shape, with what was changed of it; `extra` as for `AnnotationCollector.add_box`."""
    file, entry, row = place
    if shape.change:
        collector.note(file, entry, "changed", shape.change)
    if shape.geometry == "polygon":
        collector.add_polygon(file, entry, row, category, shape.rings, **extra)
    elif shape.geometry == "point":
        collector.add_point(file, entry, row, category, shape.box[:2], **extra)
    elif shape.counts is not None:
        collector.add_mask(file, entry, row, category, shape.box, shape.counts, **extra)
    else:
        collector.add_box(file, entry, row, category, shape.box, **extra)


def ellipse_ring(
    centre: Sequence[float], radii: Sequence[float], rotation: float = 0.0, vertices: int = ELLIPSE_VERTICES
) -> FloatArray:
    """Return the ring (V, 2) of points on an ellipse.

    Args:
        centre: x, y.
        radii: Along x and along y before turning, above 0.
        rotation: In degrees, clockwise on the screen.
        vertices: How many.

    Raises:
        ValueError: A radius is not above 0.
    """
    if not min(radii) > 0:
        raise ValueError(f"radii must be above 0, got {', '.join(f'{r:g}' for r in radii)}.")
    angles = np.arange(vertices) * 2 * np.pi / vertices
    upright = np.stack([np.cos(angles) * radii[0], np.sin(angles) * radii[1]], axis=1) + np.asarray(centre)
    return rotate(upright, rotation, centre)


def rotate(ring: FloatArray, degrees: float, pivot: Sequence[float]) -> FloatArray:
    """Turn a ring (V, 2) about `pivot`, clockwise on the screen."""
    angle = np.radians(degrees % 360)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned: FloatArray = (ring - pivot) @ turn + pivot
    return turned
