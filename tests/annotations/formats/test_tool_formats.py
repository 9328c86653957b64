"""Formats of annotation tools: what is written comes back, and damaged files give findings, never another error."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import (
    cvat,
    darwin,
    dota,
    label_studio,
    labelme,
    labelme_xml,
    supervisely,
)
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.inside_paths import UnsafePathError

FORMATS = {
    m.__name__.rpartition(".")[2]: m for m in (labelme, labelme_xml, cvat, label_studio, supervisely, darwin, dota)
}
SETS = Callable[..., AnnotationSet]
INDEX = Callable[[AnnotationSet], ImageIndex]
LISTED = Callable[[AnnotationSet], dict[str, list[dict[str, Any]]]]
SIDES = ("x_min", "y_min", "x_max", "y_max")
# Attributes that are awkward in one format or another.
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


def _with_points(annotations: AnnotationSet) -> AnnotationSet:
    builder = AnnotationBuilder(annotations.categories)
    for image in annotations.images.to_pylist():
        builder.add_image(**image)
    for record in annotations.objects.to_pylist():
        x, y = record["x_min"], record["y_min"]
        builder.add_object(record["image"], annotations.categories[record["category"]], "point", (x, y, x, y))
    return builder.build()


def _assert_same(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
    assert before.keys() == after.keys()
    for image, objects in before.items():
        assert len(objects) == len(after[image])
        for one, other in zip(objects, after[image], strict=True):
            for key in ("category", "geometry", "counts", "crowd"):
                assert one[key] == other[key]
            assert one["score"] == pytest.approx(other["score"], abs=1e-6)
            assert json.loads(one["attributes"] or "{}") == json.loads(other["attributes"] or "{}")
            np.testing.assert_allclose([one[s] for s in SIDES], [other[s] for s in SIDES], atol=1e-3)
            rings = one["rings"] or [], other["rings"] or []
            assert [len(ring) for ring in rings[0]] == [len(ring) for ring in rings[1]]
            for ring, found in zip(*rings, strict=True):
                np.testing.assert_allclose(ring, found, atol=1e-3)


@pytest.fixture
def round_trip(tmp_path: Path, index_of: INDEX, listed: LISTED) -> Callable[[str, AnnotationSet, str], Conversion]:
    """Write a set, read it back and compare."""

    def go(name: str, annotations: AnnotationSet, folder: str = "out") -> Conversion:
        target = tmp_path / folder
        target.mkdir()
        before = annotations.fingerprint()
        assert FORMATS[name].write(annotations, target) == ()
        assert annotations.fingerprint() == before
        conversion: Conversion = FORMATS[name].read(target, index_of(annotations))
        assert not [f.sentence() for f in conversion.findings]
        assert conversion.source_format == name
        conversion.check()
        _assert_same(listed(annotations), listed(conversion.annotations))
        if FORMATS[name].CAPABILITIES.classes == "all":
            assert conversion.annotations.categories == annotations.categories
        return conversion

    return go


@pytest.mark.parametrize("scores", [False, True])
def test_objects_come_back_with_all_that_the_format_can_hold(
    name: str, scores: bool, make_annotations: SETS, round_trip: Any
) -> None:
    module = FORMATS[name]
    kinds = tuple(g for g in module.CAPABILITIES.geometries if g != "point")
    for seed in range(8):
        annotations = make_annotations(seed, geometries=kinds, scores=scores, splits=True)
        conversion = round_trip(name, _reducible(module, annotations, seed), f"out{seed}")
        if module.CAPABILITIES.splits:
            splits = dict(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
            found = conversion.annotations
            assert splits == dict(zip(found.names, found.images["split"].to_pylist(), strict=True))


def test_points_come_back(name: str, make_annotations: SETS, round_trip: Any) -> None:
    module = FORMATS[name]
    if "point" not in module.CAPABILITIES.geometries:
        pytest.skip("the format has no points")
    round_trip(name, _reducible(module, _with_points(make_annotations(1)), 1))


def test_pieces_and_holes_come_back_as_far_as_the_format_has_them(name: str, round_trip: Any) -> None:
    can = FORMATS[name].CAPABILITIES
    if "polygon" not in can.geometries:
        pytest.skip("the format has no polygons of any number of vertices")
    outer, hole, other = (np.array([[a, a], [b, a], [b, b], [a, b]], float) for a, b in ((2, 20), (5, 8), (30, 40)))
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", width=60, height=50)
    if can.holes:
        builder.add_polygon(row, "cell", [outer, hole])
    if can.pieces:
        builder.add_polygon(row, "cell", [outer, other], attributes={"group_id": 1})
        builder.add_polygon(row, "cell", [outer + 1, other + 1], score=0.5 if can.scores else None)
    if can.pieces and can.holes:
        builder.add_polygon(row, "cell", [outer, other, hole])
    builder.add_box(row, "cell", (1.25, 2.5, 30.125, 40))
    round_trip(name, builder.build())


def test_a_set_without_images_and_images_without_objects_come_back(name: str, round_trip: Any) -> None:
    assert round_trip(name, AnnotationSet.empty(), "none").annotations.n_images == 0
    builder = AnnotationBuilder()
    for image in ("a.png", "b/c.png", "b/c.jpg"):
        builder.add_image(image, width=9, height=7)
    found = round_trip(name, builder.build(), "empty").annotations
    assert found.names == ["a.png", "b/c.png", "b/c.jpg"] or sorted(found.names) == ["a.png", "b/c.jpg", "b/c.png"]


def test_what_was_written_is_detected_by_its_own_format_alone(
    name: str, tmp_path: Path, make_annotations: SETS
) -> None:
    FORMATS[name].write(_reducible(FORMATS[name], make_annotations(0), 0), tmp_path)
    assert [other for other, module in FORMATS.items() if module.detect(tmp_path)] == [name]


def test_nothing_and_damaged_files_are_not_detected(name: str, tmp_path: Path) -> None:
    assert FORMATS[name].detect(tmp_path) is None
    for file, content in (("a.json", b"[{"), ("b.xml", b"<a"), ("c.txt", b"\xff\x00 1"), ("d.json", b"")):
        (tmp_path / file).write_bytes(content)
    (tmp_path / "e.json").mkdir()
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere.xml")
    assert FORMATS[name].detect(tmp_path) is None


def test_a_name_that_climbs_out_is_not_written(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_image("../../outside.png", width=9, height=9)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    with pytest.raises(UnsafePathError, match="outside"):
        FORMATS[name].write(builder.build(), inner)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_link_that_leads_out_is_not_read(name: str, tmp_path: Path, make_annotations: SETS, index_of: INDEX) -> None:
    annotations = _reducible(FORMATS[name], make_annotations(0), 0)
    FORMATS[name].write(annotations, tmp_path / "outside")
    inside = tmp_path / "inside"
    for path in [p for p in (tmp_path / "outside").rglob("*") if p.is_file()]:
        link = inside / path.relative_to(tmp_path / "outside")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    assert FORMATS[name].detect(inside) is None
    assert FORMATS[name].read(inside, index_of(annotations)).objects_in == 0


def test_unknown_classes_and_missing_images_are_accounted_for(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    for image in ("a.png", "b.png"):
        row = builder.add_image(image, width=30, height=30)
        for category in ("cell", "dirt"):
            builder.add_box(row, category, (1, 1, 9, 9))
    FORMATS[name].write(builder.build(), tmp_path)
    conversion = FORMATS[name].read(tmp_path, ImageIndex([ImageRecord("a.png", 30, 30)]), classes=["cell"])
    conversion.check()
    assert (conversion.objects_in, conversion.annotations.n_objects, conversion.objects_dropped) == (4, 1, 3)
    assert conversion.annotations.categories == ("cell",)
