"""Shapes and classes of the VGG Image Annotator, in JSON and CSV."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats import via_csv, via_json
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

IMAGES = ImageIndex([ImageRecord("train/a.png", 100, 80), ImageRecord("b.png", 100, 80)])
RECT = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}


def _write(folder: Path, regions: list[dict[str, Any]], name: str = "a.png") -> None:
    content = {f"{name}123": {"filename": name, "size": 123, "regions": regions, "file_attributes": {}}}
    (folder / "via_region_data.json").write_text(json.dumps(content))


def _region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def test_each_shape_becomes_what_it_is(tmp_path: Path) -> None:
    line = {"name": "polyline", "all_points_x": [1, 5, 5, 1], "all_points_y": [1, 1, 5, 5]}
    shapes = [
        RECT, {"name": "point", "cx": 7, "cy": 8},
        {"name": "polygon", "all_points_x": [1, 5, 5], "all_points_y": [1, 1, 5]},
        {"name": "circle", "cx": 20, "cy": 20, "r": 5},
        {"name": "ellipse", "cx": 40, "cy": 40, "rx": 10, "ry": 4, "theta": math.pi / 2},
        line, {"name": "polyline", "all_points_x": [1, 5, 5, 1], "all_points_y": [1, 1, 5, 1]}, {"name": "cloud"},
    ]  # fmt: skip
    _write(tmp_path, [_region(shape, kind="RBC") for shape in shapes])
    conversion = via_json.read(tmp_path, IMAGES)
    objects = conversion.annotations.objects
    assert objects["geometry"].to_pylist() == [0, 1, 2, 2, 2, 2]
    assert conversion.annotations.boxes[:2].tolist() == [[1, 2, 4, 6], [7, 8, 7, 8]]
    areas = [shapely.Polygon(np.reshape(rings[0], (-1, 2))).area for rings in objects["rings"].to_pylist()[3:5]]
    np.testing.assert_allclose(areas, [math.pi * 25, math.pi * 40], rtol=0.003)
    np.testing.assert_allclose(conversion.annotations.boxes[4], [36, 30, 44, 50], atol=0.02)
    assert [f.entry for f in conversion.findings if f.action == "dropped"] == ["a.png, region 6", "a.png, region 8"]


@pytest.mark.parametrize(
    ("attributes", "wanted", "expected"),
    [
        ({"cell kind": "RBC"}, None, "RBC"),
        ({"Label": "RBC", "dead": "yes"}, None, "RBC"),
        ({"dead": "yes", "colour": "red"}, "colour", "red"),
        ({"type": {"RBC": True, "WBC": False}}, None, "RBC"),
        ({"label": 3}, None, "3"),
        ({}, None, "cell"),
    ],
)
def test_the_class_is_the_attribute_that_says_so(
    tmp_path: Path, attributes: dict[str, Any], wanted: str | None, expected: str
) -> None:
    _write(tmp_path, [_region(RECT, **attributes)])
    assert via_json.read(tmp_path, IMAGES, class_attribute=wanted).annotations.categories == (expected,)


def test_where_no_attribute_says_so_the_sentence_names_them(tmp_path: Path) -> None:
    _write(tmp_path, [_region(RECT, dead="yes", colour="red")])
    with pytest.raises(AnnotationFormatError, match="colour, dead.*class_attribute"):
        via_json.read(tmp_path, IMAGES)


@pytest.mark.parametrize("value", ["", "undefined", {}, {"RBC": True, "WBC": True}, None])
def test_a_region_without_one_class_is_dropped(tmp_path: Path, value: Any) -> None:
    _write(tmp_path, [_region(RECT, label=value), _region(RECT, label="RBC")])
    conversion = via_json.read(tmp_path, IMAGES)
    assert (conversion.objects_in, conversion.annotations.n_objects) == (2, 1)


def test_a_folder_is_a_split_and_regions_may_be_numbered(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    regions: Any = {"0": _region(RECT, label="RBC"), "1": _region(RECT, label="WBC")}
    _write(tmp_path / "train", regions)
    conversion = via_json.read(tmp_path, IMAGES)
    assert conversion.annotations.names == ["train/a.png"]
    assert conversion.annotations.images["split"].to_pylist() == ["train"]
    assert conversion.annotations.n_objects == 2


def test_the_table_says_the_same_and_a_row_of_no_regions_is_an_empty_image(tmp_path: Path) -> None:
    (tmp_path / "via.csv").write_text(
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.png,1,"{}",1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{""label"":""RBC""}"\n'
        'b.png,1,"{}",0,0,"{}","{}"\n'
        'b.png,1,"{}",1,0,"{broken","{}"\n'
    )
    conversion = via_csv.read(tmp_path, IMAGES)
    assert conversion.annotations.names == ["train/a.png", "b.png"]
    assert conversion.annotations.boxes.tolist() == [[1, 2, 4, 6]]
    assert conversion.objects_in == 2


def test_a_written_project_has_all_that_the_annotator_asks_for(tmp_path: Path) -> None:
    _write(tmp_path, [_region(RECT, label="RBC")])
    annotations = via_json.read(tmp_path, IMAGES).annotations
    via_json.write(annotations, tmp_path / "out")
    project = json.loads((tmp_path / "out" / "via_project.json").read_text())
    assert {"_via_settings", "_via_img_metadata", "_via_attributes", "_via_image_id_list"} <= set(project)
    assert project["_via_image_id_list"] == list(project["_via_img_metadata"])
    assert project["_via_attributes"]["region"]["class"]["options"] == {"RBC": ""}
