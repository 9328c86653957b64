"""Names of labels and images: suffixes, prefixes and folders by which a label finds its image."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skimage import draw, filters

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SIZE = (120, 160)
CELLS = 35


def _labels() -> npt.NDArray[Any]:
    """Number 35 discs of radius 6 on a grid."""
    labels = np.zeros(SIZE, np.uint8)
    for number in range(CELLS):
        row, column = divmod(number, 7)
        labels[draw.disk((14 + 22 * row, 14 + 22 * column), 6.5, shape=SIZE)] = number + 1
    return labels


def _photo() -> npt.NDArray[Any]:
    noise = np.random.default_rng(0).normal(0, 4, SIZE)
    return np.clip(filters.gaussian((_labels() > 0) * 90.0, 2) + 40 + noise, 0, 255).astype(np.uint8)


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, SIZE[1], SIZE[0]) for name in names)


@pytest.mark.parametrize(
    "name",
    ["a-labelled", "a-lbl", "a_labeled", "a_mask", "a-mask", "a.mask", "a masks", "a_seg", "a_cp_masks", "a_labels",
     "a_gt", "a_segmentation", "a_instances", "a_ground_truth", "a_annotation", "mask_a", "label-a", "seg_a"],
)  # fmt: skip
def test_labels_beside_their_images_are_known_by_their_names(name: str, tmp_path: Path) -> None:
    write_raster(_labels(), tmp_path / f"{name}.png")
    write_raster(_photo(), tmp_path / "a.tif")
    conversion = read_annotations(tmp_path, _index("a.tif"))
    assert conversion.annotations.n_objects == CELLS
    # The same, where all pictures of the folder were taken for images.
    assert read_annotations(tmp_path, _index("a.tif", f"{name}.png")).annotations.names == ["a.tif"]


@pytest.mark.parametrize(
    ("label", "image"),
    [
        ("train_masks/1.png", "train_images/1.png"), ("set1_gt/1.png", "set1/1.png"), ("Masks/1_mask.png", "Raw/1.png"),
        ("masks/mask_001.png", "images/img_001.png"), ("gt/cell7_gt.png", "cell7_image.png"),
        ("01_GT/TRA/man_track000.tif", "01/t000.tif"), ("01_GT/SEG/man_seg000.tif", "01/t000.tif"),
        ("01_ST/SEG/man_seg012.tif", "01/t012.tif"), ("02_RES/mask000.tif", "02/t000.tif"),
        ("masks/a.png", "images/a.ome.tif"),
    ],
)  # fmt: skip
def test_labels_in_folders_find_their_images(label: str, image: str, tmp_path: Path) -> None:
    write_raster(_labels(), tmp_path / label)
    decoys = ["02/t001.tif", "other/99.png"]
    conversion = read_annotations(tmp_path, _index(image, *decoys))
    assert conversion.annotations.names == [image]
    assert conversion.annotations.n_objects == CELLS


def test_tracks_count_before_outlines_of_some_frames(tmp_path: Path) -> None:
    """Numbers of both kinds would mix; the outlines are listed, and read where they are named."""
    for frame in range(2):
        write_raster(_labels(), tmp_path / "01_GT" / "TRA" / f"man_track00{frame}.tif")
    write_raster(np.where(_labels() > 30, _labels(), 0).astype(np.uint8), tmp_path / "01_GT" / "SEG" / "man_seg000.tif")
    (tmp_path / "01_GT" / "TRA" / "man_track.txt").write_text("1 0 1 0\n2 0 1 0\n")
    index = _index("01/t000.tif", "01/t001.tif")
    conversion = read_annotations(tmp_path, index)
    assert conversion.annotations.counts().ravel().tolist() == [CELLS, CELLS]
    assert [f.file for f in conversion.findings if f.action == "skipped"] == ["01_GT/SEG/man_seg000.tif"]
    outlines = read_annotations(tmp_path, index, format="label_image", label_folder="SEG")
    assert outlines.annotations.n_objects == 5


def test_label_pictures_taken_for_images_are_no_images_without_cells(tmp_path: Path) -> None:
    write_raster(_labels(), tmp_path / "a_mask.png")
    write_raster(_photo(), tmp_path / "a.png")
    conversion = read_annotations(tmp_path, _index("a.png", "a_mask.png"), unlabelled="background")
    assert conversion.annotations.names == ["a.png"]
    assert [(f.file, f.action) for f in conversion.findings] == [("a_mask.png", "noted")]


def test_labels_find_an_image_in_a_folder_of_any_name(tmp_path: Path) -> None:
    write_raster(_labels(), tmp_path / "Ground truth" / "1.png")
    write_raster(_photo(), tmp_path / "Microscope A" / "1.png")
    conversion = read_annotations(tmp_path, _index("Microscope A/1.png", "Ground truth/1.png"))
    assert conversion.annotations.names == ["Microscope A/1.png"]


def test_masks_of_single_cells_beside_each_other_have_their_sentence(tmp_path: Path) -> None:
    for number in (1, 2):
        write_raster(
            np.where(_labels() == number, 255, 0).astype(np.uint8), tmp_path / "masks" / f"a_mask_{number}.png"
        )
    conversion = read_annotations(tmp_path, _index("images/a.png"), format="binary_mask")
    assert any("seems to be the mask of one cell of images/a.png" in f.reason for f in conversion.findings)


@pytest.mark.parametrize("file", ["masks/b.gif", "labels/b.MAT", "b_mask.npy", "masks/b.nii.gz"])
def test_labels_of_formats_that_are_not_read_are_listed(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"x")
    with pytest.raises(AnnotationFormatError, match=r"labels ending in \.[a-z.]+ are not read"):
        read_annotations(tmp_path, _index("a.png", "b.png"))
    write_raster(_labels(), tmp_path / "a_mask.png")
    write_raster(_photo(), tmp_path / "a.png")
    conversion = read_annotations(tmp_path, _index("a.png", "b.png"))
    assert conversion.annotations.names == ["a.png"]
    assert (file, "skipped") in [(f.file, f.action) for f in conversion.findings]
