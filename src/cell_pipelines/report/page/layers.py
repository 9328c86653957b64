"""Lines above an image that a reader switches on and off: outlines and frames as SVG, in the image's own pixels.

A line follows the outermost pixels of a cell, as in the overlays that are files (`outlines.py`): the centre of a pixel
in row r and column c lies at (c + 0.5, r + 0.5). Because image and lines share one system of coordinates, they stay
together at any size. Widths are those of the screen, so lines stay thin when the image is enlarged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import BoolArray, Boxes, LabelImage

Kind = Literal["truth", "found", "false", "missed"]

#: Names of the layers; the template gives each a colour and a pattern of dashes.
NAMES: Final[dict[Kind, str]] = {"truth": "Truth", "found": "Found", "false": "False", "missed": "Missed"}
# Farthest that a thinned outline may lie from the pixels it follows, as a share of the pixels' side.
_TOLERANCE: Final = 0.6
# Half of the cross on a false cell, as a share of the image's longer side.
_CROSS: Final = 0.008


@dataclass(frozen=True)
class Layer:
    """Lines of one kind.

    Attributes:
        kind: What they stand for.
        label: What the reader switches, with the number of cells.
        path: Their way as SVG writes it, in pixels of the image; empty where there is no cell.
    """

    kind: Kind
    label: str
    path: str


def instance_layers(
    true_labels: LabelImage, labels: LabelImage, *, found: BoolArray, correct: BoolArray
) -> tuple[Layer, ...]:
    """Return the layers of an image with masks: truth, missed, found and false cells.

    Args:
        true_labels: (H, W) int32: 1 + the true cell's row, 0 for background.
        labels: (H, W) int32: 1 + the predicted cell's row.
        found: (N,) bool, whether each true cell was found.
        correct: (M,) bool, whether each prediction found one.

    Raises:
        ValueError: A label has no flag.
    """
    for name, array, flags in (("found", true_labels, found), ("correct", labels, correct)):
        if int(array.max(initial=0)) > len(flags):
            raise ValueError(f"`{name}` must hold a flag for each label up to {array.max()}, got {len(flags)}.")
    size = true_labels.shape
    true, predicted = outlines(true_labels, len(found)), outlines(labels, len(correct))
    return _layers(true, predicted, found, correct, size)


def box_layers(
    true_boxes: Boxes, boxes: Boxes, size: tuple[int, ...], *, found: BoolArray, correct: BoolArray
) -> tuple[Layer, ...]:
    """Return the layers of an image with boxes (N, 4) and (M, 4) in pixel edges; flags as in `instance_layers`.

    Args:
        true_boxes: (N, 4) float, x_min, y_min, x_max, y_max.
        boxes: (M, 4) float, the predicted ones.
        size: Height and width of the image in pixels.
        found: (N,) bool.
        correct: (M,) bool.
    """
    return _layers(_frames(true_boxes), _frames(boxes), found, correct, size)


def outlines(labels: LabelImage, count: int) -> list[list[npt.NDArray[np.float64]]]:
    """Return for each label from 1 to `count` its closed lines, each (K, 2) as x, y; none for a label without pixels.

    Lines are thinned: they leave the pixels that they follow by at most 0.6 of a pixel's side.
    """
    import cv2
    from scipy import ndimage

    found: list[list[npt.NDArray[np.float64]]] = [[] for _ in range(count)]
    for number, window in enumerate(ndimage.find_objects(labels, max_label=count), start=1):
        if window is None:
            continue
        corner = window[1].start, window[0].start
        mask = (labels[window] == number).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=corner)
        thinned = (cv2.approxPolyDP(contour, _TOLERANCE, closed=True) for contour in contours)
        found[number - 1] = [np.asarray(line, dtype=np.float64).reshape(-1, 2) + 0.5 for line in thinned]
    return found


def to_path(lines: Sequence[npt.NDArray[np.float64]]) -> str:
    """Return closed lines as an SVG path, rounded to a tenth of a pixel, moves relative as they are shorter.

    >>> to_path([np.array([[0.5, 0.5], [3.5, 0.5], [3.5, 2.5]])])
    'M.5 .5l3 0 0 2z'
    """
    return "".join(_closed(line) for line in lines)


def _layers(
    true: list[list[npt.NDArray[np.float64]]],
    predicted: list[list[npt.NDArray[np.float64]]],
    found: BoolArray,
    correct: BoolArray,
    size: tuple[int, ...],
) -> tuple[Layer, ...]:
    arm = max(1.5, _CROSS * max(size[:2]))
    chosen: dict[Kind, list[list[npt.NDArray[np.float64]]]] = {
        "truth": true,
        "missed": [one for one, flag in zip(true, found, strict=True) if not flag],
        "found": [one for one, flag in zip(predicted, correct, strict=True) if flag],
        "false": [one for one, flag in zip(predicted, correct, strict=True) if not flag],
    }
    paths = {kind: to_path([line for one in cells for line in one]) for kind, cells in chosen.items()}
    paths["false"] += "".join(_cross(one, arm, size) for one in chosen["false"] if one)
    return tuple(Layer(kind, f"{NAMES[kind]} {len(cells)}", paths[kind]) for kind, cells in chosen.items())


def _frames(boxes: Boxes) -> list[list[npt.NDArray[np.float64]]]:
    return [[np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])] for x0, y0, x1, y1 in boxes.tolist()]


def _cross(lines: Sequence[npt.NDArray[np.float64]], arm: float, size: tuple[int, ...]) -> str:
    """Return a cross at the point of the lines that lies farthest to the upper right, moved into the image."""
    points = np.concatenate(lines)
    x, y = points[np.argmax(points[:, 0] - points[:, 1])]
    x, y = (float(np.clip(v, arm, max(length - arm, arm))) for v, length in ((x, size[1]), (y, size[0])))
    left, long = _short(x - arm), _short(2 * arm)
    return f"M{left} {_short(y - arm)}l{long} {long}M{left} {_short(y + arm)}l{long} {_short(-2 * arm)}"


def _closed(line: npt.NDArray[np.float64]) -> str:
    tenths = np.rint(line * 10).astype(np.int64)
    if len(tenths) == 1:  # a cell of one pixel is a dot, which no line without a length would show
        tenths = np.concatenate([tenths, tenths + np.array([[1, 0]])])
    start, steps = tenths[0], np.diff(tenths, axis=0)
    return f"M{_pair(start)}l" + " ".join(_pair(step) for step in steps) + "z"


def _pair(tenths: npt.NDArray[np.int64]) -> str:
    return " ".join(_short(float(value) / 10) for value in _values(tenths))


def _values(tenths: npt.NDArray[np.int64]) -> Iterator[int]:
    yield from (int(value) for value in tenths.tolist())


def _short(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
