"""One annotation file may be given where a folder is expected; what isn't there is one sentence."""

from pathlib import Path
from typing import Any

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

INDEX = ImageIndex([ImageRecord("a.png", 20, 16), ImageRecord("b.png", 20, 16)])


def _set() -> Any:
    builder = AnnotationBuilder(["cell"])
    for name in ("a.png", "b.png"):
        builder.add_box(builder.add_image(name, width=20, height=16), "cell", (3, 3, 9, 8))
    return builder.build()


@pytest.mark.parametrize(
    ("format", "objects"), [("coco", 2), ("pascal_voc", 1), ("tensorflow_csv", 2), ("imagej_roi", 1), ("via_json", 2)]
)
@pytest.mark.parametrize("named", [True, False])
def test_one_file_is_read_alone(format: str, objects: int, named: bool, tmp_path: Path) -> None:
    write_annotations(_set(), tmp_path, format=format)
    file = sorted(path for path in tmp_path.rglob("*") if path.is_file())[0]
    before = sorted(tmp_path.rglob("*"))
    conversion = read_annotations(file, INDEX, format=format if named else "auto")
    assert (conversion.source_format, conversion.annotations.n_objects) == (format, objects)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_data_yaml_stands_for_its_folder(tmp_path: Path) -> None:
    write_annotations(_set(), tmp_path, format="yolo")
    assert read_annotations(tmp_path / "data.yaml", INDEX).annotations.n_objects == 2


def test_a_file_without_annotations_and_a_missing_one_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(AnnotationFormatError, match=r"notes\.txt: found no annotations") as caught:
        read_annotations(tmp_path / "notes.txt", INDEX)
    assert "/tmp/tmp" not in str(caught.value)
    for format in ("auto", "coco"):
        with pytest.raises(AnnotationFormatError, match=r"gone: expected a folder with annotations, or one"):
            read_annotations(tmp_path / "gone", INDEX, format=format)
