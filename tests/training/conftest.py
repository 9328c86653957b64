"""Images of round cells with their annotation, drawn from a seed."""

import json
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import GEOMETRIES, IMAGE_SCHEMA, OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.speed import StepTimes


def annotate(name, labels_by_category, *, crowd=(), geometry="mask", attributes=None):
    """Return the annotation of one image from a label image for each category; `crowd` names categories of crowds."""
    rows = []
    for place, (category, labels) in enumerate(labels_by_category.items()):
        _, boxes, counts = labels_to_objects(labels)
        for box, runs in zip(boxes.tolist(), counts, strict=True):
            row = dict.fromkeys(OBJECT_SCHEMA.names)
            row.update(zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True))
            row.update(image=0, category=place, geometry=GEOMETRIES.index(geometry), crowd=category in crowd)
            row["counts"] = list(map(int, runs)) if geometry == "mask" else None
            row["attributes"] = json.dumps(attributes) if attributes else None
            rows.append(row)
    height, width = next(iter(labels_by_category.values())).shape
    image = {**dict.fromkeys(IMAGE_SCHEMA.names), "name": name, "width": width, "height": height}
    return AnnotationSet(
        pa.Table.from_pylist([image], IMAGE_SCHEMA),
        pa.Table.from_pylist(rows, OBJECT_SCHEMA),
        tuple(labels_by_category),
    )


def draw_cells(seed, shape=(64, 64), count=5):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number in range(1, count + 1):
        row, column = rng.uniform(6, np.array(shape) - 6)
        labels[((rows - row) ** 2 + (columns - column) ** 2 <= 36) & (labels == 0)] = number
    return labels


def give(array):
    return array


def labelled_image(seed, shape=(64, 64), count=5, channels=None):
    labels = draw_cells(seed, shape, count)
    noise = np.random.default_rng(seed + 1000).normal(0, 0.1, (*shape, channels or 1))
    pixels = (np.clip(np.where(labels > 0, 0.7, 0.2)[..., None] + noise, 0, 1) * 255).astype(np.uint8)
    pixels = pixels if channels else pixels[..., 0]
    return LabelledImage(f"image_{seed}.png", partial(give, pixels), annotate(f"image_{seed}.png", {"cell": labels}))


@pytest.fixture
def format_times(monkeypatch):
    """Return the seconds that steps are said to take, and how often they were measured."""
    said = {"float32": 1.0, "bfloat16": 0.5, "measured": 0}

    def measure(*_, **__):
        said["measured"] += 1
        return {name: StepTimes(said[name], 0.1, "here") for name in ("float32", "bfloat16")}

    monkeypatch.setattr("cell_pipelines.training.number_format.measure_formats", measure)
    return said


@pytest.fixture
def make_annotation():
    return annotate


@pytest.fixture
def make_cells():
    return draw_cells


@pytest.fixture
def make_image():
    return labelled_image


@pytest.fixture
def images():
    return [labelled_image(seed) for seed in range(6)]
