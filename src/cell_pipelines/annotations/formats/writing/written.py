"""A set to be written, image by image, with each object's columns at hand by name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet


@dataclass(frozen=True)
class WrittenObject:
    """One object to be written.

    Attributes:
        category: Class name.
        geometry: One of `GEOMETRIES`.
        box: x_min, y_min, x_max, y_max in pixel edges.
        rings: Of a polygon, each a list of x, y pairs.
        counts: Of a mask, COCO run lengths of the whole image.
        score: In [0, 1], or None.
        attributes: What is said of it besides.
    """

    category: str
    geometry: str
    box: tuple[float, float, float, float]
    rings: list[list[list[float]]]
    counts: list[int]
    score: float | None
    attributes: dict[str, Any]

    @property
    def point(self) -> tuple[float, float]:
        """Position of a point, as x and y."""
        return self.box[:2]


def objects_by_image(annotations: AnnotationSet) -> Iterator[tuple[Mapping[str, Any], list[WrittenObject]]]:
    """Yield each image as a record of `IMAGE_SCHEMA` with its objects in order."""
    images = annotations.images.to_pylist()
    for image, rows in zip(images, annotations.rows_by_image(), strict=True):
        records = annotations.objects.take(rows).to_pylist()
        yield image, [_to_object(record, annotations.categories) for record in records]


def _to_object(record: Mapping[str, Any], categories: tuple[str, ...]) -> WrittenObject:
    rings = [[list(pair) for pair in zip(ring[::2], ring[1::2], strict=True)] for ring in record["rings"] or []]
    return WrittenObject(
        category=categories[record["category"]],
        geometry=GEOMETRIES[record["geometry"]],
        box=(record["x_min"], record["y_min"], record["x_max"], record["y_max"]),
        rings=rings,
        counts=record["counts"] or [],
        score=record["score"],
        attributes=json.loads(record["attributes"]) if record["attributes"] else {},
    )
