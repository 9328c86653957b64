"""Real exports of annotation tools: each object is accounted for."""

import os
from collections import Counter
from pathlib import Path

import PIL.Image
import pytest

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import cvat, dota, labelme_xml
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

ROOT = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
DATA = ROOT / "annotation_formats" / "tool_test_assets_datumaro"
READERS = {"cvat": cvat, "dota": dota, "labelme_xml": labelme_xml}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no files of tools in {DATA}; CELL_REAL_DATA names their folder"),
]


def _read(format_name: str, name: str) -> Conversion:
    folder = DATA / name
    records = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".png")):
        if not {"Masks", "Scribbles"} & set(path.parts):
            with PIL.Image.open(path) as picture:
                records.append(ImageRecord(path.relative_to(folder).as_posix(), picture.width, picture.height))
    assert READERS[format_name].detect(folder)
    conversion: Conversion = READERS[format_name].read(folder, ImageIndex(records))
    conversion.check()
    return conversion


@pytest.mark.parametrize(
    ("format_name", "name", "objects_in", "kept"),
    [
        ("labelme_xml", "labelme_dataset", 7, {2: 4, 3: 2, 0: 1}),
        ("cvat", "cvat_dataset/for_images/export_task", 6, {0: 1, 1: 3}),
        ("cvat", "cvat_dataset/for_images/export_project", 18, {0: 3, 1: 9, 2: 3}),
        ("cvat", "cvat_dataset/for_video", 5, {0: 1, 1: 3}),
        ("dota", "dota_dataset", 4, {0: 4}),
        ("dota", "roboflow_dataset/yolo_obb", 4, {0: 4}),
    ],
)
def test_objects_are_kept_by_geometry_or_listed(
    format_name: str, name: str, objects_in: int, kept: dict[int, int]
) -> None:
    conversion = _read(format_name, name)
    assert conversion.objects_in == objects_in
    assert Counter(conversion.annotations.objects["geometry"].to_pylist()) == kept


def test_a_project_keeps_images_of_one_name_and_their_splits_apart() -> None:
    found = _read("cvat", "cvat_dataset/for_images/export_project").annotations
    assert Counter(found.images["split"].to_pylist()) == {"train": 2, "val": 2, "test": 2}
    assert found.counts().sum(axis=1).tolist() == [1, 4] * 3


def test_other_tools_files_are_not_claimed() -> None:
    others = ("voc_dataset/voc_dataset1", "voc_dataset/voc_dataset2", "roboflow_dataset/voc", "roboflow_dataset/yolo")
    for name in (*others, "coco_dataset/coco_instances", "roboflow_dataset/coco"):
        assert not [key for key, module in READERS.items() if module.detect(DATA / name)]
