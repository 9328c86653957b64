"""Seeded sets of objects of every geometry, awkward on purpose, for all tests of the annotations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

CATEGORIES = ("RBC", "Platelets", "dead cell", "größere Zelle", "never seen")
SIZES = ((64, 48), (1, 1), (37, 91), (200, 3), (640, 480))


@pytest.fixture
def make_annotations() -> Callable[..., AnnotationSet]:
    """A maker of random sets: odd image sizes, an image without objects, a category without objects."""
    return _make_annotations


@pytest.fixture
def index_of() -> Callable[[AnnotationSet], ImageIndex]:
    """The images of a set, as a reader is told of them."""
    return lambda annotations: ImageIndex(
        ImageRecord(r["name"], r["width"], r["height"], r["sha256"]) for r in annotations.images.to_pylist()
    )


@pytest.fixture
def index() -> ImageIndex:
    """Two images of 100x80 pixels, and one of them twice under other folders."""
    return ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])


@pytest.fixture
def listed() -> Callable[[AnnotationSet], dict[str, list[dict[str, Any]]]]:
    """All that is known of each image's objects, by the image's name, in order."""
    return _listed


def _make_annotations(
    seed: int, *, geometries: tuple[str, ...] = ("box",), scores: bool = False, splits: bool = False
) -> AnnotationSet:
    rng = np.random.default_rng(seed)
    builder = AnnotationBuilder(CATEGORIES)
    for number, (width, height) in enumerate(SIZES):
        split = ("train", "val", "test")[number % 3] if splits else None
        name = f"plate {number % 2}/field.{number}_é.png"
        row = builder.add_image(name, width=width, height=height, split=split, sha256=f"{seed}-{number}")
        for _ in range(0 if number == 0 or min(width, height) < 3 else int(rng.integers(1, 12))):
            extra = {"score": float(np.float32(rng.random()))} if scores else {}
            category = CATEGORIES[rng.integers(len(CATEGORIES) - 1)]
            _add(builder, row, category, str(rng.choice(geometries)), (width, height), rng, extra)
    return builder.build()


def _add(
    builder: AnnotationBuilder,
    row: int,
    category: str,
    geometry: str,
    size: tuple[int, int],
    rng: np.random.Generator,
    extra: dict[str, Any],
) -> None:
    box = random_box(rng, *size)
    if geometry == "polygon":
        rings = [random_ring(rng, box) for _ in range(int(rng.integers(1, 4)))]
        builder.add_polygon(row, category, rings, **extra)
    elif geometry == "mask":
        mask = np.zeros(size[::-1], bool)
        x_min, y_min, x_max, y_max = box.astype(int)
        mask[y_min:y_max, x_min:x_max] = rng.random((y_max - y_min, x_max - x_min)) < 0.5
        mask[y_min, x_min] = True
        builder.add_object(row, category, "mask", mask_box(mask), counts=mask_to_run_lengths(mask), **extra)
    else:
        builder.add_object(row, category, geometry, box, **extra)


def random_box(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Return a box of at least 2 pixels inside the image; every third touches a border."""
    low = rng.random(2) * (np.array([width, height]) - 2)
    high = low + 2 + rng.random(2) * (np.array([width, height]) - 2 - low)
    if rng.random() < 1 / 3:
        low, high = (np.zeros(2), high) if rng.random() < 0.5 else (low, np.array([width, height], float))
    return np.concatenate([low, high])


def random_ring(rng: np.random.Generator, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a star-shaped ring of 3 to 12 vertices inside a box, shape (V, 2)."""
    vertices = int(rng.integers(3, 13))
    angles = (np.arange(vertices) + rng.random(vertices) * 0.8) * 2 * np.pi / vertices
    radii = 0.3 + 0.7 * rng.random(vertices)
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
    ring: NDArray[np.float64] = (box[:2] + box[2:]) / 2 + unit * (box[2:] - box[:2]) / 2
    return ring


def _listed(annotations: AnnotationSet) -> dict[str, list[dict[str, Any]]]:
    objects: dict[str, list[dict[str, Any]]] = {name: [] for name in annotations.names}
    for record in annotations.objects.to_pylist():
        record["category"] = annotations.categories[record["category"]]
        objects[annotations.names[record.pop("image")]].append(record)
    return objects
