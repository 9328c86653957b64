"""Lines of YOLO label files as arrays of objects, and back."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from cell_pipelines.annotations.columns import Rings, starts_of
from cell_pipelines.annotations.formats.sources.chunks import ObjectChunk
from cell_pipelines.annotations.geometry.conventions import centres_to_edges, clip_boxes, edges_to_centres
from cell_pipelines.annotations.geometry.rings import join_rings
from cell_pipelines.annotations.geometry.seams import open_rings
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, box_array
from cell_pipelines.annotations.selection import objects_by_image
from cell_pipelines.typing import FloatArray

# Beyond any label; sums and products of such fractions stay finite.
MAX_FRACTION = 1e5
MAX_CLASS = 1e6
# A millionth of a pixel of any image.
_DECIMALS = 9
# Pixels by which a coordinate may leave its image without being said to.
ROUNDING = 0.01


def to_numbers(lines: Sequence[Sequence[str]]) -> list[list[float]] | None:
    """Return the numbers of all lines; None where one of them needs a closer look."""
    if not lines:
        return []
    try:
        # As JSON, numbers are read many times faster than one by one.
        rows: list[list[float]] = orjson.loads("[[" + "],[".join(",".join(words) for words in lines) + "]]")
        flat = np.array([number for row in rows for number in row], dtype=np.float64)
        classes = np.array([row[0] for row in rows], dtype=np.float64)
    except (ValueError, TypeError, IndexError):
        return None
    lengths = np.array([len(row) for row in rows])
    right = (lengths == 5) | (lengths == 6) | (lengths >= 7)
    whole = (classes == np.floor(classes)) & (classes >= 0) & (classes <= MAX_CLASS)
    # Class numbers are bounded above; everything else is a fraction.
    bounded = bool((np.abs(flat) <= MAX_FRACTION).all())
    return rows if right.all() and whole.all() and bounded and len(rows) == len(lines) else None


def to_chunks(
    rows: Sequence[Sequence[float]], lines: Sequence[int], image: tuple[int, int, int], names: Sequence[str] | None
) -> Iterator[ObjectChunk]:
    """Yield runs of rows of one kind, boxes or polygons, with or without scores, as objects.

    Args:
        rows: Class number and fractions of each line.
        lines: Number of each line in its file.
        image: Row, width and height of the image.
        names: Class names; None where none are known.
    """
    start = 0
    for (is_box, scored), run in groupby(rows, key=_kind):
        same = list(run)
        place = lines[start : start + len(same)]
        start += len(same)
        yield _chunk(same, place, image, (is_box, scored), names)


def _kind(row: Sequence[float]) -> tuple[bool, bool]:
    """Say whether a line is a box and whether it ends in a score: a box has 4 numbers, a polygon pairs."""
    return len(row) <= 6, len(row) % 2 == 0


def _chunk(
    rows: Sequence[Sequence[float]], lines: Sequence[int], image: tuple[int, int, int], kind: tuple[bool, bool],
    names: Sequence[str] | None,
) -> ObjectChunk:  # fmt: skip
    number, width, height = image
    is_box, scored = kind
    classes = [int(row[0]) for row in rows]
    known = list(names or ()) + [f"class_{i}" for i in range(len(names or ()), max(classes) + 1)]
    stop = -1 if scored else None
    extra: dict[str, Any] = {"scores": np.array([row[-1] for row in rows], dtype=np.float64) if scored else None}
    if is_box:
        boxes = centres_to_edges(np.array([row[1:5] for row in rows], dtype=np.float64), width, height)
    else:
        flat = [number for row in rows for number in row[1:stop]]
        vertices = np.array(flat, dtype=np.float64).reshape(-1, 2) * np.array([width, height])
        starts = starts_of(len(row[1:stop]) // 2 for row in rows)
        extra["rings"] = open_rings(Rings(vertices, starts, np.arange(len(rows) + 1)))
        boxes = extra["rings"].boxes()
    return ObjectChunk(
        np.full(len(rows), number, np.int64), np.array(classes, dtype=np.int64), known, boxes,
        lambda row: f"line {lines[row]}", **extra,
    )  # fmt: skip


def to_texts(annotations: AnnotationSet) -> Iterator[bytes]:
    """Yield the label file of each image, with everything cut to the image and without scores."""
    for image, objects in zip(annotations.images.to_pylist(), objects_by_image(annotations), strict=True):
        size = image["width"], image["height"]
        boxes = clip_boxes(box_array(objects), *size)
        numbers = np.round(edges_to_centres(boxes, *size), _DECIMALS).tolist()
        is_polygon = objects["geometry"].to_numpy() == GEOMETRIES.index("polygon")
        if is_polygon.any():
            _put_rings(numbers, is_polygon, Rings.from_arrow(objects["rings"]), size)
        for row, category in enumerate(objects["category"].to_pylist()):
            numbers[row] = [category, *numbers[row]]
        yield _to_text(numbers)


def _put_rings(
    numbers: list[list[float]], is_polygon: npt.NDArray[np.bool_], rings: Rings, size: tuple[int, int]
) -> None:
    """Replace, in place, the boxes of polygons by their vertices."""
    fractions = _fractions(rings.vertices, size).ravel().tolist()
    starts = (2 * rings.vertex_starts).tolist()
    several = np.diff(rings.object_starts) > 1
    for row in np.flatnonzero(is_polygon).tolist():
        if several[row]:
            # YOLO holds one ring an object; the pieces are visited one after the other, along seams without width.
            numbers[row] = _fractions(join_rings(rings.of(row)), size).ravel().tolist()
        else:
            numbers[row] = fractions[starts[row] : starts[row + 1]]


def _fractions(vertices: FloatArray, size: tuple[int, int]) -> FloatArray:
    fractions: FloatArray = np.round(np.clip(vertices / np.array(size), 0, 1), _DECIMALS)
    return fractions


def _to_text(lines: list[list[Any]]) -> bytes:
    if not lines:
        return b""
    return orjson.dumps(lines)[2:-2].replace(b"],[", b"\n").replace(b",", b" ") + b"\n"
