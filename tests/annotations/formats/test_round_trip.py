"""A format reads back what it writes, alone and after any other format; what it can't hold is listed, and only that."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.registry import (
    FORMATS,
    create_format,
    detect_format,
    read_annotations,
    write_annotations,
)
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.inside_paths import UnsafePathError

SETS = Callable[..., AnnotationSet]
INDEX = Callable[[AnnotationSet], ImageIndex]
EQUAL = Callable[[AnnotationSet, AnnotationSet], None]
TRIP = Callable[..., tuple[tuple[Finding, ...], Conversion]]

every_format = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture
def round_trip(tmp_path: Path, index_of: INDEX) -> TRIP:
    """Write a set, then read it back as a stranger would."""

    def go(name: str, annotations: AnnotationSet, folder: str = "out") -> Any:
        target = tmp_path / folder
        target.mkdir()
        lost = write_annotations(annotations, target, format=name)
        conversion = read_annotations(target, index_of(annotations), format=name)
        conversion.check()
        return lost, conversion

    return go


def _fitted(annotations: AnnotationSet, *names: str) -> AnnotationSet:
    """Return what should be left of a set after these formats."""
    for name in names:
        annotations, _ = adapt_to_format(annotations, create_format(name).CAPABILITIES)
    return annotations


def _whole_pixels(annotations: AnnotationSet) -> AnnotationSet:
    """Return the set with boxes of whole pixels, which formats of pixels can hold."""
    objects = annotations.objects
    for position, side in enumerate(("x_min", "y_min", "x_max", "y_max")):
        objects = objects.set_column(3 + position, objects.schema.field(side), [np.round(objects[side].to_numpy())])
    return replace(annotations, objects=objects)


@every_format
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_objects_come_back_in_order_within_a_thousandth_of_a_pixel(
    name: str, geometry: str, scores: bool, make_annotations: SETS, round_trip: TRIP, assert_equal_sets: EQUAL
) -> None:
    for seed in range(2):
        annotations = make_annotations(seed, geometries=(geometry,), scores=scores, splits=True)
        lost, conversion = round_trip(name, annotations, f"out{seed}")
        expected, account = adapt_to_format(annotations, create_format(name).CAPABILITIES)
        assert [f for f in lost if f in account or f.action != "noted"] == list(account)
        assert conversion.objects_in == expected.n_objects
        assert_equal_sets(expected, conversion.annotations)
        assert not [f for f in conversion.findings if f.action in ("dropped", "changed")]


@pytest.mark.quick(first=["coco", "imagej_roi", "label_image", "pascal_voc", "qupath_geojson", "trackmate_csv", "yolo"])
@pytest.mark.parametrize("first", FORMATS)
def test_every_pair_of_formats_loses_what_their_capabilities_say_and_nothing_else(
    first: str, make_annotations: SETS, round_trip: TRIP, assert_equal_sets: EQUAL
) -> None:
    annotations = make_annotations(11, geometries=GEOMETRIES, scores=True, splits=True)
    _, conversion = round_trip(first, annotations, "first")
    for second in FORMATS:
        lost, again = round_trip(second, conversion.annotations, second)
        expected, account = adapt_to_format(conversion.annotations, create_format(second).CAPABILITIES)
        assert [f for f in lost if f in account or f.action != "noted"] == list(account)
        assert_equal_sets(expected, again.annotations)


@every_format
def test_images_without_split_keep_none(name: str, make_annotations: SETS, round_trip: TRIP) -> None:
    _, conversion = round_trip(name, make_annotations(2))
    assert conversion.annotations.images["split"].null_count == conversion.annotations.n_images


@every_format
def test_ignored_regions_and_attributes_come_back_or_are_listed(
    name: str, round_trip: TRIP, assert_equal_sets: EQUAL
) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=50, height=50)
    builder.add_box(row, "cell", (1, 1, 9, 9), crowd=True)
    builder.add_box(row, "cell", (12, 2, 19, 9), attributes={"stain": "DAPI", "plane": 3, "ratio": 0.25})
    builder.add_box(row, "cell", (23, 3, 29, 9), attributes={"difficult": 1})
    builder.add_box(row, "cell", (34, 4, 39, 9))
    _, conversion = round_trip(name, builder.build())
    assert_equal_sets(_fitted(builder.build(), name), conversion.annotations)


@every_format
def test_a_set_without_images_can_be_written_and_read(name: str, round_trip: TRIP) -> None:
    _, conversion = round_trip(name, AnnotationSet.empty(("cell",)))
    assert conversion.annotations.n_images == conversion.objects_in == 0


@every_format
def test_images_without_any_object_are_kept_as_labelled_or_listed(name: str, round_trip: TRIP) -> None:
    builder = AnnotationBuilder(["cell"])
    for image in ("a.png", "b.png"):
        builder.add_image(image, width=9, height=9)
    lost, conversion = round_trip(name, builder.build())
    if create_format(name).CAPABILITIES.empty_images:
        assert sorted(conversion.annotations.names) == ["a.png", "b.png"]
        assert not [f for f in conversion.findings if f.action != "noted"]
    else:
        assert any("2 images without objects" in f.reason for f in lost)


@every_format
def test_masks_without_a_pixel_are_listed_as_dropped(name: str, round_trip: TRIP) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=10, height=8)
    # The last has pixels; the box of the second says so, too.
    for box, counts in (((0, 0, 0, 0), [80]), ((1, 1, 3, 3), [9, 0, 71]), ((4, 4, 6, 6), [36, 2, 6, 2, 34])):
        builder.add_object(row, "cell", "mask", box, counts=np.array(counts, np.uint32))
    lost, conversion = round_trip(name, builder.build())
    dropped = [finding for finding in lost if finding.action == "dropped"]
    assert [(finding.objects, finding.reason) for finding in dropped] == [
        (2, "the mask is empty: no pixel belongs to it.")
    ]
    assert conversion.annotations.n_objects == 1


@every_format
def test_images_of_one_name_in_many_folders_keep_their_own_objects(
    name: str, round_trip: TRIP, assert_equal_sets: EQUAL
) -> None:
    builder = AnnotationBuilder(["cell"])
    for number, folder in enumerate(("A1", "A2", "B1/deep")):
        row = builder.add_image(f"{folder}/field_1.png", width=60, height=60, split=("train", "val", "test")[number])
        builder.add_box(row, "cell", (number, 0, number + 10, 10))
    _, conversion = round_trip(name, builder.build())
    assert_equal_sets(_fitted(builder.build(), name), conversion.annotations)


@every_format
@pytest.mark.parametrize("image", ["train.png", "classes.png", "readme 1.png", "test.png", "annotations.png"])
def test_an_image_may_be_called_like_a_file_of_the_format(name: str, image: str, round_trip: TRIP) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image(image, width=20, height=20, split="train"), "cell", (1, 1, 9, 9))
    _, conversion = round_trip(name, builder.build())
    assert conversion.annotations.n_objects == 1
    assert not [f for f in conversion.findings if f.action != "noted"]


@every_format
def test_what_was_written_is_detected(name: str, tmp_path: Path, make_annotations: SETS) -> None:
    write_annotations(_whole_pixels(make_annotations(0)), tmp_path, format=name)
    found, reason = detect_format(tmp_path)
    assert found == name
    assert any(path.name in reason for path in tmp_path.rglob("*")), reason


@every_format
def test_a_name_that_climbs_out_is_not_written(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image("../../outside.png", width=9, height=9), "cell", (1, 1, 5, 5))
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    try:
        write_annotations(builder.build(), inner, format=name)
    except UnsafePathError as error:
        assert "outside" in str(error)
    assert all(inner in path.parents for path in tmp_path.rglob("*") if path.is_file())


@every_format
def test_writing_changes_nothing_in_the_set(name: str, tmp_path: Path, make_annotations: SETS) -> None:
    annotations = make_annotations(3, geometries=GEOMETRIES, scores=True)
    before = annotations.fingerprint()
    write_annotations(annotations, tmp_path, format=name)
    assert annotations.fingerprint() == before


@every_format
def test_writing_leaves_no_temporary_file(name: str, tmp_path: Path, make_annotations: SETS) -> None:
    write_annotations(make_annotations(3), tmp_path, format=name)
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".") or p.suffix in (".tmp", ".part")]
