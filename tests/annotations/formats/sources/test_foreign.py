"""Sources that can't be read here are called by their name."""

import os
from pathlib import Path

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import detect_format
from cell_pipelines.annotations.formats.sources.foreign import describe_unsupported

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[4] / ".." / "shared" / "data"))
ASSETS = DATA / "annotation_formats" / "tool_test_assets_datumaro"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.tfrecord", "", "COCO JSON"),
        ("a_seg.npy", "", "Cellpose"),
        ("p.json", '{"annotations": [{"segments_info": []}]}', "panoptic"),
        ("d.json", '{"categories": {"label": {"label_groups": []}}, "items": []}', "Datumaro"),
        ("boxes.csv", "ImageID,Source,LabelName,Confidence,XMin\n", "Open Images"),
        ("ann.csv", "image_name,label_name\n1.jpg,dog\n", "whole images"),
        ("ann.csv", "filename, RBC, WBC\na.jpg, 1, 0\n", "whole images"),
        ("ann.csv", "image_name,label_name,x1,y1,x2,y2\n", "tensorflow_csv"),
        ("ann.txt", "1.jpg dog\n2.jpg cat\n", "whole images"),
        ("ann.txt", "1.jpg,dog,0,1,1,2\n", "tensorflow_csv"),
        ("instances/labels.txt", "a\nb\n", "MOTS"),
        ("labels/1.txt", "0 0.5 0.5 0.25 0.25\n", "data.yaml"),
        ("1.jpg", "", "only images"),
        ("a.xml", '<Annotations MicronsPerPixel="0.2"><Annotation><Regions/></Annotation></Annotations>', "Aperio"),
        ("a.xml", "<ASAP_Annotations><Annotations/></ASAP_Annotations>", "ASAP"),
        ("a.ndpa", '<?xml version="1.0"?><annotations><ndpviewstate id="1"/></annotations>', "NDP.view"),
        ("shapes.csv", "index,shape-type,vertex-index,axis-0,axis-1\n0,polygon,0,1,2\n", "shapes layer of napari"),
        ("a_cp_outlines.txt", "10,10,20,10,20,20,10,20\n1,2,3,4,5,6\n", "Cellpose's list of outlines"),
    ],
)
def test_a_known_source_is_called_by_its_name(tmp_path: Path, name: str, content: str, word: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert word in (describe_unsupported(tmp_path) or "")


def test_nothing_is_said_of_an_empty_folder_or_of_damaged_files(tmp_path: Path) -> None:
    assert describe_unsupported(tmp_path) is None
    for name in ("a.json", "a.csv", "a.txt", "a.xml"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    assert describe_unsupported(tmp_path) is None


def test_a_file_that_may_not_be_read_is_the_reason_why_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.json").write_text("{}")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("a.json"))
    expected = r"1 files or folders can't be read, permission is denied; the first is .*labels/a\.json\."
    with pytest.raises(AnnotationFormatError, match=expected):
        detect_format(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels/a.txt", b"0,.5,.5,.2,.2\n", "None of them is labels/a.txt, which begins '0,.5,.5,.2,.2'."),
        ("labels/a.txt", b"0 64 64 20 20\n", "which begins '0 64 64 20 20'."),
        ("cells.shp", b"\0\0", "None of them is cells.shp."),
        ("export.zip", b"PK\5\6" + bytes(18), "export.zip is an archive in which none was recognised; unpack it."),
        ("export.zip", b"PK\3\4" + bytes(40), "export.zip is no whole zip archive: damaged, or cut short."),
        ("a.roi", b"", "None of them is a.roi, which is empty."),
        ("labels.tar.gz", b"\x1f\x8b", "labels.tar.gz is an archive in which none was recognised; unpack it."),
    ],
)
def test_what_is_no_annotation_is_named_with_its_beginning(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AnnotationFormatError, match="found no annotations") as refused:
        detect_format(tmp_path)
    assert str(refused.value).endswith(said)


@pytest.mark.real_data
@pytest.mark.skipif(not ASSETS.is_dir(), reason=f"no public files in {ASSETS}; CELL_REAL_DATA names their folder")
@pytest.mark.parametrize(
    "name",
    [
        "coco_dataset/coco_panoptic", "datumaro_dataset/legacy", "image_dir_dataset", "kaggle_dataset/image_csv",
        "kaggle_dataset/image_csv_det", "kaggle_dataset/image_csv_multi_label", "kaggle_dataset/image_txt",
        "kaggle_dataset/image_txt_det", "kaggle_dataset/image_mask_with_labelmap", "mots_dataset",
        "open_images_dataset/v5", "open_images_dataset/v6", "roboflow_dataset/multiclass",
        "roboflow_dataset/tfrecord", "tf_detection_api_dataset",
    ],
)  # fmt: skip
def test_a_source_of_another_converter_is_explained(name: str) -> None:
    assert describe_unsupported(ASSETS / name)
