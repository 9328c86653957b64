"""QuPath's GeoJSON: what QuPath writes is read, what we write it can open, and everything comes back."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.qupath_geojson import detect, read, write
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

SQUARE = [[[10, 20], [30, 20], [30, 50], [10, 50], [10, 20]]]
INDEX = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])


def _feature(geometry: Any = None, **members: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": SQUARE} if geometry is None else geometry
    properties = {"objectType": "annotation", **members.pop("properties", {})}
    return {"type": "Feature", "id": "PathAnnotationObject", "geometry": geometry, "properties": properties, **members}


@pytest.fixture
def read_features(tmp_path: Path) -> Callable[..., Conversion]:
    """Read features given as objects, from the file of a.png."""

    def _read(content: Any, **options: Any) -> Conversion:
        (tmp_path / "a.geojson").write_text(json.dumps(content))
        conversion = read(tmp_path, INDEX, **options)
        conversion.check()
        return conversion

    return _read


def _one(conversion: Conversion) -> dict[str, Any]:
    [record] = conversion.annotations.objects.to_pylist()
    record["attributes"] = json.loads(record["attributes"] or "{}")
    return {**record, "class": conversion.annotations.categories[record["category"]]}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_written_is_read_again(
    seed: int,
    tmp_path: Path,
    make_annotations: Callable[..., AnnotationSet],
    index_of: Callable[[AnnotationSet], ImageIndex],
    listed: Callable[[AnnotationSet], Any],
) -> None:
    annotations = make_annotations(seed, geometries=("box", "polygon"), scores=seed % 2 == 0)
    assert write(annotations, tmp_path) == ()
    assert detect(tmp_path)
    conversion = read(tmp_path, index_of(annotations))
    assert not conversion.findings
    before, after = listed(annotations), listed(conversion.annotations)
    assert before == after


def test_points_ignored_regions_and_attributes_come_back(tmp_path: Path) -> None:
    attributes = {
        "name": "cell 7",
        "isLocked": True,
        "objectType": "cell",
        "measurements": {"Area µm²": 12.5},
        "tags": ["a", None],
        "metadata": {"who": "me"},
        "plane": {"c": -1, "z": 2, "t": 0},
        "nucleusGeometry": {"type": "Polygon", "coordinates": SQUARE},
    }
    odd = {
        "name": 3,
        "measurements": {"score": 2},
        "objectType": "annotation",
        "isLocked": False,
        "nucleusGeometry": "x",
    }
    builder = AnnotationBuilder(["a: b", "a:b", " tumour\n", "unclassified"])
    row = builder.add_image("a.png", width=100, height=80)
    builder.add_object(row, "a: b", "point", (3.25, 4.5, 3.25, 4.5), score=0.5)
    builder.add_box(row, "a:b", (1, 2, 3, 4), crowd=True, attributes=odd)
    builder.add_polygon(row, " tumour\n", [np.array([[0, 0], [9, 0], [5, 8.125]])], attributes=attributes)
    builder.add_box(row, "unclassified", (1, 2, 3, 4), attributes={"id": "x"})
    annotations = builder.build()
    write(annotations, tmp_path)
    again = read(tmp_path, INDEX).annotations
    assert [again.categories[i] for i in again.category] == ["a: b", "a:b", " tumour\n", "unclassified"]
    assert again.objects.drop_columns(["category"]).equals(annotations.objects.drop_columns(["category"]))


def test_a_box_changed_in_qupath_is_a_polygon(tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image("a.png", width=100, height=80), "cell", (10, 20, 30, 50))
    write(builder.build(), tmp_path)
    path = tmp_path / "a.geojson"
    path.write_text(path.read_text().replace("[30.0, 20.0]", "[33.0, 20.0]"))
    assert len(_one(read(tmp_path, INDEX))["rings"][0]) == 8


def test_an_image_without_objects_is_kept(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    builder.add_image("a.png", width=100, height=80)
    write(builder.build(), tmp_path)
    assert json.loads((tmp_path / "a.geojson").read_text()) == {"type": "FeatureCollection", "features": []}
    conversion = read(tmp_path, ImageIndex([ImageRecord("a.png", 100, 80)]))
    assert conversion.annotations.names == ["a.png"]
    assert not conversion.findings


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: [f], lambda f: {"type": "FeatureCollection", "features": [f]}])
def test_a_feature_a_list_and_a_collection_are_read(wrap: Any, read_features: Callable[..., Conversion]) -> None:
    found = _one(read_features(wrap(_feature())))
    assert found["rings"] == [[10, 20, 30, 20, 30, 50, 10, 50]]
    assert found["class"] == "unclassified"


@pytest.mark.parametrize("name", ["a.png.geojson", "a.geojson.gz", "a.json"])
def test_the_file_may_be_called_in_several_ways(name: str, tmp_path: Path) -> None:
    text = json.dumps([_feature()]).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert detect(tmp_path)
    assert read(tmp_path, INDEX).annotations.names == ["a.png"]


def test_other_json_is_passed_over(tmp_path: Path) -> None:
    others = {"settings.json": '{"a": 1}', "list.json": "[1, 2]", "coco.json": '{"images": [], "annotations": []}'}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    assert detect(tmp_path) is None
    assert read(tmp_path, ImageIndex([])).findings == ()


@pytest.mark.parametrize(
    ("classification", "expected"),
    [
        ({"name": "Tumor", "color": [200, 0, 0]}, "Tumor"),
        ({"name": "Tumor", "colorRGB": -3670016}, "Tumor"),
        ({"names": ["Tumor", "Positive"], "color": [1, 2, 3]}, "Tumor: Positive"),
        ("Stroma", "Stroma"),
        (None, "none"),
        ({}, "none"),
        ({"name": 3}, "none"),
    ],
)
def test_classes_of_all_versions_are_read(
    classification: Any, expected: str, read_features: Callable[..., Conversion]
) -> None:
    conversion = read_features([_feature(properties={"classification": classification})], unclassified="none")
    assert _one(conversion)["class"] == expected


@pytest.mark.parametrize(
    "measurements",
    [
        {"Area": 3.5, "Detection probability": 0.75, "x": "NaN"},
        [{"name": "Area", "value": 3.5}, {"name": "score", "value": 0.75}],
    ],
)
def test_measurements_are_attributes_and_a_probability_is_the_score(
    measurements: Any, read_features: Callable[..., Conversion]
) -> None:
    found = _one(read_features([_feature(properties={"measurements": measurements})]))
    assert found["score"] == 0.75
    assert found["attributes"]["measurements"] == {"Area": 3.5}


def test_a_cell_gives_its_boundary_or_its_nucleus(read_features: Callable[..., Conversion]) -> None:
    nucleus = {"type": "Polygon", "coordinates": [[[12, 22], [20, 22], [20, 30], [12, 22]]]}
    cell = _feature(nucleusGeometry=nucleus, properties={"objectType": "cell"})
    whole = _one(read_features([cell]))
    assert (whole["x_min"], whole["attributes"]) == (10, {"objectType": "cell", "nucleusGeometry": nucleus})
    inner = _one(read_features([cell], part="nucleus"))
    assert (inner["x_min"], inner["attributes"]) == (12, {"objectType": "cell"})
    bare = read_features([_feature(properties={"objectType": "cell"})], part="nucleus")
    assert [f.reason for f in bare.findings if f.action == "dropped"] == ["the object has no nucleus."]
    with pytest.raises(ValueError, match="`part` must be one of cell, nucleus, got 'core'"):
        read_features([], part="core")


def test_holes_pieces_and_several_points_are_read(read_features: Callable[..., Conversion]) -> None:
    hole = [[12, 22], [14, 22], [14, 30], [12, 22]]
    multi = {"type": "MultiPolygon", "coordinates": [[SQUARE[0], hole], [[[50, 50], [60, 50], [60, 60], [50, 50]]]]}
    assert [len(ring) for ring in _one(read_features([_feature(multi)]))["rings"]] == [8, 6, 6]
    points = read_features([_feature({"type": "MultiPoint", "coordinates": [[1.5, 2.5], [3, 4, 0]]})])
    assert points.annotations.boxes.tolist() == [[1.5, 2.5, 1.5, 2.5], [3, 4, 3, 4]]


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (_feature({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}), "type 'LineString' has no area"),
        (_feature({"type": "Polygon", "coordinates": [[[1, 2], [3, "4"], [5, 6], [1, 2]]]}), "must be numbers"),
        (_feature({"type": "Polygon", "coordinates": [[[1, 2], [3, True], [5, 6]]]}), "must be numbers"),
        (_feature({"type": "Polygon", "coordinates": [[[1, 2], [3], [5, 6]]]}), "list of x and y"),
        (_feature({"type": "Polygon", "coordinates": {"x": 1}}), "expected coordinates as a list"),
        (_feature({"type": "Polygon", "coordinates": []}), "at least 3 vertices"),
        (_feature({"type": "Polygon", "coordinates": [[[1e400, 2], [3, 4], [5, 9]]]}), "finite"),
        (_feature({"type": "Point", "coordinates": [float("nan"), 2]}), "outside"),
        (_feature({"type": "Point", "coordinates": 3}), "expected coordinates as a list"),
        (_feature({"coordinates": []}), "no geometry"),
        ("text", "expected a Feature"),
    ],
)
def test_what_cannot_be_taken_is_dropped_with_its_reason(
    feature: Any, reason: str, read_features: Callable[..., Conversion]
) -> None:
    conversion = read_features([feature, _feature()])
    [finding] = [f for f in conversion.findings if f.action == "dropped"]
    assert reason in finding.reason
    assert finding.entry == "feature 1"
    assert conversion.annotations.n_objects == 1


def test_types_are_chosen_and_the_root_is_no_object(read_features: Callable[..., Conversion]) -> None:
    kinds = [_feature(properties={"objectType": kind}) for kind in ("annotation", "detection", "root", "tmaCore")]
    everything = read_features(kinds)
    assert everything.annotations.n_objects == everything.objects_in == 2
    assert any("`object_types` chooses" in f.reason for f in everything.findings)
    chosen = read_features(kinds, object_types=["detection"])
    assert (chosen.annotations.n_objects, chosen.objects_dropped) == (1, 1)


def test_a_packed_file_that_is_damaged_or_too_large_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gzip.compress(json.dumps([_feature()] * 9).encode())
    for content in (whole[:-9], b"\x1f\x8b" + bytes(40), b"text"):
        (tmp_path / "a.geojson.gz").write_bytes(content)
        assert "can't be unpacked" in read(tmp_path, INDEX).findings[0].reason
    monkeypatch.setattr("cell_pipelines.annotations.formats.parts.geojson_files.MAX_UNPACKED_BYTES", 20)
    (tmp_path / "a.geojson.gz").write_bytes(whole)
    assert "more than 20 bytes" in read(tmp_path, INDEX).findings[0].reason
