"""DOTA text files of oriented boxes."""

import json
from pathlib import Path

import numpy as np

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import dota
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _read(folder: Path, text: str, file: str = "labelTxt/a.txt") -> Conversion:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    conversion = dota.read(folder, ImageIndex([ImageRecord("images/a.png", 100, 80)]))
    conversion.check()
    return conversion


def test_headers_are_passed_over_and_upright_rectangles_are_boxes(tmp_path: Path) -> None:
    text = (
        "imagesource:GoogleEarth\ngsd:0.146\n"
        "1 1 9 1 9 5 1 5 small-cell 0\n9 5 9 1 1 1 1 5 cell 2\n10 5 20 10 15 20 5 15 dead cell 1\n"
        "1 1 9 5 9 1 1 5 crossed 0\n1 1 9 1 9 5 1 5 unrated\n"
    )
    conversion = _read(tmp_path, text)
    assert conversion.annotations.objects["geometry"].to_pylist() == [0, 0, 2, 2, 0]
    assert set(conversion.annotations.categories) == {"small-cell", "cell", "dead cell", "crossed", "unrated"}
    marks = [json.loads(t)["difficult"] if t else 0 for t in conversion.annotations.objects["attributes"].to_pylist()]
    assert marks == [0, 2, 1, 0, 0]
    assert not conversion.findings


def test_lines_that_are_no_object_are_dropped(tmp_path: Path) -> None:
    conversion = _read(tmp_path, "1 2 3\nx 1 9 1 9 5 1 5 cell 0\nnan 1 9 1 9 5 1 5 cell 0\n1 1 1 1 1 1 1 1 cell 0\n")
    assert conversion.objects_dropped == conversion.objects_in == 4


def test_the_folder_before_the_labels_tells_the_split(tmp_path: Path) -> None:
    conversion = _read(tmp_path, "", "valid/labelTxt-v1.5/a.txt")
    assert conversion.annotations.images["split"].to_pylist() == ["val"]
    assert dota.detect(tmp_path)


def test_four_vertices_keep_their_form_and_other_polygons_are_listed_as_boxes(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("images/a.png", width=100, height=80)
    quad = np.array([[10, 5], [20, 10], [15, 20], [5, 15]], float)
    builder.add_polygon(row, "cell", [quad])
    builder.add_polygon(row, "cell", [quad[:3]])
    findings = dota.write(builder.build(), tmp_path)
    assert [(f.action, f.objects) for f in findings] == [("changed", 1)]
    found = dota.read(tmp_path, ImageIndex([ImageRecord("images/a.png", 100, 80)])).annotations
    assert found.objects["geometry"].to_pylist() == [2, 0]
    np.testing.assert_allclose(np.reshape(found.objects["rings"].to_pylist()[0], (4, 2)), quad)


def test_numbers_alone_and_other_texts_are_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4\n")
    (tmp_path / "notes.txt").write_text("these are words and no numbers at all to be read\n")
    assert dota.detect(tmp_path) is None
