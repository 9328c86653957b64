"""Text in other encodings than UTF-8, in every format that is text."""

import codecs
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cell_pipelines.annotations.formats.registry import FORMATS, create_format, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[4] / ".." / "shared" / "cases"))
ONE = ImageIndex([ImageRecord("a.png", 100, 80)])
VOC = (
    "{declaration}<annotation><filename>a.png</filename><object><name>{name}</name><bndbox><xmin>2</xmin>"
    "<ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
)
CSV = "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,80,Zelle é,1,2,10,20\n"
_TEXTS = {".txt", ".csv", ".json", ".xml", ".yaml", ".geojson"}


def _transcode(folder: Path, encoding: str, mark: bytes) -> int:
    files = [path for path in folder.rglob("*") if path.suffix in _TEXTS]
    for path in files:
        text = path.read_text(encoding="utf-8")
        # A file without a letter stays one.
        path.write_bytes(mark + text.encode(encoding) if text else b"")
    return len(files)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", b""), ("utf-8", codecs.BOM_UTF8)]
)
def test_every_text_format_reads_the_same_from_utf_16_and_with_a_mark(
    name: str,
    encoding: str,
    mark: bytes,
    tmp_path: Path,
    make_annotations: Callable[..., AnnotationSet],
    index_of: Callable[[AnnotationSet], ImageIndex],
    assert_equal_sets: Callable[[AnnotationSet, AnnotationSet], None],
) -> None:
    geometries = create_format(name).CAPABILITIES.geometries
    annotations = make_annotations(3, geometries=(geometries[0],))
    write_annotations(annotations, tmp_path, format=name)
    before = read_annotations(tmp_path, index_of(annotations), format=name)
    transcoded = _transcode(tmp_path, encoding, mark)
    after = read_annotations(tmp_path, index_of(annotations), format=name)
    assert transcoded or name in ("imagej_roi", "binary_mask", "label_image", "instance_channel", "mask_files")
    assert after.annotations.n_objects == before.annotations.n_objects > 0
    assert_equal_sets(before.annotations, after.annotations)
    if name not in ("binary_mask", "label_image", "instance_channel", "mask_files", "imagej_roi"):
        assert read_annotations(tmp_path, index_of(annotations)).source_format == name


@pytest.mark.parametrize("encoding", ["gbk", "shift_jis", "euc-kr", "iso-8859-1", "windows-1252", "koi8-r"])
def test_xml_is_read_in_the_encoding_that_it_declares(encoding: str, tmp_path: Path) -> None:
    name = {"gbk": "细胞", "shift_jis": "細胞", "euc-kr": "세포", "koi8-r": "клетка"}.get(encoding, "Zellé")
    text = VOC.format(declaration=f'<?xml version="1.0" encoding="{encoding}"?>', name=name)
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.categories == (name,)
    assert not conversion.findings


def test_xml_saved_as_utf_8_though_it_declares_utf_16_is_read(tmp_path: Path) -> None:
    text = VOC.format(declaration='<?xml version="1.0" encoding="utf-16"?>\n', name="größer")
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    assert read_annotations(tmp_path, ONE).annotations.categories == ("größer",)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", CSV.encode("latin-1")),
        ("a.xml", VOC.format(declaration="", name="Zelle é").encode("latin-1")),
        ("a.json", b'[{"image": "a.png", "annotations": [{"label": "Zelle \xe9", '
         b'"coordinates": {"x": 5, "y": 5, "width": 4, "height": 4}}]}]'),
    ],
)  # fmt: skip
def test_an_encoding_that_cant_be_known_is_asked_for_and_then_used(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    unread = read_annotations(tmp_path, ONE)
    assert unread.annotations.n_objects == 0
    assert any("not UTF-8 text: byte 0xe9 in line" in f.reason and "`encoding`" in f.reason for f in unread.findings)
    assert read_annotations(tmp_path, ONE, encoding="latin-1").annotations.categories == ("Zelle é",)
    # What was named for one source is forgotten for the next.
    assert read_annotations(tmp_path, ONE).annotations.n_objects == 0


def test_an_unknown_encoding_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(ValueError, match="`encoding` must be the name of a text encoding, .* got 'latin-77'"):
        read_annotations(tmp_path, ONE, encoding="latin-77")
    (tmp_path / "a.csv").unlink()
    (tmp_path / "a.xml").write_text(VOC.format(declaration='<?xml version="1.0" encoding="nonsense"?>', name="cell"))
    [finding, _] = read_annotations(tmp_path, ONE, format="pascal_voc").findings
    assert finding.reason == "the file is no valid XML: it declares the encoding 'nonsense', which is unknown."


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
@pytest.mark.parametrize(
    ("case", "encoding", "category"),
    [("utf16_voc", None, "cell"), ("utf16_coco", None, "cell"), ("gbk_voc", None, "细胞"),
     ("latin1_csv", "latin-1", "Zellé")],
)  # fmt: skip
def test_files_of_strangers_in_other_encodings_are_read(case: str, encoding: str | None, category: str) -> None:
    folder = CASES / "formats" / "text_encodings" / case / "labels"
    assert read_annotations(folder, ONE, encoding=encoding).annotations.categories == (category,)
