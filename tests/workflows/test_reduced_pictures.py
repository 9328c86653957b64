"""Pictures show their images from border to border, so that outlines lie where the cells are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.workflows import reduced_pictures as pictures
from cell_pipelines.workflows.reduced_pictures import reduced_picture

_SIZES = [(61, 97), (97, 61), (200, 7), (7, 200), (1, 90), (128, 64), (131, 131)]


def _file(path: Path, image: np.ndarray) -> ImageFile:
    write_image(image, path)
    return ImageFile(path)


@pytest.fixture(params=["read at once", "band by band"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have images read at once, or in bands, as those are that are large."""
    if request.param == "band by band":
        monkeypatch.setattr(pictures, "_MOST_PIXELS", 0)
        monkeypatch.setattr("cell_pipelines.imaging.regions._BAND_BYTES", 1000)
        monkeypatch.setattr(pictures, "_STRIP", 5)
    return str(request.param)


@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("side", [16, 23, 60, 64, 500])
def test_the_whole_image_is_in_the_picture(tmp_path: Path, way: str, size: tuple[int, int], side: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    picture = reduced_picture(_file(tmp_path / "a.tif", image), side)
    assert max(picture.shape[:2]) == min(side, max(size))
    expected = cv2.resize(image.astype(np.float32), picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(picture - expected).max() <= 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_what_is_at_a_place_of_the_image_is_there_in_the_picture(tmp_path: Path, way: str, data: st.DataObject) -> None:
    height, width, side = (data.draw(st.integers(30, 300)) for _ in range(3))
    row, column = data.draw(st.integers(0, height - 9)), data.draw(st.integers(0, width - 9))
    image = np.zeros((height, width), dtype=np.uint8)
    image[row : row + 9, column : column + 9] = 250
    grey = reduced_picture(_file(tmp_path / "a.tif", image), side)[..., 0].astype(float)
    for axis, (length, start) in enumerate([(height, row), (width, column)]):
        profile = grey.sum(axis=1 - axis)
        centre = float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())
        # The page stretches the picture to the size of the image.
        assert centre * length / len(profile) == pytest.approx(start + 4.5, abs=0.5 * length / len(profile))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_deep_images_of_any_number_of_channels_are_shown(tmp_path: Path, way: str, dtype: str, channels: int) -> None:
    plane = np.linspace(0, 4000, 50 * 70).reshape(50, 70).astype(dtype)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([plane] * channels), metadata={"axes": "CYX"}, photometric="minisblack")
    picture = reduced_picture(ImageFile(path), 33)
    assert picture.shape == (24, 33, 3)
    assert picture[0, 0, 0] < 20
    assert picture[-1, -1, 0] > 235


def test_values_beyond_all_bounds_become_white_and_what_is_no_number_black(tmp_path: Path, way: str) -> None:
    image = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    image[:2, :2], image[-2:, -2:] = np.nan, np.inf
    picture = reduced_picture(_file(tmp_path / "a.tif", image), 32)
    assert (picture[0, 0, 0], picture[-1, -1, 0]) == (0, 255)
    assert picture[0, -1, 0] > 235


@pytest.mark.parametrize("side", [20, 500])
def test_a_picture_is_turned_as_its_image_is(tmp_path: Path, way: str, side: int) -> None:
    from PIL import Image

    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: the camera was held upright
    pixels = np.zeros((30, 50, 3), dtype=np.uint8)
    pixels[:, :10] = 250
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=turned, quality=100)
    picture = reduced_picture(ImageFile(tmp_path / "a.jpg"), side)
    assert picture.shape[:2] == ((50, 30) if side == 500 else (20, 12))
    assert picture[0].mean() > 200
    assert picture[-1].mean() < 20
