"""Damaged files of annotation tools: findings, and never another error."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats import (
    cvat,
    darwin,
    dota,
    label_studio,
    labelme,
    labelme_xml,
    supervisely,
)
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

FORMATS = {
    m.__name__.rpartition(".")[2]: m for m in (labelme, labelme_xml, cvat, label_studio, supervisely, darwin, dota)
}


SETS = Callable[..., AnnotationSet]


INDEX = Callable[[AnnotationSet], ImageIndex]


SIDES = ("x_min", "y_min", "x_max", "y_max")


ATTRIBUTES = (
    {"difficult": 1},
    {"stain": "DAPI", "passage": 3, "area": 2.5, "mitotic": True, "seen": False},
    {"text": "3", "flag": "true", "empty": "", "space": " a ", "lines": "a\nb\r\n\x01", "umlaut": "größer <&>"},
    {"nested": {"a": [1, {"b": None}]}, "none": None, "list": ["x", 2], "zero": 0},
    {"flags": {"blurred": True}, "description": "two, and more", "group_id": 7, "occluded": True, "z_order": 3},
    {"flags": {}, "description": "", "group_id": "g", "occluded": 1, "z_order": 0, "attributes": "free text"},
    {"group_id": 7, "confidence": 0.5, "instance_id": 4, "attributes": ["a", "b"]},
)


pytestmark = pytest.mark.parametrize("name", FORMATS)


def _reducible(module: ModuleType, annotations: AnnotationSet, seed: int) -> AnnotationSet:
    """Return what the format can hold of a set, with the attributes above where it holds any."""
    can, rng = module.CAPABILITIES, random.Random(seed)
    builder = AnnotationBuilder(annotations.categories if can.classes == "all" else ())
    for image in annotations.images.to_pylist():
        builder.add_image(**{**image, "split": image["split"] if can.splits else None})
    for record in annotations.objects.to_pylist():
        rings = [np.reshape(ring, (-1, 2)) for ring in record["rings"] or []]
        if not (can.holes and can.pieces) and record["rings"]:
            rings = rings[:1]
        attributes = rng.choice(ATTRIBUTES)
        if can.attributes is not True:
            attributes = {key: value for key, value in attributes.items() if key in can.attributes}
        box = [record[side] for side in SIDES]
        if rings:
            box = [*np.concatenate(rings).min(axis=0), *np.concatenate(rings).max(axis=0)]
        builder.add_object(
            record["image"], annotations.categories[record["category"]],
            ("box", "point", "polygon", "mask")[record["geometry"]], box,
            rings=[ring.ravel() for ring in rings] or None, counts=record["counts"],
            score=record["score"] if can.scores else None, attributes=attributes,
        )  # fmt: skip
    return builder.build()


def _mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file's content with something put in, taken out or put twice, or a value exchanged."""
    values = [
        b"null",
        b"-1",
        b"1e999",
        b"NaN",
        b"[]",
        b"{}",
        b'"x"',
        b"true",
        b"9" * 400,
        b"\x00",
        b"\xff",
        b'"',
        b"<",
        b",",
        b" ",
    ]
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        numbers = [i for i in range(max(0, at - 200), min(len(content), at + 200)) if content[i : i + 1].isdigit()]
        chosen = rng.choice(numbers) if numbers and rng.random() < 0.5 else at
        stop = chosen + rng.choice([0, 1, 1, 5, 40])
        put = rng.choice([*values, content[at : at + 30]])
        content = content[:chosen] + put + content[stop:]
    return content


def test_damaged_files_give_findings_and_never_another_error(
    name: str, tmp_path: Path, make_annotations: SETS, index_of: INDEX
) -> None:
    module, rng = FORMATS[name], random.Random(3)
    kinds = tuple(g for g in module.CAPABILITIES.geometries if g != "point")
    annotations = _reducible(module, make_annotations(5, geometries=kinds, scores=True), 5)
    module.write(annotations, tmp_path)
    originals = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    for _ in range(40):
        path = rng.choice(list(originals))
        path.write_bytes(_mutated(originals[path], rng))
        module.detect(tmp_path)
        try:
            module.read(tmp_path, index_of(annotations)).check()
        except AnnotationFormatError:
            continue
        finally:
            path.write_bytes(originals[path])


def _exchanged(value: Any, rng: random.Random) -> Any:
    """Return JSON with one value somewhere exchanged for one of a wrong type or size."""
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        deep: Any = []
        for _ in range(400):
            deep = [deep]
        odd = [None, True, -1, 0, 1e308, 10**40, 10**400, float("nan"), float("inf"), "", "x", "\0", "\ud800", [], {}]
        return rng.choice([*odd, [None], [[]], {"a": deep}, deep, [1, 2, 3], [["x", "y"]] * 3, "A" * 50])
    if isinstance(value, list):
        at = rng.randrange(len(value))
        return [*value[:at], _exchanged(value[at], rng), *value[at + 1 :]]
    key = rng.choice(list(value))
    return {**value, key: _exchanged(value[key], rng)}


def test_wrong_types_at_every_place_give_findings_and_never_another_error(
    name: str, tmp_path: Path, make_annotations: SETS, index_of: INDEX
) -> None:
    module, rng = FORMATS[name], random.Random(4)
    kinds = tuple(g for g in module.CAPABILITIES.geometries if g != "point")
    annotations = _reducible(module, make_annotations(6, geometries=kinds, scores=True), 6)
    module.write(annotations, tmp_path)
    originals = {path: path.read_text() for path in sorted(tmp_path.rglob("*.json"))}
    if not originals:
        pytest.skip("the format is no JSON")
    for _ in range(80):
        path = rng.choice(list(originals))
        path.write_text(json.dumps(_exchanged(json.loads(originals[path]), rng)))
        module.detect(tmp_path)
        module.read(tmp_path, index_of(annotations)).check()
        path.write_text(originals[path])
