"""Signs that a source as a whole was not understood, whatever its format."""

import json
from pathlib import Path
from typing import Any

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import create_format, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

IMAGES = ImageIndex(ImageRecord(f"{name}.png", 120, 100) for name in "ab")
# Those that hold boxes as they are, counted in pixels.
BOXES = ("coco", "pascal_voc", "tensorflow_csv", "via_json", "labelme", "cvat", "vott_json")


def _written(folder: Path, format: str, boxes: list[tuple[float, float, float, float]]) -> list[str]:
    """Write boxes on a.png and return what is suspect when they are read."""
    builder = AnnotationBuilder(["cell"])
    rows = [builder.add_image(f"{name}.png", width=120, height=100) for name in "ab"]
    for box in boxes:
        builder.add_box(rows[0], "cell", box)
    write_annotations(builder.build(), folder, format=format)
    return _suspect(folder, format)


def _suspect(folder: Path, format: str = "auto") -> list[str]:
    return [f.reason for f in read_annotations(folder, IMAGES, format=format).findings if f.action == "suspect"]


def _coco(folder: Path, boxes: list[Any], names: tuple[str, ...] = ("a.png",)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images = [{"id": i, "file_name": name, "width": 120, "height": 100} for i, name in enumerate(names, start=1)]
    objects = [
        {"id": i, "image_id": 1 + i % len(names), "category_id": 1, "bbox": box} for i, box in enumerate(boxes, start=1)
    ]
    content = {"images": images, "categories": [{"id": 1, "name": "cell"}], "annotations": objects}
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("format", BOXES)
def test_fractions_in_the_place_of_pixels_are_suspect_in_every_format(format: str, tmp_path: Path) -> None:
    assert "box" in create_format(format).CAPABILITIES.geometries
    fractions = [(0.1, 0.1, 0.3, 0.4), (0.5, 0.5, 0.9, 0.8)]
    # Whole numbers of pixels are all that some formats hold.
    if format not in ("pascal_voc", "tensorflow_csv", "vott_json"):
        assert any("fractions of an image's size" in reason for reason in _written(tmp_path / "f", format, fractions))
    pixels = [(1, 1, 30, 40), (50, 50, 90, 80)]
    assert not _written(tmp_path / "p", format, pixels)


def test_corners_in_the_place_of_width_and_height_are_suspect(tmp_path: Path) -> None:
    corners = [[70, 60, 90, 80], [60, 55, 80, 70], [80, 70, 110, 95], [1, 1, 9, 9]]
    _coco(tmp_path, corners)
    assert any("3 of 4 objects reach out of their images" in reason for reason in _suspect(tmp_path))
    _coco(tmp_path, [[70, 60, 60, 20], [60, 55, 20, 15], [80, 70, 30, 25], [1, 1, 8, 8]])
    assert not _suspect(tmp_path)


def test_a_copy_of_an_annotation_file_beside_it_is_suspect(tmp_path: Path) -> None:
    boxes = [[10 * i, 5, 8, 9] for i in range(5)]
    _coco(tmp_path, boxes)
    assert not _suspect(tmp_path)
    _coco(tmp_path / "copy", boxes)
    assert any("5 of 10 objects are there already" in reason for reason in _suspect(tmp_path))


def test_several_entries_of_a_file_for_one_image_are_suspect(tmp_path: Path) -> None:
    _coco(tmp_path, [[10, 5, 8, 9], [30, 5, 8, 9]], ("day1/a.png", "day2/a.png"))
    assert any("several entries of the file" in reason for reason in _suspect(tmp_path))
    _coco(tmp_path, [[10, 5, 8, 9], [30, 5, 8, 9]], ("day1/a.png", "day2/b.png"))
    assert not _suspect(tmp_path)
