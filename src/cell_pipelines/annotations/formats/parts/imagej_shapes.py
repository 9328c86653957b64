"""The shape of an ImageJ ROI as box, polygon or points in pixel edges, and back.

ImageJ holds areas as inside: pixel (0, 0) lies between the corners (0, 0) and (1, 1), with whole and with sub-pixel
coordinates, and a pixel belongs to an area when its centre does. Points are counted from pixel centres there:
the point (3, 4) marks the centre of pixel (3, 4), which is (3.5, 4.5) here.

Other tools filled a pixel when its upper left corner lay inside. The label images of the T98G set are exactly what
that gives (no pixel of four images differs), while ImageJ's own rule differs from them in 1.7 % of the cells' pixels.
Areas drawn so are moved by half a pixel, so that the pixels' centres say what their corners said.
"""

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cell_pipelines.annotations.schema import GEOMETRIES
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    from roifile import ImagejRoi

# What a whole number of a point stands for: the centre of its pixel.
POINT_OFFSET = 0.5
# Half a pixel and a little less, far less downwards: a corner on a slanted edge belongs to the area on its right, one
# on a level edge to that below.
_CORNER_TO_CENTRE = np.array([0.5 - 1e-3, 0.5 - 1e-6])
# A polygon stays this near to the curve it stands for.
CURVE_TOLERANCE_PX = 0.02
MAX_CURVE_VERTICES = 720
_AREAS = ("POLYGON", "FREEHAND", "TRACED")
_WITHOUT_AREA = {
    "LINE": "a line", "FREELINE": "a freehand line", "POLYLINE": "a line", "ANGLE": "an angle", "NOROI": "no shape",
}  # fmt: skip
_OVERLAYS = {"TEXT": "a text", "ARROW": "an arrow", "IMAGE": "an image"}
_SUB_PIXEL = 128
# Commands of a composite and how many numbers follow each: move, line, quadratic and cubic curve, close.
_OPERANDS = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}


@dataclass(frozen=True)
class Shape:
    """Outline of a ROI.

    Attributes:
        box: x_min, y_min, x_max, y_max of a rectangle; else None.
        rings: Rings (V, 2) of an area.
        points: x and y of each point.
        note: What was changed, as ``ovals``; empty for nothing.
    """

    box: tuple[float, float, float, float] | None = None
    rings: tuple[FloatArray, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    note: str = ""

    def from_corners(self) -> "Shape":
        """Return the area whose pixels' centres lie inside where their upper left corners lie in this one."""
        rings = tuple(ring + _CORNER_TO_CENTRE for ring in self.rings)
        return Shape(self.box, rings, self.points, self.note)


def to_shape(roi: "ImagejRoi") -> Shape:
    """Return what a ROI outlines.

    Raises:
        ValueError: It has no area and is no point, or its numbers make no shape; the sentence says which.
    """
    kind, subtype = roi.roitype.name, roi.subtype.name
    if subtype in _OVERLAYS:
        raise ValueError(f"{_OVERLAYS[subtype]} drawn over the image is no object.")
    if kind in _WITHOUT_AREA:
        raise ValueError(f"{_WITHOUT_AREA[kind]} has no area and is no point.")
    if roi.shape_roi_size > 0 and kind == "RECT":
        return _composite(roi)
    if kind in ("RECT", "OVAL"):
        return _framed(roi, kind)
    if kind == "FREEHAND" and subtype in ("ELLIPSE", "ROTATED_RECT"):
        return _slanted(roi, subtype)
    if kind == "POINT" or kind in _AREAS:
        return _listed(roi, kind)
    raise ValueError(f"an ROI of type {int(roi.roitype)} is none that ImageJ has.")


def _listed(roi: "ImagejRoi", kind: str) -> Shape:
    vertices = np.asarray(roi.coordinates(), dtype=np.float64).reshape(-1, 2)
    if kind == "POINT":
        if not len(vertices):
            raise ValueError("it holds no point.")
        return Shape(points=tuple(map(tuple, (vertices + POINT_OFFSET).tolist())))
    closed = len(vertices) > 1 and (vertices[0] == vertices[-1]).all()
    return Shape(rings=(vertices[:-1] if closed else vertices,), note="splines" if int(roi.options) & 1 else "")


def _framed(roi: "ImagejRoi", kind: str) -> Shape:
    box = tuple(float(v) for v in (roi.left, roi.top, roi.right, roi.bottom))
    if roi.subpixelrect:
        box = (roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd)
    x1, y1, x2, y2 = box
    if kind == "RECT":
        return Shape(box=(x1, y1, x2, y2), note="rounded rectangles" if roi.rounded_rect_arc_size > 0 else "")
    half = np.array([x2 - x1, y2 - y1]) / 2
    return Shape(rings=(_ellipse(np.array([x1, y1]) + half, np.array([half[0], 0.0]), float(half[1])),), note="ovals")


def _slanted(roi: "ImagejRoi", subtype: str) -> Shape:
    """Return an ellipse around a long axis, or a rectangle along a line, as ImageJ's own parameters give it."""
    ends = np.array([[roi.x1, roi.y1], [roi.x2, roi.y2]], dtype=np.float64)
    # roifile reads the bytes of this number as those of an arrow.
    packed = struct.pack(">BBh", roi.arrow_style_or_aspect_ratio, roi.arrow_head_size, roi.rounded_rect_arc_size)
    [number] = struct.unpack(">f", packed)
    half = (ends[1] - ends[0]) / 2
    length = math.hypot(*half)
    if not (math.isfinite(length) and math.isfinite(number) and length > 0 and number > 0):
        raise ValueError(f"its axis of {2 * length:g} and its width of {number:g} make no area.")
    if subtype == "ELLIPSE":
        return Shape(rings=(_ellipse(ends.mean(axis=0), half, length * min(number, 1.0)),), note="ellipses")
    across = np.array([-half[1], half[0]]) / length * number / 2
    return Shape(rings=(np.stack([ends[0] + across, ends[1] + across, ends[1] - across, ends[0] - across]),))


def _ellipse(centre: FloatArray, axis: FloatArray, across: float) -> FloatArray:
    """Return an ellipse as a ring; `axis` leads from its centre to its end, `across` is the other half axis."""
    length = math.hypot(*axis)
    if not (math.isfinite(length) and math.isfinite(across) and length > 0 and across > 0):
        raise ValueError(f"half axes of {length:g} and {across:g} make no area.")
    steps = math.pi * math.sqrt(max(length, across) / (2 * CURVE_TOLERANCE_PX))
    angles = np.arange(count := int(min(max(steps, 16), MAX_CURVE_VERTICES))) * 2 * math.pi / count
    side = np.array([-axis[1], axis[0]]) / length * across
    ring: FloatArray = centre + np.outer(np.cos(angles), axis) + np.outer(np.sin(angles), side)
    return ring


def _composite(roi: "ImagejRoi") -> Shape:
    path: list[float] = [] if roi.multi_coordinates is None else roi.multi_coordinates.tolist()
    rings: list[list[tuple[float, float]]] = []
    note, place = "", 0
    while place < len(path):
        command = int(path[place]) if path[place] in _OPERANDS else -1
        numbers = path[place + 1 : place + 1 + _OPERANDS.get(command, 0)]
        if command < 0 or len(numbers) < _OPERANDS[command] or (command > 0 and not rings):
            raise ValueError(f"its path breaks off or has no sense at number {place}.")
        place += 1 + len(numbers)
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == 0:
            rings.append(corners)
        elif command in (2, 3):
            note = "curves"
            rings[-1] += _curve([rings[-1][-1], *corners])
        else:
            rings[-1] += corners
    opened = (np.array(r[:-1] if r[0] == r[-1] and len(r) > 1 else r, dtype=np.float64) for r in rings)
    return Shape(rings=tuple(ring for ring in opened if len(ring) >= 3), note=note)


def _curve(control: list[tuple[float, float]], steps: int = 16) -> list[tuple[float, float]]:
    """Return vertices along a Bézier curve, without its beginning."""
    points = np.repeat(np.array(control)[None], steps, axis=0)
    share = (np.arange(1, steps + 1) / steps)[:, None, None]
    while points.shape[1] > 1:
        points = points[:, :-1] * (1 - share) + points[:, 1:] * share
    return [(x, y) for x, y in points[:, 0].tolist()]


def to_roi(geometry: str, box: tuple[float, ...], rings: list[FloatArray], points: list[tuple[float, float]]) -> Any:
    """Return an ROI of a box, a polygon or some points, with sub-pixel coordinates."""
    import roifile

    roi = roifile.ImagejRoi(version=228, options=roifile.ROI_OPTIONS(_SUB_PIXEL))
    if geometry == GEOMETRIES[0]:
        roi.roitype = roifile.ROI_TYPE.RECT
        roi.xd, roi.yd, roi.widthd, roi.heightd = box[0], box[1], box[2] - box[0], box[3] - box[1]
        _set_frame(roi, np.array(box).reshape(2, 2))
    elif len(rings) > 1:
        roi.roitype, roi.options = roifile.ROI_TYPE.RECT, roifile.ROI_OPTIONS(0)
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings]).astype(np.float32)
        roi.shape_roi_size = len(roi.multi_coordinates)
        _set_frame(roi, np.concatenate(rings))
    else:
        is_area = bool(rings)
        vertices = rings[0] if is_area else np.array(points) - POINT_OFFSET
        roi.roitype = roifile.ROI_TYPE.POLYGON if is_area else roifile.ROI_TYPE.POINT
        _set_frame(roi, vertices)
        roi.n_coordinates = len(vertices)
        roi.subpixel_coordinates = vertices.astype(np.float32)
        roi.integer_coordinates = (np.floor(vertices) - [roi.left, roi.top]).astype(np.int32)
    return roi


def _set_frame(roi: "ImagejRoi", vertices: FloatArray) -> None:
    (roi.left, roi.top), (roi.right, roi.bottom) = (
        np.floor(vertices.min(axis=0)).astype(int).tolist(), np.ceil(vertices.max(axis=0)).astype(int).tolist(),
    )  # fmt: skip


def _path(ring: FloatArray) -> FloatArray:
    moves = np.concatenate([[[0.0]], np.ones((len(ring) - 1, 1))])
    return np.append(np.hstack([moves, ring]).ravel(), 4.0)
