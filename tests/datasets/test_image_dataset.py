"""The catalog's way to say what is taken of files that hold more than one image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from kedro.io import DatasetError

from cell_pipelines.datasets.image_dataset import ImageDataset, ImageFolderDataset

PIXELS = np.random.default_rng(0).integers(0, 65535, (2, 3, 2, 8, 9), dtype=np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    metadata: dict[str, Any] = {"axes": "TZCYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(tmp_path / "film.ome.tif", PIXELS, metadata=metadata, photometric="minisblack")
    metadata["axes"] = "CYX"
    tifffile.imwrite(tmp_path / "plain.ome.tif", PIXELS[0, 0], metadata=metadata, photometric="minisblack")
    return tmp_path


@pytest.mark.parametrize("channels", ["GFP", ["gfp"], 1, [1]])
def test_channels_depth_and_time_are_chosen_in_the_catalog(channels: Any, folder: Path) -> None:
    load_args = {"channels": channels, "z": "max", "time": "each"}
    images = ImageFolderDataset(path=str(folder), load_args=load_args).load()
    assert list(images) == ["film.ome.tif/t0000", "film.ome.tif/t0001", "plain.ome.tif"]
    np.testing.assert_array_equal(images["film.ome.tif/t0001"](), PIXELS[1, :, 1].max(axis=0))
    np.testing.assert_array_equal(images["plain.ome.tif"](), PIXELS[0, 0, 1])


def test_one_image_of_a_stack_is_a_dataset_too(folder: Path) -> None:
    dataset = ImageDataset(filepath=str(folder / "film.ome.tif"), load_args={"z": 2, "time": 0})
    np.testing.assert_array_equal(dataset.load(), np.moveaxis(PIXELS[0, 2], 0, -1))
    with pytest.raises(DatasetError, match=r"choose `time` \(0 to 1\) and `z`"):
        ImageDataset(filepath=str(folder / "film.ome.tif")).load()


@pytest.mark.parametrize(
    ("load_args", "sentence"),
    [
        ({"plane": 1}, "`load_args` must be among channels, z, time and scene, got plane"),
        ({"z": "sum"}, "`z` must be a number from 0, max, mean or each, got 'sum'"),
        ({"channels": []}, "`channels` must be names or numbers from 0"),
    ],
)
def test_what_means_nothing_is_refused_when_the_catalog_is_read(load_args: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        ImageFolderDataset(path="raw", load_args=load_args)


def test_a_study_without_its_images_says_where_to_get_them(tmp_path):
    dataset = ImageFolderDataset(path=str(tmp_path / "images"), source="set CELL_REAL_DATA to their folder.")
    with pytest.raises(DatasetError, match=r"images: expected images; .* set CELL_REAL_DATA to their folder\."):
        dataset.load()
