"""Damaged and hostile label files: each is named in a finding, good files survive, and `strict` refuses."""

import json
from pathlib import Path

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion
from cell_pipelines.annotations.formats.registry import create_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

# The label file of image a.png, which the tests damage; that of b.png stays whole.
LABEL_OF_A = {"coco": "instances_train.json", "pascal_voc": "Annotations/a.xml", "yolo": "labels/a.txt"}
DAMAGE = {
    "binary": b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe" * 20,
    "latin-1": "<annotation>größer</annotation>".encode("latin-1"),
    "UTF-16": '{"images": []} 0 0.5 0.5 0.1 0.1'.encode("utf-16"),
    "text": "Die Zellen wurden am Montag gezählt.".encode(),
    "nested JSON": b"[" * 200_000,
    "NUL": b"\0" * 1000,
}
NUMBERS = ("nan", "inf", "-inf", "1e999", "-1e300", "1e300", "abc", "", "1,5", "0x10", "9" * 400, "[]", "None")


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


def _assert_listed(conversion: Conversion, file: str) -> None:
    """The file is named in a sentence, the cell of b.png is there, and `strict` refuses."""
    assert any(f.file == file and f.action in ("skipped", "dropped") for f in conversion.findings)
    assert "b.png" in conversion.annotations.names
    boxes = conversion.annotations.boxes[
        conversion.annotations.image_index == conversion.annotations.names.index("b.png")
    ]
    assert boxes.tolist() == [pytest.approx([10, 20, 30, 50], abs=1e-3)]
    with pytest.raises(AnnotationFormatError, match=file.replace(".", r"\.")):
        conversion.check_strict()


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_label_file_is_named_and_the_others_are_read(
    source: Path, name: str, damage: str, index: ImageIndex
) -> None:
    (source / LABEL_OF_A[name]).write_bytes(DAMAGE[damage])
    conversion = _read(source, name, index)
    assert conversion.annotations.n_objects == 1
    _assert_listed(conversion, LABEL_OF_A[name])


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_image_whose_label_file_cannot_be_read_is_not_taken_for_an_empty_one(
    source: Path, name: str, damage: str, index: ImageIndex
) -> None:
    (source / LABEL_OF_A[name]).write_bytes(DAMAGE[damage])
    assert _read(source, name, index).annotations.names == ["b.png"]


def test_a_label_file_cut_short_or_empty_is_named(source: Path, name: str, index: ImageIndex) -> None:
    path = source / LABEL_OF_A[name]
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2):
        path.write_bytes(whole[:length])
        conversion = _read(source, name, index)
        if name == "yolo" and length == 0:  # an empty file is how YOLO says: no cells here
            assert conversion.annotations.n_images == 2
            assert not conversion.findings
        else:
            assert conversion.annotations.n_objects == 1
            _assert_listed(conversion, LABEL_OF_A[name])


@pytest.mark.parametrize("number", NUMBERS)
def test_a_coordinate_that_is_no_sane_number_drops_its_object(
    source: Path, name: str, number: str, index: ImageIndex
) -> None:
    path = source / LABEL_OF_A[name]
    path.write_text(_with_coordinate(name, path.read_text(), number))
    conversion = _read(source, name, index)
    assert conversion.objects_in == 2
    assert conversion.objects_dropped == 1
    _assert_listed(conversion, LABEL_OF_A[name])


def _with_coordinate(name: str, text: str, number: str) -> str:
    if name == "pascal_voc":
        return text.replace("<xmin>11</xmin>", f"<xmin>{number}</xmin>")
    if name == "yolo":
        words = text.split()
        return " ".join([words[0], number, *words[2:]])
    literal = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "None": "null"}.get(number, number)
    plain = literal.lstrip("-")[:1].isdigit() and literal != "1,5" and literal != "0x10"
    raw = literal if plain or literal in ("NaN", "Infinity", "-Infinity", "null", "[]") else json.dumps(literal)
    assert '"bbox":[10.0,' in text
    return text.replace('"bbox":[10.0,', f'"bbox": [{raw},')


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((200, 20, 230, 50), "outside the image of 100x80"),
        ((-30, 20, -10, 50), "outside the image of 100x80"),
        ((10, 90, 30, 95), "outside the image of 100x80"),
        ((10, 20, 10, 50), "zero width or height"),
        ((10, 20, 30, 20), "zero width or height"),
    ],
)
def test_boxes_outside_and_boxes_without_area_are_dropped(
    source: Path, name: str, box: tuple[int, ...], reason: str, index: ImageIndex
) -> None:
    (source / LABEL_OF_A[name]).write_text(_label(name, box))
    conversion = _read(source, name, index)
    [finding] = conversion.findings
    assert reason in finding.reason
    assert (finding.action, finding.objects) == ("dropped", 1)
    assert finding.entry
    _assert_listed(conversion, LABEL_OF_A[name])


def test_a_box_partly_outside_is_cut_and_listed(source: Path, name: str, index: ImageIndex) -> None:
    (source / LABEL_OF_A[name]).write_text(_label(name, (90, 70, 120, 100)))
    conversion = _read(source, name, index)
    [finding] = conversion.findings
    assert (finding.file, finding.action) == (LABEL_OF_A[name], "changed")
    assert "cut from (90, 70, 120, 100) to (90, 70, 100, 80)" in finding.reason
    assert conversion.annotations.boxes[0] == pytest.approx([90, 70, 100, 80])
    with pytest.raises(AnnotationFormatError, match="reaches out of the image"):
        conversion.check_strict()


def test_a_class_that_was_not_asked_for_is_dropped(source: Path, name: str, index: ImageIndex) -> None:
    conversion = _read(source, name, index, classes=["nucleus"])
    assert conversion.objects_dropped == conversion.objects_in == 2
    assert all("unknown class 'cell'; expected one of ['nucleus']" in f.reason for f in conversion.findings)
    assert conversion.annotations.categories == ("nucleus",)
    assert conversion.annotations.n_images == 2


def test_classes_are_taken_in_the_order_asked_for(source: Path, name: str, index: ImageIndex) -> None:
    conversion = _read(source, name, index, classes=["nucleus", "cell"])
    assert conversion.annotations.categories == ("nucleus", "cell")
    assert conversion.annotations.category.tolist() == [1, 1]
    with pytest.raises(ValueError, match="must differ from each other"):
        _read(source, name, index, classes=["cell", "cell"])


def test_a_label_without_image_is_listed_with_its_objects(source: Path, name: str) -> None:
    conversion = _read(source, name, ImageIndex([ImageRecord("b.png", 100, 80)]))
    assert conversion.objects_in == 2
    assert any("label without image" in f.reason and "'a" in f.reason for f in conversion.findings)
    _assert_listed(conversion, LABEL_OF_A[name])


@pytest.mark.parametrize("unlabelled", ["skip", "background"])
def test_the_label_of_an_image_that_cannot_be_read_goes_to_no_other_image(
    source: Path, name: str, unlabelled: str
) -> None:
    good = [ImageRecord("b.png", 100, 80), ImageRecord("well 2/a.png", 100, 80)]
    for images in (ImageIndex(good, damaged=["a.png"]), ImageIndex([*good, ImageRecord("a.png", 0, 0)])):
        conversion = _read(source, name, images, unlabelled=unlabelled)
        assert set(conversion.annotations.names) == {"b.png", *(["well 2/a.png"] if unlabelled != "skip" else [])}
        assert conversion.annotations.n_objects == 1
        assert any("'a.png' can't be read" in f.reason for f in conversion.findings)
        assert not any(f.file == "a.png" for f in conversion.findings)
        _assert_listed(conversion, LABEL_OF_A[name])


def test_an_image_without_label_is_left_out_or_taken_as_background(source: Path, name: str) -> None:
    images = ImageIndex(ImageRecord(n, 100, 80) for n in ("a.png", "b.png", "c.png"))
    skipped = _read(source, name, images)
    assert skipped.annotations.names == ["a.png", "b.png"]
    [finding] = skipped.findings
    assert (finding.file, finding.action, finding.objects) == ("c.png", "skipped", 0)
    background = _read(source, name, images, unlabelled="background")
    assert background.annotations.names == ["a.png", "b.png", "c.png"]
    assert [f.action for f in background.findings] == ["noted"]
    background.check_strict()
    with pytest.raises(ValueError, match=r"`unlabelled` must be one of skip, background, got 'ignore'\."):
        _read(source, name, images, unlabelled="ignore")


def test_an_empty_folder_gives_no_objects_and_says_so_of_every_image(
    name: str, tmp_path: Path, index: ImageIndex
) -> None:
    conversion = _read(tmp_path, name, index)
    assert conversion.annotations.n_images == conversion.objects_in == 0
    assert [f.file for f in conversion.findings] == ["a.png", "b.png"]


def test_folders_called_like_label_files_are_passed_over(source: Path, name: str, index: ImageIndex) -> None:
    (source / f"folder{Path(LABEL_OF_A[name]).suffix}").mkdir()
    assert not _read(source, name, index).findings


def test_the_same_image_labelled_in_two_files_is_told(source: Path, name: str, index: ImageIndex) -> None:
    path = source / LABEL_OF_A[name]
    copy = path.parent / "copy" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    conversion = _read(source, name, index)
    assert conversion.objects_in == 3
    assert any("labelled" in f.reason for f in conversion.findings)


def _label(name: str, box: tuple[int, ...]) -> str:
    x, y, x_max, y_max = box
    if name == "pascal_voc":
        sides = f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x_max}</xmax><ymax>{y_max}</ymax>"
        return f"<annotation><object><name>cell</name><bndbox>{sides}</bndbox></object></annotation>"
    if name == "yolo":
        centre = (x + x_max) / 200, (y + y_max) / 160, (x_max - x) / 100, (y_max - y) / 80
        return f"0 {' '.join(map(str, centre))}\n"
    content = {
        "images": [{"id": 7, "file_name": "a.png"}],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [x, y, x_max - x, y_max - y]}],
    }
    return json.dumps(content)
