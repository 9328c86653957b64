"""COCO's annotations and our objects turned into each other, many at a time."""

import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.building import attributes_text
from cell_pipelines.annotations.columns import Rings, RunLengths, starts_of
from cell_pipelines.annotations.formats.sources.chunks import ObjectChunk
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.geometry.rings import group_rings, join_rings, polygon_area
from cell_pipelines.annotations.geometry.run_lengths import decompress_run_lengths, run_lengths_box
from cell_pipelines.annotations.geometry.seams import unite_rings
from cell_pipelines.annotations.schema import GEOMETRIES, box_array
from cell_pipelines.typing import FloatArray

BATCH = 20_000

Entry = Mapping[str, Any]


class EntryReader:
    """Takes the annotations of one file in, in batches where they are regular and one by one where they are not.

    Args:
        collector: Where the objects go.
        file: Name of the file.
        rows: Row of each image by its number; None where the image is missing.
        names: Class name by number.
    """

    def __init__(
        self, collector: AnnotationCollector, file: str, rows: Mapping[Any, int | None], names: Mapping[Any, str]
    ) -> None:
        self._collector = collector
        self._file = file
        self._rows = rows
        self._names = names
        self._classes = list(dict.fromkeys(names.values()))
        self._index = {number: self._classes.index(name) for number, name in names.items()}

    def read(self, entries: Sequence[Entry]) -> None:
        """Take all annotations in, in their order."""
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            for kind, run in groupby(enumerate(batch, start), key=lambda numbered: _kind(numbered[1])):
                positions, same = zip(*run, strict=True)
                chunk = self._chunk(kind, same, positions) if kind else None
                if chunk is not None:
                    self._collector.add_chunk(self._file, chunk)
                    continue
                for position, entry in zip(positions, same, strict=True):
                    self._read_one(position, entry)

    def _chunk(self, kind: str, entries: Sequence[Entry], positions: Sequence[int]) -> ObjectChunk | None:
        """Return annotations of one kind as arrays; None where one of them is not what it should be."""
        try:
            image = np.array([self._rows[e["image_id"]] for e in entries], dtype=np.float64)
            category = np.array([self._index[e["category_id"]] for e in entries], dtype=np.int64)
            scores = np.array([_score(e) for e in entries], dtype=np.float64)
            crowd = np.array([e.get("iscrowd", 0) in (1, True) for e in entries], dtype=np.bool_)
            rings = _to_rings([e["segmentation"] for e in entries]) if kind == "polygon" else None
            boxes = rings.boxes() if rings is not None else _to_boxes([e["bbox"] for e in entries])
            some = any("attributes" in e or "keypoints" in e for e in entries)
            attributes = [_attributes(e) for e in entries] if some else None
        except (KeyError, TypeError, ValueError, OverflowError, pa.ArrowException):
            return None
        if np.isnan(image).any():
            return None
        return ObjectChunk(
            image.astype(np.int64), category, self._classes, boxes, lambda row: _name(entries[row], positions[row]),
            rings=rings, scores=None if np.isnan(scores).all() else scores, crowd=crowd, attributes=attributes,
        )  # fmt: skip

    def _read_one(self, position: int, entry: Entry) -> None:
        place = (self._file, _name(entry, position))
        row, category = self._rows.get(_key(entry.get("image_id"))), self._names.get(_key(entry.get("category_id")))
        if row is None:
            self._collector.drop(*place, f"its image {_short(entry.get('image_id'))} is not among the images.")
        elif category is None:
            self._collector.drop(*place, f"unknown class number {_short(entry.get('category_id'))}.")
        else:
            try:
                self._take(place, row, category, entry)
            except KeyError as error:
                self._collector.drop(*place, f"box or segmentation can't be read: no {error}.")
            except (TypeError, ValueError, OverflowError) as error:
                self._collector.drop(*place, f"box, segmentation or score can't be read: {error}.")

    def _take(self, place: tuple[str, str], row: int, category: str, entry: Entry) -> None:
        segmentation = entry.get("segmentation")
        text = _attributes(entry)
        extra: dict[str, Any] = {
            "score": None if entry.get("score") is None else float(entry["score"]),
            "crowd": bool(entry.get("iscrowd", 0)),
            "attributes": json.loads(text) if text else None,
        }
        if isinstance(segmentation, Mapping):
            width, height = self._collector.size(row)
            counts = _run_lengths(segmentation, (height, width))
            box = run_lengths_box(counts, height)
            self._collector.add_mask(*place, row, category, box, counts.astype(np.uint32), **extra)
        elif segmentation and any(len(ring) for ring in segmentation):
            rings = [np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in segmentation]
            self._collector.add_polygon(*place, row, category, unite_rings(Rings.from_lists([rings])).of(0), **extra)
        elif _is_point(entry):
            x, y = (float(v) for v in entry["keypoints"][:2])
            self._collector.add_point(*place, row, category, (x, y), **extra)
        else:
            x, y, w, h = (float(v) for v in entry["bbox"])
            self._collector.add_box(*place, row, category, (x, y, x + w, y + h), **extra)


def _kind(entry: Entry) -> str:
    """Return how an annotation can be read in batches; empty for one by one."""
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, list) and segmentation and isinstance(segmentation[0], list) and segmentation[0]:
        return "polygon"
    return "box" if segmentation in ([], None) and not _is_point(entry) else ""


def _is_point(entry: Entry) -> bool:
    """Say whether an annotation is a single key point with a box of no size, or without any."""
    points = entry.get("keypoints")
    box = entry.get("bbox")
    flat = not box or (isinstance(box, list) and len(box) == 4 and box[2] == 0 and box[3] == 0)
    return isinstance(points, list) and len(points) == 3 and flat


def _to_rings(segmentations: Sequence[Any]) -> Rings:
    """Return polygons as flat arrays.

    Raises:
        TypeError, ValueError, pyarrow.ArrowException: One of them is no list of lists of pairs of numbers.
    """
    column = pa.array(segmentations, pa.list_(pa.list_(pa.float64())))
    numbers = starts_of(map(len, (ring for one in segmentations for ring in one)))
    if column.flatten().null_count or column.flatten().flatten().null_count or (np.diff(numbers) % 2).any():
        raise ValueError("rings must hold pairs of numbers")
    return unite_rings(Rings.from_arrow(column))


def _to_boxes(values: Sequence[Any]) -> FloatArray:
    boxes = np.array(values, dtype=np.float64).reshape(len(values), 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _score(entry: Entry) -> float:
    if entry.get("score") is None:
        return np.nan
    score = float(entry["score"])
    if np.isnan(score):
        raise ValueError("a score must be a number")
    return score


def _attributes(entry: Entry) -> str | None:
    given = entry.get("attributes")
    attributes = dict(given) if isinstance(given, Mapping) else {}
    if "keypoints" in entry and not _is_point(entry):
        attributes["keypoints"] = entry["keypoints"]
    return attributes_text(attributes)


def _name(entry: Entry, position: int) -> str:
    return f"annotation {_short(entry['id'])}" if "id" in entry else f"annotation at position {position}"


def _short(value: Any) -> str:
    return reprlib.repr(value)[:60]


def _key(identity: Any) -> int | float | str | None:
    return identity if isinstance(identity, int | float | str) else None


def _run_lengths(segmentation: Mapping[str, Any], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    if tuple(segmentation.get("size", size)) != size:
        raise ValueError(
            f"the mask has {reprlib.repr(segmentation['size'])} pixels, the image {list(size)} (height, width)"
        )
    counts = segmentation["counts"]
    if not isinstance(counts, str) and not all(isinstance(run, int) for run in counts):
        raise ValueError("run lengths must be whole numbers")
    runs = np.asarray(decompress_run_lengths(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != size[0] * size[1]:
        raise ValueError(f"run lengths must add up to {size[0] * size[1]} pixels, got {int(runs.sum())}")
    return runs


def to_entries(objects: pa.Table, first: int, images: Mapping[int, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield objects as COCO annotations, numbered from `first`.

    Args:
        objects: Table of `OBJECT_SCHEMA`.
        first: Number of the first annotation.
        images: COCO image by the row in `objects`.
    """
    rings, runs = Rings.from_arrow(objects["rings"]), RunLengths.from_arrow(objects["counts"])
    columns = (objects[n].to_pylist() for n in ("image", "category", "geometry", "score", "crowd", "attributes"))
    boxes = box_array(objects)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
    for row, (image, category, code, score, crowd, attributes) in enumerate(zip(*columns, strict=True)):
        box = sides[row]
        entry: dict[str, Any] = {
            "id": first + row, "image_id": images[image]["id"], "category_id": category + 1, "bbox": box,
            "area": box[2] * box[3], "segmentation": [], "iscrowd": int(crowd),
        }  # fmt: skip
        if GEOMETRIES[code] == "polygon":
            own = rings.of(row)
            entry.update(area=polygon_area(own), segmentation=_flat_rings(own))
        elif GEOMETRIES[code] == "mask":
            counts = runs.of(row)
            size = [images[image]["height"], images[image]["width"]]
            entry.update(area=int(counts[1::2].sum()), segmentation={"size": size, "counts": counts.tolist()})
        elif GEOMETRIES[code] == "point":
            entry.update(keypoints=[*box[:2], 2], num_keypoints=1)
        if score is not None:
            entry["score"] = score
        if attributes:
            entry["attributes"] = json.loads(attributes)
        yield entry


def _flat_rings(rings: Sequence[FloatArray]) -> list[list[float]]:
    """Return rings as COCO's lists, which stand for their union, so a hole is joined to its piece by a seam."""
    return [join_rings(piece).ravel().tolist() for piece in (group_rings(rings) if len(rings) > 1 else [rings])]
