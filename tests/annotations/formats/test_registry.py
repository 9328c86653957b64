"""Finding out which format lies in a folder, and saying so in a sentence when that can't be told."""

import json
from pathlib import Path

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import FORMATS, create_format, detect_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

VOC = "<?xml version='1.0'?>\n<annotation><filename>a.png</filename></annotation>"
COCO = json.dumps({"images": [{"id": 0, "file_name": "a.png"}], "categories": [], "annotations": []})
FOUND = [
    ("pascal_voc", "Annotations/a.xml", VOC, "Annotations/a.xml is an XML file with an <annotation>"),
    ("pascal_voc", "a.xml", "\ufeff" + VOC, "a.xml is an XML file with an <annotation>"),
    ("coco", "train/_annotations.coco.json", COCO, "train/_annotations.coco.json lists images and annotations"),
    ("yolo", "data.yaml", "names: [cell]\n", "data.yaml names the classes"),
    ("yolo", "dataset.yml", "nc: 1\nnames:\n  0: cell\n", "dataset.yml names the classes"),
    ("yolo", "labels/train/a.txt", "0 0.5 0.5 0.1 0.1\n", "labels/train/a.txt holds class numbers and fractions"),
    ("yolo", "a.txt", "3 0.1 0.1 0.2 0.1 0.2 0.2\n", "a.txt holds class numbers and fractions"),
]
STRANGERS = {
    "0.xml": b"<settings/>", "00.xml": b"<annotations/>", "1.xml": b"", "0.json": b"{", "1.json": b"", "1.txt": b"",
    "0.yaml": b"a: [b", "2.yaml": b"[" * 100_000, "3.yaml": b"!!python/object:os.system {}", "0.txt": b"\xff\xfe",
}  # fmt: skip


def _write(folder: Path, file: str, text: str | bytes) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(("name", "file", "text", "reason"), FOUND)
def test_a_format_is_found_with_its_reason(name: str, file: str, text: str, reason: str, tmp_path: Path) -> None:
    _write(tmp_path, file, text)
    assert detect_format(tmp_path) == (name, reason)


@pytest.mark.parametrize(("name", "file", "text", "reason"), FOUND)
def test_strange_and_damaged_files_beside_do_not_hide_a_format(
    name: str, file: str, text: str, reason: str, tmp_path: Path
) -> None:
    for stranger, content in STRANGERS.items():
        _write(tmp_path, stranger, content)
    _write(tmp_path, file, text)
    assert detect_format(tmp_path) == (name, reason)


def test_a_large_coco_file_is_found_though_its_lists_begin_out_of_sight(tmp_path: Path) -> None:
    images = [{"id": i, "file_name": f"image_{i:05d}.png"} for i in range(3000)]
    cells = [{"id": i, "image_id": i, "category_id": 1, "bbox": [0, 0, 5, 5]} for i in range(3000)]
    categories = [{"id": 1, "name": "cell"}]
    for order in (("images", "categories", "annotations"), ("annotations", "categories", "images")):
        lists = {"images": images, "annotations": cells, "categories": categories}
        text = json.dumps({key: lists[key] for key in order})
        assert len(text) > 300_000
        _write(tmp_path, "data.json", text)
        assert detect_format(tmp_path)[0] == "coco"


def test_no_format_gives_a_sentence_with_those_there_are(tmp_path: Path) -> None:
    _write(tmp_path, "notes.txt", "two numbers: 1 2\n")
    with pytest.raises(AnnotationFormatError, match="found no annotations; expected one of .*coco, .*yolo"):
        detect_format(tmp_path)
    with pytest.raises(AnnotationFormatError, match=r"nowhere: expected a folder with annotations; there is none\."):
        detect_format(tmp_path / "nowhere")


def test_two_formats_give_an_error_with_both(tmp_path: Path) -> None:
    _write(tmp_path, "a.xml", VOC)
    _write(tmp_path, "data.json", COCO)
    with pytest.raises(AnnotationFormatError, match=r"coco \(data\.json .*pascal_voc \(a\.xml .*Name the `format`"):
        detect_format(tmp_path)
    with pytest.raises(AnnotationFormatError, match="several formats"):
        read_annotations(tmp_path, ImageIndex([]))
    named = read_annotations(tmp_path, ImageIndex([ImageRecord("a.png", 9, 9)]), format="pascal_voc")
    assert named.source_format == "pascal_voc"


def test_the_detected_format_is_the_one_that_is_read(tmp_path: Path) -> None:
    _write(tmp_path, "a.xml", VOC)
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("a.png", 9, 9)]))
    assert conversion.source_format == "pascal_voc"
    assert conversion.annotations.names == ["a.png"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"`format` must be one of .*coco, .*yolo, got 'excel'\."):
        create_format("excel")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_offers_the_three_functions_and_finds_nothing_in_an_empty_folder(
    name: str, tmp_path: Path
) -> None:
    chosen = create_format(name)
    assert chosen.detect(tmp_path) is None
    assert callable(chosen.read)
    assert callable(chosen.write)


def test_an_unknown_option_of_a_reader_is_told_in_a_sentence(tmp_path: Path) -> None:
    _write(tmp_path, "a.xml", VOC)
    with pytest.raises(ValueError, match=r"pascal_voc has no option 'orgin'; docs/formats\.md"):
        read_annotations(tmp_path, ImageIndex([]), orgin=0)
