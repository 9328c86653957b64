"""VoTT's JSON: exports and asset files."""

import json
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.formats import vott_json
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

IMAGES = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("sub/b c.png", 100, 80)])


def _asset(path: str, regions: list[dict[str, Any]], state: int = 2) -> dict[str, Any]:
    name = path.rsplit("/", 1)[-1]
    asset = {"id": name, "name": name, "path": path, "state": state, "size": {"width": 100, "height": 80}}
    return {"asset": asset, "regions": regions, "version": "2.2.0"}


def _box(*tags: str) -> dict[str, Any]:
    return {"type": "RECTANGLE", "tags": list(tags), "boundingBox": {"left": 1, "top": 2, "width": 3, "height": 4}}


def _export(*assets: dict[str, Any]) -> str:
    tags = [{"name": "RBC"}, {"name": "never seen"}]
    return json.dumps({"name": "p", "tags": tags, "assets": {str(i): a for i, a in enumerate(assets)}})


def test_the_first_tag_is_the_class_and_unused_tags_stay_classes(tmp_path: Path) -> None:
    (tmp_path / "p-export.json").write_text(_export(_asset("file:/elsewhere/a.png", [_box("RBC", "dead"), _box()])))
    conversion = vott_json.read(tmp_path, IMAGES)
    assert conversion.annotations.boxes.tolist() == [[1, 2, 4, 6]]
    assert conversion.annotations.categories == ("RBC", "never seen")
    assert conversion.annotations.objects["attributes"].to_pylist() == ['{"tags": ["dead"]}']
    assert [f.reason for f in conversion.findings if f.action == "dropped"] == ["the region has no tag."]


def test_an_image_nobody_has_visited_is_unlabelled_and_a_visited_one_is_empty(tmp_path: Path) -> None:
    (tmp_path / "p-export.json").write_text(_export(_asset("a.png", [], 0), _asset("sub/b%20c.png", [], 1)))
    assert vott_json.read(tmp_path, IMAGES).annotations.names == ["sub/b c.png"]


def test_an_asset_file_counts_before_an_export(tmp_path: Path) -> None:
    (tmp_path / "a-asset.json").write_text(json.dumps(_asset("a.png", [_box("RBC")])))
    (tmp_path / "a-export.json").write_text(_export(_asset("a.png", [_box("old"), _box("old")])))
    conversion = vott_json.read(tmp_path, IMAGES)
    assert conversion.annotations.n_objects == 1
    assert conversion.objects_in == 3
    assert any("already labelled by a-asset.json" in f.reason for f in conversion.findings)


def test_polygons_and_points_are_read_and_lines_dropped(tmp_path: Path) -> None:
    points = [{"x": 1, "y": 1}, {"x": 5, "y": 1}, {"x": 5, "y": 4}]
    regions = [{"type": kind, "tags": ["RBC"], "points": points} for kind in ("POLYGON", "POINT", "POLYLINE")]
    (tmp_path / "a-asset.json").write_text(json.dumps(_asset("a.png", regions)))
    conversion = vott_json.read(tmp_path, IMAGES)
    assert conversion.annotations.objects["rings"].to_pylist() == [[[1, 1, 5, 1, 5, 4]], None]
    assert conversion.annotations.boxes.tolist() == [[1, 1, 5, 4], [1, 1, 1, 1]]
