"""The words of an annotation file find an image, and never a wrong one."""

import pytest

from cell_pipelines.annotations.images import ImageIndex, ImageRecord, split_of


def _index(*names: str, damaged: tuple[str, ...] = ()) -> ImageIndex:
    return ImageIndex([ImageRecord(name, 9, 9) for name in names], damaged=damaged)


def _found(index: ImageIndex, name: str, near: str = "") -> str | None:
    record = index.find(name, near)
    return None if record is None else record.name


@pytest.mark.parametrize(
    "name",
    ["train/a.b.png", "a.b.png", "a.b.jpg", "a.b", "train\\a.b.png", "images/train/a.b.png", "/x/y/a.b.png",
     "C:\\x\\a.b.png", "./train/a.b.png", "elsewhere/a.b.png"],
)  # fmt: skip
def test_a_name_finds_the_image_by_path_name_or_stem(name: str) -> None:
    assert _found(_index("train/a.b.png", "c.png"), name) == "train/a.b.png"


@pytest.mark.parametrize("name", ["b.png", "", ".", "/", "a.png/b.png", "train", "png", "a.b.c"])
def test_a_name_of_no_image_finds_nothing(name: str) -> None:
    assert _found(_index("train/a.png"), name) is None
    assert _found(_index(), name) is None


def test_one_name_in_several_folders_needs_its_folder() -> None:
    index = _index("A/1.png", "B/1.png", "1.png")
    assert _found(index, "A/1.png") == "A/1.png"
    assert _found(index, "1.png") == "1.png"
    assert _found(index, "1.xml", near="Annotations/B") == "B/1.png"
    assert _found(_index("A/1.png", "B/1.png"), "1.png") is None
    assert _found(_index("x/A/1.png", "x/B/1.png"), "labels/B/1.txt") == "x/B/1.png"


def test_the_ending_tells_images_of_one_stem_apart() -> None:
    index = _index("a.png", "a.tif")
    assert _found(index, "a.tif") == "a.tif"
    assert _found(index, "a.xml") is None


def test_a_label_of_a_missing_image_does_not_go_to_its_namesake_in_another_folder() -> None:
    """Well A2 lost its first field; the fields of other wells bear the same names."""
    index = _index("A1/1.png", "A1/2.png", "A2/2.png")
    assert _found(index, "A1/1.png") == "A1/1.png"
    assert _found(index, "A2/1.png") is None
    assert _found(index, "labels/A2/1.txt") is None
    assert _found(index, "images/A2/2.txt") == "A2/2.png"


def test_a_damaged_image_is_found_as_such_and_takes_its_labels_with_it() -> None:
    index = _index("B/1.png", damaged=("A/1.png",))
    record = index.find("A/1.xml")
    assert record is not None
    assert record.is_damaged
    assert [r.name for r in index.records] == ["B/1.png"]
    assert _found(index, "1.png") is None


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train/a.png", "train"), ("images/valid/a.png", "val"), ("Test/a.png", "test"), ("VALIDATION/x/a", "val"),
        ("train2017/a.png", "train"), ("a.png", None), ("test_1.png", None), ("testing_1/a.png", None),
        ("stage1_train/a/images/a.png", "train"), ("Test_Masks/a.png", "test"), ("my test/a.png", None),
        ("train/test/a.png", None), ("train/training/a.png", "train"), ("contest/a.png", None), ("", None),
    ],
)  # fmt: skip
def test_folders_tell_the_split(path: str, split: str | None) -> None:
    assert split_of(path) == split


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("instances_train.json", "train"), ("instances_val2017.json", "val"), ("my-test.coco.json", "test"),
        ("train/annotations.json", "train"), ("train/val.json", None), ("contest.json", None),
    ],
)  # fmt: skip
def test_words_of_a_files_name_tell_the_split_where_asked(path: str, split: str | None) -> None:
    assert split_of(path, file_name=True) == split
