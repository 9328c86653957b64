"""Real annotations of three public sets: each object is accounted for."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import detect_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder"),
]


@pytest.fixture
def read() -> Callable[[str], Conversion]:
    """Read a set with the images that lie in its folder, their sizes from the headers."""
    return _read


def _read(name: str) -> Conversion:
    import PIL.Image

    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in {DATA}")
    records = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".png")):
        with PIL.Image.open(path) as picture:
            records.append(ImageRecord(path.relative_to(folder).as_posix(), picture.width, picture.height))
    conversion = read_annotations(folder, ImageIndex(records))
    conversion.check()
    return conversion


def test_blood_cells_lose_their_two_boxes_without_size_and_keep_their_split(read: Callable[[str], Conversion]) -> None:
    conversion = read("detection_blood_voc")
    assert conversion.source_format == "pascal_voc"
    assert conversion.objects_in == 4888
    assert conversion.annotations.n_objects == 4886
    dropped = [f for f in conversion.findings if f.action == "dropped"]
    assert len(dropped) == 2
    assert all(f.file.startswith("Annotations/BloodImage_") and "zero width or height" in f.reason for f in dropped)
    splits = Counter(conversion.annotations.images["split"].to_pylist())
    assert splits == {"train": 205, "val": 87, "test": 72}
    counts = dict(zip(conversion.annotations.categories, conversion.annotations.counts().sum(axis=0), strict=True))
    assert list(counts) == ["Platelets", "RBC", "WBC"]
    assert sum(counts.values()) == 4886


def test_living_and_dead_cells_are_all_there_and_files_without_object_are_images_without(
    read: Callable[[str], Conversion],
) -> None:
    conversion = read("detection_livedead_brightfield_voc")
    assert conversion.objects_in == 558
    counts = conversion.annotations.counts()
    assert dict(zip(conversion.annotations.categories, counts.sum(axis=0), strict=True)) == {
        "Dead Cell": 120, "Living Cell": 438
    }  # fmt: skip
    assert conversion.annotations.n_images == 220
    assert (counts.sum(axis=1) == 0).sum() == 8


def test_coco_boxes_of_blood_cells_come_without_their_parent_class(read: Callable[[str], Conversion]) -> None:
    conversion = read("annotation_formats/coco_json_blood_rbc_wbc")
    assert detect_format(DATA / "annotation_formats/coco_json_blood_rbc_wbc")[0] == "coco"
    assert conversion.objects_in == conversion.annotations.n_objects == 470
    assert conversion.annotations.categories == ("rbc", "wbc")
    assert set(conversion.annotations.images["split"].to_pylist()) == {"val"}
    assert not [f for f in conversion.findings if f.action != "noted"]
