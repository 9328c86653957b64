"""Splits: every format keeps the one that folders or lists state, and says where a source contradicts itself."""

from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import FORMATS, read_annotations, write_annotations
from cell_pipelines.annotations.formats.sources.split_lists import read_split_lists
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

FOLDERS = {"train/a.png": "train", "Valid/b.png": "val", "test_images/c.png": "test", "else/d.png": None}


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, 20, 16) for name in names)


def _splits(conversion: Conversion) -> dict[str, str | None]:
    images = conversion.annotations.images
    return dict(zip(images["name"].to_pylist(), images["split"].to_pylist(), strict=True))


def _label(folder: Path, *names: str) -> None:
    labels = np.zeros((16, 20), np.uint8)
    labels[2:5, 2:5], labels[9:12, 9:12] = 1, 2
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_raster(labels, folder / name)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_the_split_that_folders_state(name: str, tmp_path: Path) -> None:
    builder = AnnotationBuilder(["cell"])
    for image in FOLDERS:
        row = builder.add_image(image, width=20, height=16)
        builder.add_box(row, "cell", (3, 3, 9, 8))
        builder.add_object(row, "cell", "point", (3, 3, 3, 3))
    write_annotations(builder.build(), tmp_path, format=name)
    conversion = read_annotations(tmp_path, _index(*FOLDERS), format=name)
    assert _splits(conversion) == FOLDERS
    assert not [f for f in conversion.findings if f.action == "suspect"]


def test_label_images_in_folders_of_splits_keep_them(tmp_path: Path) -> None:
    """Ten images in train and ten in test were dealt out anew."""
    _label(tmp_path, *(f"labels/{side}/{i}.png" for i in range(3) for side in ("train", "test")))
    images = _index(*(f"images/{side}/{i}.png" for i in range(3) for side in ("train", "test")))
    expected = {f"images/{side}/{i}.png": side for i in range(3) for side in ("train", "test")}
    assert _splits(read_annotations(tmp_path, images)) == expected


def test_images_without_label_keep_the_split_as_well(tmp_path: Path) -> None:
    _label(tmp_path, "train/labels/a.png")
    conversion = read_annotations(tmp_path, _index("train/images/a.png", "test/images/b.png"), unlabelled="background")
    assert _splits(conversion) == {"train/images/a.png": "train", "test/images/b.png": "test"}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("train.txt", "a.png"), ("training.txt", "./images/a.png"), ("ImageSets/Main/Train.txt", "a"),
        ("ImageSets/Segmentation/train.txt", "images/a"), ("metadata/train.txt", "/elsewhere/images/a.png"),
    ],
)  # fmt: skip
def test_a_list_of_images_tells_the_split_of_any_format(file: str, line: str, tmp_path: Path) -> None:
    _label(tmp_path, "labels/a.png", "labels/b (1).png")
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(f"\ufeff{line}\r\nmissing.png\n\n", encoding="utf-8")
    (tmp_path / "validation.txt").write_text("b (1).png")
    conversion = read_annotations(tmp_path, _index("images/a.png", "images/b (1).png"))
    assert _splits(conversion) == {"images/a.png": "train", "images/b (1).png": "val"}


def test_an_image_in_two_lists_keeps_the_first_and_a_damaged_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a\nb\n")
    (tmp_path / "val.txt").write_text("b\nc\n")
    (tmp_path / "test.txt").write_bytes(b"\xff\xff")
    splits, findings = read_split_lists(tmp_path, _index("a.png", "b.png", "c.png"))
    assert splits == {"a.png": "train", "b.png": "train", "c.png": "val"}
    assert {(f.file, f.action) for f in findings} == {("val.txt", "suspect"), ("test.txt", "skipped")}


def test_a_data_yaml_tells_the_split_by_folder_list_or_several(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(
        "path: /elsewhere/set\ntrain: [images/day1, ../set/images/day2]\nval: lists/rest.txt\ntest: images/day4\n"
    )
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "rest.txt").write_text("images/day3/1.png\n")
    names = [f"images/day{day}/1.png" for day in (1, 2, 3, 4, 5)]
    splits, findings = read_split_lists(tmp_path, _index(*names))
    assert splits == dict(zip(names[:4], ("train", "train", "val", "test"), strict=True))
    assert not findings


def test_one_folder_for_training_and_validation_states_no_split(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("train: images\nval: images\n")
    splits, findings = read_split_lists(tmp_path, _index("images/a.png", "images/b.png"))
    assert splits == {}
    assert {f.action for f in findings} == {"noted"}


def test_a_list_overrules_folders_and_says_so(tmp_path: Path) -> None:
    _label(tmp_path, "labels/train/a.png")
    (tmp_path / "test.txt").write_text("a.png\n")
    conversion = read_annotations(tmp_path, _index("images/train/a.png"))
    assert _splits(conversion) == {"images/train/a.png": "test"}
    assert [f.action for f in conversion.findings if "is said to be in" in f.reason] == ["noted"]


def test_a_label_in_another_splits_folder_than_its_image_is_suspect(tmp_path: Path) -> None:
    _label(tmp_path, "train/labels/a.png")
    conversion = read_annotations(tmp_path, _index("test/a.png"))
    [finding] = [f for f in conversion.findings if f.action == "suspect"]
    assert "in train and in test" in finding.reason
    with pytest.raises(ValueError, match="`strict` reading met 1 problems"):
        conversion.check_strict()


def test_a_point_list_called_train_is_no_list_of_images(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("3 4 cell\n1 2 cell\n")
    assert read_split_lists(tmp_path, _index("a.png")) == ({}, [])
