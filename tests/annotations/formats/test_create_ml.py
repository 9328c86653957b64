"""CreateML JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from cell_pipelines.annotations.formats import create_ml
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

IMAGES = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])
OBJECT = {"label": "RBC", "coordinates": {"x": 10, "y": 20, "width": 4, "height": 6}}


@pytest.mark.parametrize("keys", [("image", "annotations"), ("imagefilename", "annotation")])
def test_centre_and_size_are_read_under_the_new_and_the_old_keys(tmp_path: Path, keys: tuple[str, str]) -> None:
    (tmp_path / "labels.json").write_text(json.dumps([{keys[0]: "a.png", keys[1]: [OBJECT]}]))
    assert create_ml.detect(tmp_path) == "labels.json is a JSON list of images with annotations"
    assert create_ml.read(tmp_path, IMAGES).annotations.boxes.tolist() == [[8, 17, 12, 23]]


def test_an_image_with_an_empty_list_has_no_objects(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps([{"image": "b.png", "annotations": []}]))
    assert create_ml.read(tmp_path, IMAGES).annotations.names == ["b.png"]


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], {}, {"label": 3}, {"label": "a"}, {**OBJECT, "confidence": 2},
        {**OBJECT, "coordinates": {"x": True, "y": 1, "width": 1, "height": 1}},
    ],
)  # fmt: skip
def test_a_damaged_object_is_dropped_and_the_rest_kept(tmp_path: Path, wrong: Any) -> None:
    (tmp_path / "labels.json").write_text(json.dumps([{"image": "a.png", "annotations": [wrong, OBJECT]}, 7]))
    conversion = create_ml.read(tmp_path, IMAGES)
    assert (conversion.objects_in, conversion.annotations.n_objects) == (2, 1)


def test_other_lists_of_images_are_not_claimed(tmp_path: Path) -> None:
    task = [{"id": 1, "annotations": [{"result": []}], "data": {"image": "/data/a.png"}}]
    (tmp_path / "label_studio.json").write_text(json.dumps(task))
    assert create_ml.detect(tmp_path) is None
