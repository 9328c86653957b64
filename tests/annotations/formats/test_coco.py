"""COCO: ids, keys and numbers that are missing or wrong, and what the file's name tells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.formats.coco import read
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

ONE = ImageIndex([ImageRecord("a.png", 23, 17)])
CATEGORIES = [{"id": 3, "name": "cell"}]
IMAGES = [{"id": 7, "file_name": "a.png", "width": 23, "height": 17}]


def _write(folder: Path, content: Any, name: str = "data.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _content(*annotations: Any, **changed: Any) -> dict[str, Any]:
    return {"images": IMAGES, "categories": CATEGORIES, "annotations": list(annotations), **changed}


def _cell(**changed: Any) -> dict[str, Any]:
    cell = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], **changed}
    return {key: value for key, value in cell.items() if value != "left out"}


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [17, 23], "counts": [391, 1]},
        {"size": [17, 23], "counts": []},
        {"size": [17, 23], "counts": [391]},
        {"size": [17, 23], "counts": [-5, 396]},
        {"size": [17, 23], "counts": [5.5, 385.5]},
        {"size": [17, 23], "counts": ["a"]},
        {"size": [17, 23], "counts": [10**30, 1]},
        {"size": [17, 23], "counts": None},
        {"size": [17, 23], "counts": "~~~~"},
        {"size": [17, 23], "counts": "oooooooooooooooooooooooooooooooooo"},
        {"size": [17, 23], "counts": "o"},
        {"size": [17, 23], "counts": "größe"},
        {"size": [17, 23]},
        {"size": [23, 17], "counts": [0, 391]},
        {"size": [100_000, 100_000], "counts": [0, 10**10]},
        {"size": 17, "counts": [0, 391]},
        [[1, 2, 3]],
        [[1, 2, 3, 4]],
        [["a", 2, 3, 4, 5, 6]],
        [[1, 2, None, 4, 5, 6]],
        [[[1, 2], [3]]],
        [5],
        "polygon",
        7,
    ],
)
def test_a_segmentation_that_makes_no_sense_drops_its_object_only(segmentation: Any, tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(segmentation=segmentation), _cell(id=2)))
    conversion = read(tmp_path, ONE)
    [finding] = conversion.findings
    assert (finding.file, finding.entry, finding.action) == ("data.json", "annotation 1", "dropped")
    assert conversion.annotations.n_objects == 1


@pytest.mark.parametrize("segmentation", [None, [], [[]], [[], []]])
def test_without_a_segmentation_the_box_counts(segmentation: Any, tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(segmentation=segmentation)))
    assert read(tmp_path, ONE).annotations.boxes.tolist() == [[1, 2, 4, 6]]


def test_a_ring_of_two_vertices_is_left_out_and_listed(tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(segmentation=[[1, 1, 9, 1, 9, 9], [3, 3, 4, 4]])))
    conversion = read(tmp_path, ONE)
    assert [(f.action, f.reason) for f in conversion.findings] == [
        ("changed", "1 rings of less than 3 vertices left out.")
    ]
    assert len(conversion.annotations.objects["rings"][0].as_py()) == 1


def test_a_polygon_whose_box_reaches_in_but_itself_does_not_is_dropped(tmp_path: Path) -> None:
    corner = [20, 0, 23, 0, 26, 0, 26, 3, 26, 6, 23, -3]
    outside = [20, -1, 30, 9, 30, -1]
    _write(tmp_path, _content(_cell(segmentation=[outside]), _cell(id=2, segmentation=[corner])))
    conversion = read(tmp_path, ONE)
    assert [f.entry for f in conversion.findings if f.action == "dropped"] == ["annotation 2"]
    assert np.all(conversion.annotations.boxes[:, 2:] > conversion.annotations.boxes[:, :2])


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (_cell(image_id=99), "its image 99 is not among the images."),
        (_cell(image_id="left out"), "its image None is not among the images."),
        (_cell(image_id=[7]), "its image [7] is not among the images."),
        (_cell(category_id=99), "unknown class number 99."),
        (_cell(category_id="left out"), "unknown class number None."),
        (_cell(category_id={"id": 3}), "unknown class number {'id': 3}."),
        (_cell(bbox="left out"), "box or segmentation can't be read: no 'bbox'."),
        (_cell(bbox=[1, 2, 3]), "can't be read"),
        (_cell(bbox=None), "can't be read"),
        (_cell(bbox={"x": 1}), "can't be read"),
        (_cell(bbox=[1, 2, -3, 4]), "zero width or height"),
        (_cell(score="high"), "can't be read"),
        (_cell(score=[1]), "can't be read"),
        (_cell(score=3.5), "the score must lie in 0..1, got 3.5."),
        (_cell(score=float("nan")), "the score must lie in 0..1"),
        ("cell", "its image None is not among the images."),
        (None, "its image None is not among the images."),
    ],
)
def test_a_bad_annotation_is_dropped_and_the_others_stay(cell: Any, reason: str, tmp_path: Path) -> None:
    _write(tmp_path, _content(cell, _cell(id=2)))
    conversion = read(tmp_path, ONE)
    [finding] = conversion.findings
    assert (finding.file, finding.action) == ("data.json", "dropped")
    assert reason in finding.reason
    assert finding.entry in ("annotation 1", "annotation at position 0")
    assert conversion.objects_in == 2
    assert conversion.annotations.n_objects == 1


@pytest.mark.parametrize("key", ["images", "categories", "annotations"])
@pytest.mark.parametrize("value", ["left out", None, {"a": 1}, 7])
def test_a_file_without_one_of_its_lists_is_skipped_and_its_objects_listed(
    key: str, value: Any, tmp_path: Path
) -> None:
    content = _content(_cell(), _cell(id=2), **{key: value})
    _write(tmp_path, {k: v for k, v in content.items() if v != "left out"})
    conversion = read(tmp_path, ONE)
    assert conversion.annotations.n_images == conversion.annotations.n_objects == 0
    assert conversion.objects_in == (0 if key == "annotations" else 2)
    assert f"no {key}" in conversion.findings[0].reason


def test_other_json_beside_is_no_matter(tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell()))
    for number, other in enumerate(('{"learning_rate": 0.1}', "[]", "7", "null", '"images"', '[{"image_id": 1}]')):
        _write(tmp_path, other, f"other{number}.json")
    assert not read(tmp_path, ONE).findings


@pytest.mark.parametrize(
    "record",
    [{"id": 8}, {"file_name": "b.png"}, {"id": None, "file_name": "b.png"}, {"id": 8, "file_name": 5}, None, 3],
)
def test_an_image_without_id_or_name_is_listed(record: Any, tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(), images=[*IMAGES, record]))
    conversion = read(tmp_path, ONE)
    assert (
        conversion.findings[0].sentence() == "data.json: skipped: image at position 1: expected `id` and `file_name`."
    )
    assert conversion.annotations.n_objects == 1


def test_an_id_that_stands_for_two_images_is_trusted_for_neither(tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(), images=[*IMAGES, {"id": 7, "file_name": "b.png"}]))
    conversion = read(tmp_path, ImageIndex([ImageRecord("a.png", 23, 17), ImageRecord("b.png", 23, 17)]))
    assert conversion.objects_dropped == conversion.objects_in == 1
    assert "its id 7 comes twice" in conversion.findings[0].reason


@pytest.mark.parametrize("name", ["../a.png", "..\\a.png", "x/../../a.png"])
def test_an_image_name_that_climbs_out_is_refused(name: str, tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(), images=[{**IMAGES[0], "file_name": name}]))
    conversion = read(tmp_path, ONE)
    assert conversion.annotations.n_images == 0
    assert "leads out of the image folder" in conversion.findings[0].reason
    assert conversion.objects_dropped == 1


@pytest.mark.parametrize("name", ["/elsewhere/a.png", "C:\\x\\a.png", "", ".", "/"])
def test_absolute_names_are_those_of_another_machine_and_no_name_finds_nothing(name: str, tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(), images=[{**IMAGES[0], "file_name": name}]))
    assert read(tmp_path, ONE).annotations.names == (["a.png"] if "a.png" in name else [])


def test_an_unused_parent_class_is_no_class_and_an_unused_class_is_one(tmp_path: Path) -> None:
    categories = [
        {"id": 0, "name": "cells", "supercategory": "none"},
        {"id": 3, "name": "RBC", "supercategory": "cells"},
        {"id": 10, "name": "WBC"},
        {"id": 2, "name": "Platelets", "supercategory": "Platelets"},
        {"id": 1},
        {"name": "no id"},
        "text",
    ]
    _write(tmp_path, _content(_cell(), categories=categories))
    assert read(tmp_path, ONE).annotations.categories == ("Platelets", "RBC", "WBC", "no id")
    _write(tmp_path, _content(_cell(category_id=0), categories=categories))
    assert "cells" in read(tmp_path, ONE).annotations.categories


def test_the_split_is_in_the_files_name_or_folder_and_never_in_the_images_own_name(tmp_path: Path) -> None:
    for file, split in (
        ("instances_train2017.json", "train"), ("valid/_annotations.coco.json", "val"), ("data.json", None),
    ):  # fmt: skip
        path = tmp_path / Path(file).stem / file
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(_content(images=[{"id": 7, "file_name": "test_1.png"}])))
        images = ImageIndex([ImageRecord("test_1.png", 23, 17)])
        assert read(path.parent.parent, images).annotations.images["split"].to_pylist() == [split], file
        path.unlink()


def test_the_split_tells_images_of_one_name_apart(tmp_path: Path) -> None:
    images = ImageIndex(ImageRecord(f"images/{split}/1.png", 23, 17) for split in ("train", "val"))
    for number, split in enumerate(("train", "val")):
        content = _content(_cell(bbox=[number, 0, 5, 5]), images=[{"id": 7, "file_name": "1.png"}])
        _write(tmp_path, content, f"instances_{split}.json")
    conversion = read(tmp_path, images)
    assert not conversion.findings
    assert conversion.annotations.names == ["images/train/1.png", "images/val/1.png"]
    assert conversion.annotations.boxes[:, 0].tolist() == [0, 1]


def test_two_files_about_one_image_are_both_taken_and_that_is_noted(tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell()), "red.json")
    _write(tmp_path, _content(_cell(bbox=[5, 5, 2, 2])), "white.json")
    conversion = read(tmp_path, ONE)
    assert conversion.annotations.n_objects == 2
    [finding] = conversion.findings
    assert (finding.file, finding.action) == ("white.json", "noted")


def test_conventions_a_box_is_its_upper_left_corner_width_and_height_in_pixel_edges(tmp_path: Path) -> None:
    _write(tmp_path, _content(_cell(bbox=[2, 0, 3, 10])))
    assert read(tmp_path, ONE).annotations.boxes.tolist() == [[2, 0, 5, 10]]
