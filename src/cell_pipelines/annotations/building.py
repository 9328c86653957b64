"""Collecting rows into an `AnnotationSet`, one call an object, columns inside."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.schema import (
    GEOMETRIES,
    IMAGE_SCHEMA,
    OBJECT_SCHEMA,
    AnnotationSet,
    with_object_columns,
)

# Objects that are gathered as Python values before they become columns, which take a tenth of the memory.
_AT_ONCE = 10_000


class AnnotationBuilder:
    """Gathers images and objects, then builds the set once.

    >>> builder = AnnotationBuilder()
    >>> image = builder.add_image("a.png", width=8, height=8)
    >>> builder.add_box(image, "cell", (1, 1, 4, 5))
    >>> builder.build().counts().tolist()
    [[1]]
    """

    def __init__(self, categories: Sequence[str] = (), *, sort_categories: bool = False) -> None:
        self._categories: dict[str, int] = {name: i for i, name in enumerate(categories)}
        if len(self._categories) != len(categories):
            raise ValueError(f"`categories` must differ from each other, got {list(categories)}.")
        self._sort = sort_categories
        self._images: dict[str, list[Any]] = {name: [] for name in IMAGE_SCHEMA.names}
        self._objects: dict[str, list[Any]] = _no_objects()
        self._pieces: list[pa.Table] = []

    def add_image(self, name: str, *, width: int, height: int, **columns: Any) -> int:
        """Add an image and return its row; `columns` are the other columns of `IMAGE_SCHEMA`."""
        row = {"name": name, "width": width, "height": height, **columns}
        for key, values in self._images.items():
            values.append(row.get(key))
        return len(self._images["name"]) - 1

    def add_box(self, image: int, category: str, box: Sequence[float], **extra: Any) -> None:
        """Add a box given as x_min, y_min, x_max, y_max in pixel edges; `extra` as in `add_object`."""
        self.add_object(image, category, "box", box, **extra)

    def add_polygon(self, image: int, category: str, rings: Sequence[npt.NDArray[np.float64]], **extra: Any) -> None:
        """Add a polygon of rings of shape (V, 2) in x, y; its box is that of its vertices."""
        vertices = np.concatenate(rings)
        box = [*vertices.min(axis=0), *vertices.max(axis=0)]
        self.add_object(image, category, "polygon", box, rings=[r.ravel() for r in rings], **extra)

    def add_object(
        self,
        image: int,
        category: str,
        geometry: str,
        box: Sequence[float],
        *,
        rings: Sequence[npt.NDArray[np.float64]] | None = None,
        counts: npt.NDArray[np.uint32] | None = None,
        score: float | None = None,
        crowd: bool = False,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one object of any geometry."""
        row = (
            image,
            self.category_index(category),
            GEOMETRIES.index(geometry),
            *(float(v) for v in box),
            rings,
            counts,
            score,
            crowd,
            attributes_text(attributes),
        )
        for values, value in zip(self._objects.values(), row, strict=True):
            values.append(value)
        if len(self._objects["image"]) >= _AT_ONCE:
            self._flush()

    def category_index(self, category: str) -> int:
        """Return the number of a class, a new one for a new name."""
        return self._categories.setdefault(category, len(self._categories))

    def add_rows(self, rows: pa.Table) -> None:
        """Add many objects at once, a table of `OBJECT_SCHEMA` with categories as `category_index` numbers them."""
        self._flush()
        self._pieces.append(rows)

    def _flush(self) -> None:
        if self._objects["image"]:
            self._pieces.append(pa.table(self._objects, schema=OBJECT_SCHEMA))
            self._objects = _no_objects()

    def build(self) -> AnnotationSet:
        """Return the set; with `sort_categories` the categories stand in order, ``class_2`` before ``class_10``."""
        self._flush()
        objects = pa.concat_tables([OBJECT_SCHEMA.empty_table(), *self._pieces]).combine_chunks()
        names = list(self._categories)
        order = sorted(names, key=_by_text_and_number) if self._sort else names
        if order != names:
            position = np.array([order.index(name) for name in names], dtype=np.int32)
            objects = with_object_columns(objects, category=position[objects["category"].to_numpy()])
        return AnnotationSet(pa.table(self._images, schema=IMAGE_SCHEMA), objects, tuple(order))


def attributes_text(attributes: Mapping[str, Any] | None) -> str | None:
    """Return attributes as JSON, None where there are none; a number that JSON can't hold is spelled out.

    Raises:
        ValueError: They are nested too deeply.

    >>> attributes_text({"ratio": float("nan")})
    '{"ratio": "NaN"}'
    """
    if not attributes:
        return None
    try:
        return json.dumps(dict(attributes), sort_keys=True, allow_nan=False)
    except RecursionError as error:
        raise ValueError("the attributes are nested too deeply.") from error
    except ValueError:
        spelled = json.loads(json.dumps(dict(attributes)), parse_constant=str)
        return json.dumps(spelled, sort_keys=True)


def _no_objects() -> dict[str, list[Any]]:
    return {name: [] for name in OBJECT_SCHEMA.names}


def _by_text_and_number(name: str) -> tuple[list[tuple[str, int]], str]:
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)([0-9]{0,18})", name)], name


def from_boxes(
    images: pa.Table,
    categories: Sequence[str],
    rows: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.float64],
    category: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32] | None = None,
) -> AnnotationSet:
    """Return a set of boxes from arrays.

    Args:
        images: Table with the columns of `IMAGE_SCHEMA`.
        categories: Class names.
        rows: (N,) row of each box's image.
        boxes: (N, 4) in pixel edges.
        category: (N,) index into `categories`.
        scores: (N,) in [0, 1]; None for ground truth.
    """
    return _from_columns(images, categories, "box", (rows, boxes, category, scores), [None] * len(rows))


def from_masks(
    images: pa.Table,
    categories: Sequence[str],
    rows: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.float64],
    counts: Sequence[npt.NDArray[np.uint32]],
    category: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32] | None = None,
) -> AnnotationSet:
    """Return a set of masks from arrays.

    Args:
        images: Table with the columns of `IMAGE_SCHEMA`.
        categories: Class names.
        rows: (N,) row of each mask's image.
        boxes: (N, 4) around the masks in pixel edges.
        counts: N times COCO run lengths of the whole image.
        category: (N,) index into `categories`.
        scores: (N,) in [0, 1]; None for ground truth.
    """
    return _from_columns(images, categories, "mask", (rows, boxes, category, scores), counts)


def _from_columns(
    images: pa.Table, categories: Sequence[str], geometry: str, arrays: tuple[Any, ...], counts: Sequence[Any]
) -> AnnotationSet:
    rows, boxes, category, scores = arrays
    count = len(rows)
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    values = {
        "image": rows, "category": category, "geometry": np.full(count, GEOMETRIES.index(geometry), np.int8),
        **dict(zip(("x_min", "y_min", "x_max", "y_max"), corners, strict=True)),
        "rings": [None] * count, "counts": list(counts), "score": [None] * count if scores is None else scores,
        "crowd": np.zeros(count, bool), "attributes": [None] * count,
    }  # fmt: skip
    columns = [pa.array(values[field.name], field.type) for field in OBJECT_SCHEMA]
    return AnnotationSet(images, pa.table(columns, schema=OBJECT_SCHEMA), tuple(categories))
