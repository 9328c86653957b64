"""Seeded sets of objects of every geometry, awkward on purpose, for all tests of the annotations."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.rings import split_ring
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
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
        rings = random_rings(rng, box)
        builder.add_polygon(row, category, rings, **extra)
    elif geometry == "mask":
        mask = np.zeros(size[::-1], bool)
        x_min, y_min, x_max, y_max = box.astype(int)
        # Noise has long outlines, so it stays small.
        x_max, y_max = min(x_max, x_min + 30), min(y_max, y_min + 30)
        mask[y_min:y_max, x_min:x_max] = rng.random((y_max - y_min, x_max - x_min)) < 0.5
        mask[y_min, x_min] = True
        builder.add_object(row, category, "mask", mask_box(mask), counts=mask_to_run_lengths(mask), **extra)
    else:
        if geometry == "point":
            box[2:] = box[:2]
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


def random_rings(rng: np.random.Generator, box: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return one or two pieces side by side in a box, the first perhaps with a hole."""
    midpoint = (box[0] + box[2]) / 2
    halves = [np.array([box[0], box[1], midpoint, box[3]]), np.array([midpoint, box[1], box[2], box[3]])]
    kind = rng.integers(3)
    if kind == 0:
        return [random_ring(rng, box)]
    outer = random_ring(rng, halves[0])
    centre = (halves[0][:2] + halves[0][2:]) / 2
    hole = [centre + 0.4 * (outer - centre)] if kind == 2 else []
    return [outer, *hole, random_ring(rng, halves[1])]


def _listed(annotations: AnnotationSet) -> dict[str, list[dict[str, Any]]]:
    objects: dict[str, list[dict[str, Any]]] = {name: [] for name in annotations.names}
    for record in annotations.objects.to_pylist():
        record["category"] = annotations.categories[record["category"]]
        objects[annotations.names[record.pop("image")]].append(record)
    return objects


@pytest.fixture
def assert_equal_sets() -> Callable[[AnnotationSet, AnnotationSet], None]:
    """A check that two sets say the same of the same images, whatever the order of images and classes."""
    return _assert_equal_sets


def _assert_equal_sets(expected: AnnotationSet, found: AnnotationSet) -> None:
    for column in ("name", "width", "height", "split", "sha256"):
        sides = [dict(zip(s.names, s.images[column].to_pylist(), strict=True)) for s in (expected, found)]
        assert sides[0] == sides[1]
    before, after = _listed(expected), _listed(found)
    for image, objects in before.items():
        others = after[image]
        assert [o["category"] for o in objects] == [o["category"] for o in others], image
        for one, other in zip(objects, others, strict=True):
            _assert_equal_objects(one, other)


def _assert_equal_objects(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["geometry"] == other["geometry"]
    sides = [[o[side] for side in ("x_min", "y_min", "x_max", "y_max")] for o in (one, other)]
    np.testing.assert_allclose(sides[0], sides[1], atol=1e-3)
    assert one["counts"] == other["counts"]
    assert one["score"] == pytest.approx(other["score"], abs=1e-6)
    assert one["crowd"] == other["crowd"]
    assert json.loads(one["attributes"] or "{}") == json.loads(other["attributes"] or "{}")
    _assert_equal_rings(one["rings"] or [], other["rings"] or [])


def _assert_equal_rings(rings: list[list[float]], others: list[list[float]]) -> None:
    """Rings may come in another order, start at another vertex, turn the other way, and be joined by seams."""
    left = [part for ring in others for part in split_ring(np.array(ring).reshape(-1, 2))]
    parts = [part for ring in rings for part in split_ring(np.array(ring).reshape(-1, 2))]
    assert len(parts) == len(left)
    for vertices in parts:
        match = next((i for i, other in enumerate(left) if _is_same_ring(vertices, other)), None)
        assert match is not None, f"no ring is like {vertices}"
        del left[match]


def _is_same_ring(ring: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    if len(ring) != len(other):
        return False
    for way in (other, other[::-1]):
        starts = np.flatnonzero(np.abs(way - ring[0]).max(axis=1) <= 1e-3)
        if any(np.abs(ring - np.roll(way, -start, axis=0)).max() <= 1e-3 for start in starts.tolist()):
            return True
    return False
