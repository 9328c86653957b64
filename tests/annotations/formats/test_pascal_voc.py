"""Pascal VOC: pixels counted from 1, the source's own split, hostile XML refused."""

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.pascal_voc import read, write
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SIDES = "<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax>"
BOX = f"<object><name>{{name}}</name><bndbox>{SIDES}</bndbox>{{more}}</object>"


def _xml(*objects: str, head: str = "") -> str:
    return f"{head}<annotation>{''.join(objects)}</annotation>"


def _box(*sides: object, name: str = "cell", more: str = "") -> str:
    return BOX.format(*sides, name=name, more=more)


def test_numbers_are_the_first_and_last_pixel_counted_from_one(tmp_path: Path, index: ImageIndex) -> None:
    """A box around the pixels 2..4 of columns and 0..9 of rows, counted from 0."""
    (tmp_path / "a.xml").write_text(_xml(_box(3, 1, 5, 10)))
    assert read(tmp_path, index).annotations.boxes.tolist() == [[2, 0, 5, 10]]
    assert read(tmp_path, index, origin=0).annotations.boxes.tolist() == [[3, 1, 5, 10]]
    with pytest.raises(ValueError, match=r"`origin` must be 0 or 1, got 2\."):
        read(tmp_path, index, origin=2)


def test_the_whole_image_is_a_box_from_one_to_its_size(tmp_path: Path, index: ImageIndex) -> None:
    builder = AnnotationBuilder()
    builder.add_box(builder.add_image("a.png", width=100, height=80), "cell", (0, 0, 100, 80))
    write(builder.build(), tmp_path)
    frame = ElementTree.parse(tmp_path / "Annotations" / "a.xml").find("object/bndbox")
    assert frame is not None
    assert {e.tag: e.text for e in frame} == {"xmin": "1", "ymin": "1", "xmax": "100", "ymax": "80"}
    assert read(tmp_path, index).annotations.boxes.tolist() == [[0, 0, 100, 80]]


def test_a_tool_that_counts_from_zero_shows_itself_at_the_border(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(_xml(_box(0, 0, 100, 80)))
    images = ImageIndex([ImageRecord("a.png", 100, 80)])
    changed, hint = read(tmp_path, images).findings
    assert changed.action == "changed"
    assert hint.action == "noted"
    assert not read(tmp_path, images, origin=0).findings


@pytest.mark.parametrize("sides", [(5, 5, 5, 9), (5, 5, 9, 5), (7, 7, 7, 7)])
def test_boxes_with_equal_numbers_have_zero_size_and_are_dropped(
    sides: tuple[int, ...], tmp_path: Path, index: ImageIndex
) -> None:
    (tmp_path / "a.xml").write_text(_xml(_box(*sides), _box(1, 1, 9, 9)))
    conversion = read(tmp_path, index)
    finding = conversion.findings[0]
    assert finding.sentence().startswith("a.xml, object 1 (cell): dropped: zero width or height: xmin ")
    assert conversion.annotations.n_objects == 1


def test_thin_boxes_are_listed_by_the_writer_since_no_reader_would_keep_them(tmp_path: Path, index: ImageIndex) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=100, height=80)
    for width in (0.5, 1.0, 1.0 + 1e-9, 1.01, 2.0):
        builder.add_box(row, "cell", (10, 10, 10 + width, 30))
    builder.add_image("b.png", width=100, height=80)
    [finding] = write_annotations(builder.build(), tmp_path, format="pascal_voc")
    assert (finding.file, finding.action, finding.objects) == ("a.png and others", "dropped", 3)
    conversion = read(tmp_path, index)
    assert conversion.annotations.n_objects == conversion.objects_in == 2


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
        '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]><annotation>&e;</annotation>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation><filename>&x;</filename></annotation>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://localhost:9/x.dtd"> %x;]><annotation></annotation>',
    ],
    ids=["billion laughs", "external entity", "external parameter entity"],
)
def test_xml_with_entities_is_refused_at_once(hostile: str, tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text(hostile)
    (tmp_path / "b.xml").write_text(_xml(_box(1, 1, 9, 9)))
    begin = time.monotonic()
    conversion = read(tmp_path, index)
    assert time.monotonic() - begin < 2
    assert conversion.annotations.names == ["b.png"]
    assert any(f.file == "a.xml" and "holds XML entities, which are refused" in f.reason for f in conversion.findings)


def test_deeply_nested_xml_does_no_harm(tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text("<annotation>" + "<a>" * 100_000 + "</a>" * 100_000 + "</annotation>")
    (tmp_path / "b.xml").write_text(_xml(_box(1, 1, 9, 9)))
    assert read(tmp_path, index).annotations.n_objects == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_a_file_is_read_in_the_encoding_it_declares(encoding: str, tmp_path: Path, index: ImageIndex) -> None:
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    (tmp_path / "a.xml").write_bytes(_xml(_box(1, 1, 9, 9, name="größer"), head=head).encode(encoding))
    assert read(tmp_path, index).annotations.categories == ("größer",)


@pytest.mark.parametrize("head", ['<?xml version="1.0" encoding="klingon"?>', '<?xml version="1.0"', "<a>"])
def test_xml_that_cannot_be_parsed_is_named(head: str, tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text(_xml(head=head))
    findings = read(tmp_path, index).findings
    assert "the file is no valid XML" in findings[0].reason


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png", "..\\a.png"])
def test_a_file_name_that_climbs_out_is_refused(name: str, tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text(_xml(f"<filename>{name}</filename>", _box(1, 1, 9, 9)))
    conversion = read(tmp_path, index)
    assert conversion.annotations.n_images == 0
    assert conversion.objects_dropped == 1
    assert any("leads out of the image folder" in f.reason and f.file == "a.xml" for f in conversion.findings)


@pytest.mark.parametrize("name", ["/elsewhere/a.png", "C:\\elsewhere\\a.png", "D:/x/a.jpg", "", "  ", "a"])
def test_another_machines_path_finds_the_image_of_its_name(name: str, tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text(_xml(f"<filename>{name}</filename>", _box(1, 1, 9, 9)))
    assert read(tmp_path, index).annotations.names == ["a.png"]


@pytest.mark.parametrize("name", [".", "/", "//", "\0", "C:", "a" * 5000])
def test_a_file_name_that_is_none_finds_nothing(name: str) -> None:
    assert ImageIndex([ImageRecord("a.png", 9, 9)]).find(name) is None


def test_objects_without_name_box_or_numbers_are_dropped_each_with_its_place(tmp_path: Path, index: ImageIndex) -> None:
    bad = [_box(1, 1, 9, 9, name=""), "<object><name>cell</name></object>", _box(1, 1, "x", 9), "<object/>"]
    bad.append(_box(1, 1, 9, 9, more="<score>high</score>"))
    bad.append(_box(1, 1, 9, 9, more="<score>1.5</score>"))
    (tmp_path / "a.xml").write_text(_xml(*bad, _box(1, 1, 9, 9, more="<score></score>")))
    conversion = read(tmp_path, index)
    assert conversion.objects_dropped == len(bad)
    assert [f.entry.split()[1] for f in conversion.findings[: len(bad)]] == ["1", "2", "3", "4", "5", "6"]
    assert conversion.annotations.n_objects == 1


def test_the_size_of_another_image_leaves_it_out_and_no_size_is_no_matter(tmp_path: Path, index: ImageIndex) -> None:
    size = "<size><width>9000</width><height>80</height></size>"
    (tmp_path / "a.xml").write_text(_xml(size, _box(1, 1, 90, 9)))
    (tmp_path / "b.xml").write_text(_xml("<size><width>0</width><height>0</height></size>"))
    conversion = read(tmp_path, index)
    [misfit, _, _] = conversion.findings
    assert (misfit.action, misfit.file) == ("skipped", "a.xml")
    assert "9000x80" in misfit.reason
    assert conversion.annotations.names == ["b.png"]


def test_another_root_element_is_no_label(tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text("<settings/>")
    assert read(tmp_path, index).findings[0].reason == "expected an <annotation> element, got <settings>."


def test_folders_tell_the_split_where_no_list_does(tmp_path: Path) -> None:
    images = ImageIndex(ImageRecord(f"{part}/{part}.png", 9, 9) for part in ("train", "valid", "else"))
    for part in ("train", "valid", "else"):
        (tmp_path / part).mkdir()
        (tmp_path / part / f"{part}.xml").write_text(_xml())
    found = read(tmp_path, images).annotations.images
    assert dict(zip(found["name"].to_pylist(), found["split"].to_pylist(), strict=True)) == {
        "train/train.png": "train", "valid/valid.png": "val", "else/else.png": None
    }  # fmt: skip


def test_two_images_that_differ_in_their_ending_only_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    for name in ("a.png", "b.png", "a.tif"):
        builder.add_image(name, width=9, height=9)
    with pytest.raises(ValueError, match=r"Annotations/a\.xml: two images share this name"):
        write(builder.build(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_flags_stay_with_their_object(tmp_path: Path, index: ImageIndex) -> None:
    marked = _box(1, 1, 9, 9, more="<difficult>1</difficult><truncated>0</truncated>")
    (tmp_path / "a.xml").write_text(_xml(marked, _box(2, 2, 9, 9)))
    annotations = read(tmp_path, index).annotations
    assert annotations.objects["attributes"].to_pylist() == ['{"difficult": 1}', None]


def test_boxes_that_begin_at_pixel_0_suggest_the_other_origin(tmp_path: Path, index: ImageIndex) -> None:
    (tmp_path / "a.xml").write_text(_xml(_box(0, 5, 9, 9), _box(5, 0, 9, 9), _box(1, 1, 9, 9)))
    notes = [f.reason for f in read(tmp_path, index).findings if f.action == "noted"]
    assert len(notes) == 1
    assert "set `origin: 0`" in notes[0]
    assert not [f for f in read(tmp_path, index, origin=0).findings if f.action in ("noted", "changed")]
