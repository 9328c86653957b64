"""LabelMe JSON as the tool writes it: every shape, groups, and the ways of naming the image."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import labelme
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SQUARE = [[2, 3], [12, 3], [12, 13], [2, 13]]


def _read(folder: Path, shapes: list[Any], **content: Any) -> Conversion:
    record = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": "a.png", "imageData": "AAAA", **content}
    (folder / "a.json").write_text(json.dumps(record))
    conversion = labelme.read(folder, ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("images/b.png", 9, 9)]))
    conversion.check()
    return conversion


def _shape(kind: str, points: Any, **more: Any) -> dict[str, Any]:
    return {"label": "cell", "shape_type": kind, "points": points, "group_id": None, "flags": {}, **more}


def _png(mask: np.ndarray[Any, Any]) -> str:
    file = io.BytesIO()
    PIL.Image.fromarray(mask.astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_every_shape_with_an_area_is_read(tmp_path: Path) -> None:
    crop = np.array([[1, 0, 1], [0, 1, 1]], dtype=bool)
    shapes = [
        _shape("polygon", SQUARE),
        _shape("rectangle", [[12, 13], [2, 3]]),
        _shape("point", [[4.5, 6]]),
        _shape("circle", [[40, 30], [40, 40]]),
        _shape("mask", [[5, 6], [7, 7]], mask=_png(crop)),
        _shape("linestrip", [[1, 1], [5, 5]]),
        _shape("line", [[1, 1], [5, 5]]),
    ]
    conversion = _read(tmp_path, shapes)
    records = conversion.annotations.objects.to_pylist()
    assert [record["geometry"] for record in records] == [2, 0, 1, 2, 3]
    assert [records[1][k] for k in ("x_min", "y_min", "x_max", "y_max")] == [2, 3, 12, 13]
    assert records[2]["x_min"] == 4.5
    ring = np.reshape(records[3]["rings"][0], (-1, 2))
    np.testing.assert_allclose(np.hypot(*(ring - [40, 30]).T), 10)
    mask = run_lengths_to_mask(records[4]["counts"], 80, 100)
    assert mask.sum() == crop.sum()
    assert (mask[6:8, 5:8] == crop).all()
    actions = [finding.action for finding in conversion.findings]
    assert actions == ["dropped", "dropped", "changed", "skipped"]


def test_polygons_of_one_group_are_one_object_and_those_that_overlap_are_filled_where_they_do(tmp_path: Path) -> None:
    moved, crossing = ([[x + d, y] for x, y in SQUARE] for d in (20, 5))
    shapes = [
        _shape("polygon", SQUARE, group_id=1),
        _shape("polygon", SQUARE, group_id=1) | {"label": "other"},
        _shape("polygon", moved, group_id=1),
        _shape("polygon", SQUARE, group_id=2),
        _shape("polygon", crossing, group_id=2),
        _shape("rectangle", SQUARE[::2], group_id=1),
    ]
    conversion = _read(tmp_path, shapes)
    joined, other, merged, box = conversion.annotations.objects.to_pylist()
    assert [len(joined["rings"]), len(other["rings"]), box["geometry"]] == [2, 1, 0]
    assert run_lengths_to_mask(merged["counts"], 80, 100).sum() == 15 * 10
    assert json.loads(other["attributes"]) == json.loads(box["attributes"]) == {"group_id": 1}
    assert joined["attributes"] is None
    assert conversion.objects_in == 4


def test_a_mask_and_a_polygon_of_one_group_are_one_mask(tmp_path: Path) -> None:
    mask = _png(np.ones((2, 4), bool))
    shapes = [_shape("mask", [[50, 50], [53, 51]], mask=mask, group_id=1), _shape("polygon", SQUARE, group_id=1)]
    conversion = _read(tmp_path, shapes)
    (record,) = conversion.annotations.objects.to_pylist()
    assert run_lengths_to_mask(record["counts"], 80, 100).sum() == 8 + 100
    assert conversion.findings[0].action == "changed"


@pytest.mark.parametrize(
    "path",
    [
        "a.png",
        "..\\images\\b.png",
        "../images/b.png",
        "C:\\data\\run 1\\a.png",
        "/elsewhere/a.png",
        "",
        None,
        "old name.png",
    ],
)
def test_the_image_is_found_by_its_path_on_another_machine_or_the_name_of_the_file(tmp_path: Path, path: Any) -> None:
    conversion = _read(tmp_path, [_shape("polygon", [[1, 1], [5, 1], [5, 5]])], imagePath=path)
    expected = "images/b.png" if path and "b.png" in path else "a.png"
    assert conversion.annotations.names == [expected]


def test_what_is_said_of_a_shape_is_kept(tmp_path: Path) -> None:
    more = {
        "flags": {"blurred": True},
        "description": "odd",
        "score": 0.25,
        "attributes": {"stain": "DAPI"},
        "group_id": 4,
    }
    (record,) = _read(tmp_path, [_shape("rectangle", SQUARE[::2], **more)]).annotations.objects.to_pylist()
    assert record["score"] == 0.25
    kept = {key: more[key] for key in ("flags", "description", "group_id")} | {"stain": "DAPI"}
    assert json.loads(record["attributes"]) == kept


def test_a_picture_that_claims_to_be_huge_or_is_cut_off_is_dropped(tmp_path: Path) -> None:
    whole = base64.b64decode(_png(np.ones((2, 4), bool)))
    huge = whole[:16] + b"\x00\x01\x86\xa0" * 2 + whole[24:]
    pictures = [base64.b64encode(content).decode() for content in (huge, whole[:-14], b"no picture")]
    conversion = _read(tmp_path, [_shape("mask", [[0, 0], [3, 1]], mask=text) for text in [*pictures, 3, None]])
    assert conversion.objects_dropped == conversion.objects_in == 5
