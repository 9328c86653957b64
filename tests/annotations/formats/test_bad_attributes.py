"""Attributes and class names that no file can hold."""

import json
from pathlib import Path

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import create_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

LABEL_OF_A = {"coco": "instances_train.json", "pascal_voc": "Annotations/a.xml", "yolo": "labels/a.txt"}


@pytest.fixture(params=sorted(LABEL_OF_A))
def name(request: pytest.FixtureRequest) -> str:
    """Every format in the registry."""
    return str(request.param)


@pytest.fixture
def source(name: str, tmp_path: Path) -> Path:
    """A folder with one cell in a.png and one in b.png, written in the format."""
    builder = AnnotationBuilder(["cell"])
    for image, split in (("a.png", "train"), ("b.png", "val")):
        row = builder.add_image(image, width=100, height=80, split=split)
        builder.add_box(row, "cell", (10, 20, 30, 50))
    create_format(name).write(builder.build(), tmp_path)
    assert (tmp_path / LABEL_OF_A[name]).is_file()
    return tmp_path


def _read(source: Path, name: str, index: ImageIndex, **options: object) -> Conversion:
    conversion = read_annotations(source, index, format=name, **options)
    conversion.check()
    return conversion


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_attributes_that_json_cannot_hold_are_spelled_out(number: str, tmp_path: Path) -> None:
    entry = '{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "attributes": {"ratio": [%s]}}'
    content = (
        '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cell"}], "annotations": [%s]}'
    )
    (tmp_path / "a.json").write_text(content % (entry % number))
    conversion = _read(tmp_path, "coco", ImageIndex([ImageRecord("a.png", 100, 80)]))
    [attributes] = conversion.annotations.objects["attributes"].to_pylist()
    assert json.loads(attributes, parse_constant=pytest.fail) == {"ratio": [number.replace("1e999", "Infinity")]}


def test_deep_attributes_and_classes_of_half_characters_are_dropped_alone(tmp_path: Path) -> None:
    deep = json.loads('{"a":' * 950 + "1" + "}" * 950)
    box = {"image_id": 1, "bbox": [1, 2, 3, 4]}
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "\ud800"}],
        "annotations": [
            {"id": 1, "category_id": 1, **box, "attributes": deep},
            {"id": 2, "category_id": 2, **box},
            {"id": 3, "category_id": 1, **box},
            {"id": 4, "category_id": 1, **box, "segmentation": {"size": deep, "counts": [1]}},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    conversion = _read(tmp_path, "coco", ImageIndex([ImageRecord("a.png", 100, 80)]))
    assert conversion.annotations.categories == ("cell",)
    assert conversion.annotations.n_objects in (1, 2)
    assert (
        {"annotation 2", "annotation 4"}
        <= {f.entry for f in conversion.findings}
        <= {f"annotation {i}" for i in (1, 2, 4)}
    )
