"""Supervisely's image annotations, read as its library means them and written so that it can load them."""

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import supervisely
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _object(kind: str, **more: Any) -> dict[str, Any]:
    return {"classTitle": "cell", "geometryType": kind, "tags": [], **more}


def _points(exterior: Any, *interior: Any) -> dict[str, Any]:
    return {"points": {"exterior": exterior, "interior": list(interior)}}


def _read(folder: Path, *objects: dict[str, Any], tags: Any = ()) -> Conversion:
    (folder / "train" / "ann").mkdir(parents=True)
    content = {"description": "", "tags": list(tags), "size": {"height": 80, "width": 100}, "objects": list(objects)}
    (folder / "train" / "ann" / "a.png.json").write_text(json.dumps(content))
    meta = {"classes": [{"title": "unused"}, {"title": "cell"}], "tags": []}
    (folder / "meta.json").write_text(json.dumps(meta))
    images = ImageIndex(ImageRecord(f"{ds}/img/a.png", 100, 80) for ds in ("train", "test"))
    conversion = supervisely.read(folder, images)
    conversion.check()
    return conversion


def test_numbers_are_those_of_pixels(tmp_path: Path) -> None:
    conversion = _read(
        tmp_path,
        _object("rectangle", **_points([[2, 3], [4, 5]])),
        _object("rectangle", **_points([[4, 5], [2, 3]])),
        _object("point", **_points([[7, 8]])),
        _object("polygon", **_points([[10, 10], [20, 10], [20, 20]], [[14, 11], [18, 11], [18, 15]])),
        _object("line", **_points([[1, 1], [5, 5]])),
    )
    assert conversion.annotations.boxes.tolist() == [
        [2, 3, 5, 6], [2, 3, 5, 6], [7.5, 8.5, 7.5, 8.5], [10.5, 10.5, 20.5, 20.5],
    ]  # fmt: skip
    assert len(conversion.annotations.objects["rings"].to_pylist()[3]) == 2
    assert conversion.annotations.categories == ("unused", "cell")
    assert conversion.annotations.images.to_pylist()[0]["name"] == "train/img/a.png"
    assert conversion.annotations.images["split"].to_pylist() == ["train"]
    assert [f.action for f in conversion.findings] == ["dropped", "skipped"]


def test_a_bitmap_is_read_to_the_pixel(tmp_path: Path) -> None:
    crop = np.random.default_rng(1).random((7, 9)) < 0.5
    for mode in ("1", "RGBA"):
        picture = PIL.Image.fromarray(crop).convert(mode)
        if mode == "RGBA":
            picture.putalpha(PIL.Image.fromarray(crop.astype(np.uint8) * 255))
        file = io.BytesIO()
        picture.save(file, "PNG")
        data = base64.b64encode(zlib.compress(file.getvalue())).decode()
        conversion = _read(tmp_path / mode, _object("bitmap", bitmap={"data": data, "origin": [60, 70]}))
        drawn = run_lengths_to_mask(conversion.annotations.objects["counts"].to_pylist()[0], 80, 100)
        assert (drawn[70:77, 60:69] == crop).all()
        assert drawn.sum() == crop.sum()


def test_a_packed_bomb_is_dropped(tmp_path: Path) -> None:
    bomb = base64.b64encode(zlib.compress(b"\0" * 50_000_000)).decode()
    conversion = _read(tmp_path, _object("bitmap", bitmap={"data": bomb, "origin": [0, 0]}))
    assert "more than" in conversion.findings[0].reason


def test_tags_are_attributes_score_and_split(tmp_path: Path) -> None:
    tags = [{"name": "mitotic", "value": None}, {"name": "area", "value": 3.5}, {"name": "confidence", "value": 0.75}]
    box = _object("rectangle", **_points([[2, 3], [4, 5]])) | {"tags": [*tags, {"name": "n", "value": "a"}]}
    conversion = _read(tmp_path, box, tags=[{"name": "val", "value": None}])
    (record,) = conversion.annotations.objects.to_pylist()
    assert json.loads(record["attributes"]) == {"mitotic": True, "area": 3.5, "n": "a"}
    assert record["score"] == 0.75
    assert conversion.annotations.images["split"].to_pylist() == ["val"]


def test_every_class_and_tag_that_is_written_is_defined(tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell", "unused"])
    row = builder.add_image("a.png", width=30, height=30, split="test")
    builder.add_box(row, "cell", (1, 2, 4, 6), score=0.5, attributes={"a": 1, "b": True, "c": "x"})
    builder.add_box(row, "cell", (1, 2, 4, 6), attributes={"a": 2, "b": 3})
    supervisely.write(builder.build(), tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    kinds = {tag["name"]: tag["value_type"] for tag in meta["tags"]}
    expected = {"a": "any_number", "b": "any_string", "c": "any_string", "test": "none", "confidence": "any_number"}
    assert kinds == expected
    content = json.loads((tmp_path / "dataset" / "ann" / "a.png.json").read_text())
    assert content["objects"][0]["points"]["exterior"] == [[1, 2], [3, 5]]
    assert {tag["name"] for one in content["objects"] for tag in one["tags"]} <= set(kinds)
