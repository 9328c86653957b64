"""JSON that is valid and yet no good: numbers JSON can't hold, halves of characters, nesting beyond all measure."""

import json
from pathlib import Path

import pytest

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _read(folder: Path, name: str) -> Conversion:
    conversion = read_annotations(folder, ImageIndex([ImageRecord("a.png", 100, 80)]), format=name)
    conversion.check()
    return conversion


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_attributes_that_json_cannot_hold_are_spelled_out(number: str, tmp_path: Path) -> None:
    entry = (
        '{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "attributes": {"ratio": [' + number + "]}}"
    )
    start = '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cell"}], "annotations": ['
    (tmp_path / "a.json").write_text(f"{start}{entry}]}}")
    [attributes] = _read(tmp_path, "coco").annotations.objects["attributes"].to_pylist()
    assert json.loads(attributes, parse_constant=pytest.fail) == {"ratio": [number.replace("1e999", "Infinity")]}


def test_a_class_of_half_characters_is_dropped_alone(tmp_path: Path) -> None:
    box = {"image_id": 1, "bbox": [1, 2, 3, 4]}
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "\ud800"}],
        "annotations": [{"id": 1, "category_id": 2, **box}, {"id": 2, "category_id": 1, **box}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    conversion = _read(tmp_path, "coco")
    assert conversion.annotations.categories == ("cell",)
    assert conversion.annotations.n_objects == 1
    assert [(f.entry, f.action) for f in conversion.findings] == [("annotation 1", "dropped")]


@pytest.mark.parametrize("depth", [201, 450, 900, 100_000])
def test_json_nested_too_deeply_for_python_is_refused_by_name(depth: int, tmp_path: Path) -> None:
    deep = "[" * depth + "1" + "]" * depth
    geometry = f'{{"type": {deep}, "coordinates": []}}'
    sources = {
        "coco": ("a.json", f'{{"images": [], "annotations": [], "categories": [{{"id": {deep}, "name": "cell"}}]}}'),
        "qupath_geojson": ("a.geojson", f'{{"type": "Feature", "geometry": {geometry}, "properties": {{}}}}'),
    }
    for name, (file, content) in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)
        assert (file, "skipped") in {(f.file, f.action) for f in _read(tmp_path / name, name).findings}


def test_brackets_in_texts_are_no_depth(tmp_path: Path) -> None:
    names = ["[" * 1500, "{[" * 300, '\\"[' * 300, "cell"]
    listed = [{"id": i, "name": name} for i, name in enumerate(names)]
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": listed}
    (tmp_path / "a.json").write_text(json.dumps(content))
    conversion = _read(tmp_path, "coco")
    assert not [f for f in conversion.findings if f.action != "noted"]
    assert set(conversion.annotations.categories) == set(names)
