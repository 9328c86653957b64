"""What a format writes it reads back: the same objects, or listed as lost; for every format in the registry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.registry import FORMATS, create_format, detect_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.files import UnsafePathError

SETS = Callable[..., AnnotationSet]
INDEX = Callable[[AnnotationSet], ImageIndex]
LISTED = Callable[[AnnotationSet], dict[str, list[dict[str, Any]]]]
SIDES = ("x_min", "y_min", "x_max", "y_max")

pytestmark = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture
def round_trip(tmp_path: Path, index_of: INDEX) -> Callable[..., tuple[tuple[Finding, ...], Conversion]]:
    """Write a set, then read it back as a stranger would."""

    def go(name: str, annotations: AnnotationSet, folder: str = "out", **options: Any) -> Any:
        target = tmp_path / folder
        target.mkdir()
        lost = create_format(name).write(annotations, target)
        conversion = read_annotations(target, index_of(annotations), format=name, **options)
        conversion.check()
        return lost, conversion

    return go


@pytest.mark.parametrize("scores", [False, True])
def test_boxes_come_back_in_order_within_a_thousandth_of_a_pixel(
    name: str, scores: bool, make_annotations: SETS, round_trip: Any, listed: LISTED
) -> None:
    for seed in range(12):
        annotations = make_annotations(seed, scores=scores, splits=True)
        lost, conversion = round_trip(name, annotations, f"out{seed}")
        assert not lost
        assert not conversion.findings
        assert conversion.objects_in == annotations.n_objects
        before, after = listed(annotations), listed(conversion.annotations)
        assert before.keys() == after.keys()
        for image, objects in before.items():
            found = after[image]
            assert [o["category"] for o in objects] == [o["category"] for o in found]
            assert [o["score"] for o in objects] == pytest.approx([o["score"] for o in found], abs=1e-6)
            corners = [[[o[side] for side in SIDES] for o in side_objects] for side_objects in (objects, found)]
            np.testing.assert_allclose(corners[0], corners[1], atol=1e-3)


def test_splits_hashes_and_sizes_of_all_images_come_back(name: str, make_annotations: SETS, round_trip: Any) -> None:
    annotations = make_annotations(1, splits=True)
    _, conversion = round_trip(name, annotations)
    kept = [sorted(a.images.to_pylist(), key=lambda r: r["name"]) for a in (annotations, conversion.annotations)]
    assert kept[0] == kept[1]
    assert {r["split"] for r in kept[1]} == {"train", "val", "test"}


def test_images_without_split_keep_none(name: str, make_annotations: SETS, round_trip: Any) -> None:
    _, conversion = round_trip(name, make_annotations(2))
    assert conversion.annotations.images["split"].null_count == conversion.annotations.n_images


def test_every_geometry_comes_back_or_is_listed_as_changed(
    name: str, make_annotations: SETS, round_trip: Any, listed: LISTED
) -> None:
    for seed in range(8):
        annotations = make_annotations(seed, geometries=("box", "polygon", "mask"))
        lost, conversion = round_trip(name, annotations, f"out{seed}")
        before, after = listed(annotations), listed(conversion.annotations)
        pairs = [pair for image, objects in before.items() for pair in _pair(objects, after[image])]
        count = {action: sum(f.objects for f in lost if f.action == action) for action in ("dropped", "changed")}
        assert len(pairs) == conversion.objects_in == annotations.n_objects - count["dropped"]
        assert sum(a["geometry"] != b["geometry"] or not _same_shape(a, b) for a, b in pairs) == count["changed"]


def _pair(objects: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pair each object found with the next one written that has its box; those between were dropped."""
    written = iter(objects)
    return [
        (next(o for o in written if np.allclose([o[s] for s in SIDES], [f[s] for s in SIDES], atol=1e-3)), f)
        for f in found
    ]


def _same_shape(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a["counts"] != b["counts"] or (a["rings"] is None) != (b["rings"] is None):
        return False
    rings = a["rings"] or [], b["rings"] or []
    return len(rings[0]) == len(rings[1]) and all(
        len(r) == len(s) and np.allclose(r, s, atol=1e-3) for r, s in zip(*rings, strict=True)
    )


def test_crowds_and_attributes_come_back_or_are_listed(name: str, round_trip: Any) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=50, height=50)
    builder.add_box(row, "cell", (1, 1, 9, 9), crowd=True)
    builder.add_box(row, "cell", (2, 2, 9, 9), attributes={"stain": "DAPI"})
    builder.add_box(row, "cell", (3, 3, 9, 9), attributes={"difficult": 1})
    builder.add_box(row, "cell", (4, 4, 9, 9))
    annotations = builder.build()
    lost, conversion = round_trip(name, annotations)
    marks = [a.objects.select(["crowd", "attributes"]).to_pylist() for a in (annotations, conversion.annotations)]
    changed = sum(a != b for a, b in zip(*marks, strict=True))
    assert changed == sum(f.objects for f in lost if f.action == "changed")


def test_a_set_without_images_can_be_written_and_read(name: str, round_trip: Any) -> None:
    lost, conversion = round_trip(name, AnnotationSet.empty(("cell",)))
    assert not lost
    assert conversion.annotations.n_images == conversion.objects_in == 0


def test_images_without_any_object_are_kept_as_labelled(name: str, round_trip: Any) -> None:
    builder = AnnotationBuilder(["cell"])
    for image in ("a.png", "b.png"):
        builder.add_image(image, width=9, height=9)
    _, conversion = round_trip(name, builder.build())
    assert conversion.annotations.names == ["a.png", "b.png"]
    assert not conversion.findings


def test_images_of_one_name_in_many_folders_keep_their_own_objects(name: str, round_trip: Any, listed: LISTED) -> None:
    builder = AnnotationBuilder(["cell"])
    for number, folder in enumerate(("A1", "A2", "B1/deep")):
        row = builder.add_image(f"{folder}/field_1.png", width=60, height=60, split=("train", "val", "test")[number])
        builder.add_box(row, "cell", (number, 0, number + 10, 10))
    annotations = builder.build()
    _, conversion = round_trip(name, annotations)
    assert not conversion.findings
    assert {n: o[0]["x_min"] for n, o in listed(conversion.annotations).items()} == pytest.approx(
        {"A1/field_1.png": 0, "A2/field_1.png": 1, "B1/deep/field_1.png": 2}, abs=1e-3
    )
    assert dict(zip(conversion.annotations.names, conversion.annotations.images["split"].to_pylist(), strict=True)) == {
        "A1/field_1.png": "train", "A2/field_1.png": "val", "B1/deep/field_1.png": "test"
    }  # fmt: skip


@pytest.mark.parametrize("image", ["train.png", "classes.png", "readme 1.png", "test.png", "annotations.png"])
def test_an_image_may_be_called_like_a_file_of_the_format(name: str, image: str, round_trip: Any) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image(image, width=20, height=20, split="train"), "cell", (1, 1, 9, 9))
    _, conversion = round_trip(name, builder.build())
    assert conversion.annotations.n_objects == 1
    assert not conversion.findings


def test_what_was_written_is_detected(name: str, tmp_path: Path, make_annotations: SETS) -> None:
    create_format(name).write(make_annotations(0), tmp_path)
    assert detect_format(tmp_path)[0] == name


def test_a_name_that_climbs_out_is_not_written(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_image("../../outside.png", width=9, height=9)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    if name == "coco":  # its names stand in the file and make no path
        return
    with pytest.raises(UnsafePathError, match=r"outside"):
        create_format(name).write(builder.build(), inner)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_points_are_written_as_something_and_listed(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", width=9, height=9)
    builder.add_object(row, "cell", "point", (4, 4, 4, 4))
    lost = create_format(name).write(builder.build(), tmp_path)
    assert sum(f.objects for f in lost) == 1
    assert lost[0].action in ("changed", "dropped")


def test_writing_changes_nothing_in_the_set(name: str, tmp_path: Path, make_annotations: SETS) -> None:
    annotations = make_annotations(3, geometries=GEOMETRIES[:1] + GEOMETRIES[2:], scores=True)
    before = annotations.fingerprint()
    create_format(name).write(annotations, tmp_path)
    assert annotations.fingerprint() == before
