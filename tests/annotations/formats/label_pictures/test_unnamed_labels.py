from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.label_pictures.unnamed_labels import name_of_root, picture_kind
from cell_pipelines.annotations.formats.registry import detect_format, read_annotations
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SIZE = (40, 48)


def labels(count: int = 3) -> np.ndarray:
    """Make a label image with `count` square cells."""
    picture = np.zeros(SIZE, np.uint16)
    for number in range(count):
        picture[4 + 10 * number : 11 + 10 * number, 5:12] = number + 1
    return picture


def photograph(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, SIZE).astype(np.uint8)


def index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, SIZE[1], SIZE[0]) for name in names)


@pytest.mark.parametrize("folder", ["anna", "second try", "GT_2", "my cells"])
@pytest.mark.parametrize("kind", ["label_image", "binary_mask"])
def test_pictures_of_labels_are_read_from_a_folder_of_any_name(folder: str, kind: str, tmp_path: Path) -> None:
    for name, count in (("a.png", 3), ("b.png", 0), ("c.png", 2)):
        picture = labels(count)
        write_raster(
            (picture > 0).astype(np.uint8) * 255 if kind == "binary_mask" else picture, tmp_path / folder / name
        )
    found = read_annotations(tmp_path / folder, index("a.png", "b.png", "c.png")).annotations
    assert detect_format(tmp_path / folder)[0] == kind
    assert dict(zip(found.names, found.counts().sum(axis=1).tolist(), strict=True)) == {
        "a.png": 3,
        "b.png": 0,
        "c.png": 2,
    }


def red_labels(count: int = 3) -> np.ndarray:
    """Make a label image as of BBBC039: numbers in the red channel, used again for cells that don't touch."""
    red = np.where(labels(count) > 0, 1, 0).astype(np.uint8)
    red[:, 20:27] = 2 * red[:, 5:12]
    return np.dstack([red, np.zeros_like(red), np.zeros_like(red)])


@pytest.mark.parametrize("folder", ["masks/test", "labels/Train", "masks/valid", "anna"])
def test_numbers_in_one_colour_are_labels_in_one_side_of_a_split_and_in_a_folder_of_any_name(
    folder: str, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        write_raster(red_labels(), tmp_path / folder / name)
    assert detect_format(tmp_path / folder)[0] == "instance_channel"
    assert read_annotations(tmp_path / folder, index("a.png", "b.png")).annotations.n_objects == 12


@pytest.mark.parametrize("folder", ["masks/test", "train_masks", "labels/dev"])
def test_one_side_of_masks_is_read_as_masks(folder: str, tmp_path: Path) -> None:
    write_raster(labels(), tmp_path / folder / "a.png")
    write_raster(np.where(labels() > 0, 255, 0).astype(np.uint8), tmp_path / folder / "b.png")
    assert detect_format(tmp_path / folder)[0] == "label_image"


def test_one_side_of_images_stays_images(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_raster(photograph(), tmp_path / "images" / "test" / name)
    with pytest.raises(AnnotationFormatError, match="only images lie here"):
        detect_format(tmp_path / "images" / "test")


def test_one_photograph_among_the_first_pictures_makes_a_folder_one_of_images(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_raster(labels(), tmp_path / "anna" / name)
    write_raster(photograph(), tmp_path / "anna" / "c.png")
    with pytest.raises(AnnotationFormatError, match="only images lie here"):
        detect_format(tmp_path / "anna")


def test_a_photograph_after_the_first_pictures_is_listed_and_gives_no_cells(tmp_path: Path) -> None:
    names = [f"{number:02d}.png" for number in range(13)]
    for name in names[:-1]:
        write_raster(labels(), tmp_path / "anna" / name)
    write_raster(photograph(), tmp_path / "anna" / names[-1])
    found = read_annotations(tmp_path / "anna", index(*names))
    assert found.annotations.n_objects == 12 * 3
    assert any(finding.file == names[-1] and "grey" in finding.reason for finding in found.findings)


@pytest.mark.parametrize(
    "others", [["images/a.png"], ["a_mask.png"], ["annotations.json"], ["masks/a.png"]], ids=lambda names: names[0]
)
def test_where_something_else_tells_what_the_pictures_are_their_contents_do_not_count(
    others: list[str], tmp_path: Path
) -> None:
    write_raster(labels(), tmp_path / "anna" / "b.png")
    for name in others:
        (tmp_path / "anna" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "anna" / name).write_bytes((tmp_path / "anna" / "b.png").read_bytes())
    assert name_of_root(tmp_path / "anna", Naming()) == "anna"


@pytest.mark.parametrize("name", ["images", "raw", "photos"])
def test_a_folder_that_is_called_as_images_are_holds_none(name: str, tmp_path: Path) -> None:
    write_raster(labels(), tmp_path / name / "a.png")
    assert name_of_root(tmp_path / name, Naming()) == name


def test_empty_pictures_alone_say_nothing(tmp_path: Path) -> None:
    write_raster(labels(0), tmp_path / "anna" / "a.png")
    assert name_of_root(tmp_path / "anna", Naming()) == "anna"


def test_the_kind_of_a_picture_is_told_also_where_it_is_none_of_labels() -> None:
    colours = np.stack([labels(), labels() * 2, labels()], axis=-1)
    assert picture_kind(labels()) == "labels"
    assert picture_kind(colours) == "colours"
    assert picture_kind(labels() / 7.0) == "fractions"
