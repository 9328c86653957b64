"""Every public image is read as an independent reader sees it, or refused by a sentence that says what to choose."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    IMAGE_SUFFIXES,
    ImageFile,
    ImageFormatError,
    ImageSelection,
    describe_image,
    hash_pixels,
    list_image_files,
    open_region_reader,
    read_image,
)

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
MICROSCOPES = DATA / "annotation_formats" / "microscope_files"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder"),
]

Image = NDArray[Any]


def _folders() -> list[str]:
    return sorted({p.parent.relative_to(DATA).as_posix() for p in _files()}) if DATA.is_dir() else []


def _files(folder: Path = DATA) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)


def _with_tifffile(path: Path) -> tuple[Image, str]:
    """Return an array with the channels last, and its axes."""
    with tifffile.TiffFile(path) as tiff:
        image, axes = tiff.series[0].asarray(), tiff.series[0].axes
    if axes.endswith("CYX"):
        image, axes = np.moveaxis(image, -3, -1), axes.replace("CYX", "YXC")
    return image, axes


def _with_other(path: Path) -> Image:
    with PIL.Image.open(path) as picture:
        colour = picture.mode not in ("L", "1", "I;16", "I") and not (
            picture.mode == "P" and np.ptp(np.reshape(picture.getpalette(), (-1, 3)), axis=1).max() == 0
        )
        if path.suffix.lower() in (".jpg", ".jpeg"):
            return np.array(picture.convert("RGB") if colour else picture)
    flags = cv2.IMREAD_ANYDEPTH | (cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
    image = cv2.imread(str(path), flags)
    return image[..., ::-1] if image.ndim == 3 else image


@pytest.mark.parametrize("folder", _folders())
def test_every_image_is_what_an_independent_reader_sees_or_refused_with_its_choices(folder: str) -> None:
    files = [p for p in (DATA / folder).iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.suffix != ".czi"]
    for number, path in enumerate(sorted(files)):
        if path.suffix.lower() not in (".tif", ".tiff"):
            image, expected = read_image(path), _with_other(path)
        else:
            expected, axes = _with_tifffile(path)
            if axes[:1] == "Z":
                with pytest.raises(
                    ImageFormatError, match=rf"got a stack with the axes Z.*`z` \(0 to {len(expected) - 1}, max"
                ):
                    read_image(path)
                last, highest = (ImageSelection(z=z) for z in (len(expected) - 1, "max"))
                np.testing.assert_array_equal(read_image(path, highest), expected.max(axis=0))
                image, expected = read_image(path, last), expected[-1]
            else:
                image = read_image(path)
        assert image.dtype == expected.dtype
        np.testing.assert_array_equal(image, expected)
        if number < 3 or path.suffix == ".tif":
            _check_description_and_regions(path, image)


def _check_description_and_regions(path: Path, image: Image) -> None:
    info = describe_image(path)[0]
    depth = info.length("Z")
    file = ImageFile(path, ImageSelection(z=depth - 1))
    assert file.info().shape == image.shape
    assert file.info().dtype == image.dtype.name
    rng = np.random.default_rng(0)
    with open_region_reader(path, file.selection) as large:
        assert hash_pixels(large) == hash_pixels(image)
        for _ in range(5):
            top, left = int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))
            height, width = int(rng.integers(image.shape[0] - top)) + 1, int(rng.integers(image.shape[1] - left)) + 1
            part = large.read(top, left, height, width)
            np.testing.assert_array_equal(part, image[top : top + height, left : left + width])


def test_both_scenes_of_a_czi_are_images_of_their_own() -> None:
    import czifile

    path = MICROSCOPES / "czi_two_scenes_neubias.czi"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {DATA}")
    if hasattr(czifile, "CziScenes"):  # of 2026
        with czifile.CziFile(path) as file:
            whole = np.stack([file.scenes[scene].asarray() for scene in range(2)])
    else:
        whole = czifile.imread(path).squeeze()
    scenes = describe_image(path)
    assert [(s.axes, s.shape, s.dtype, s.channel_names) for s in scenes] == [
        ("ZYX", (2, 251, 251), "uint16", ("ChA",))
    ] * 2
    assert scenes[0].pixel_size_um == pytest.approx((0.19564437607395324,) * 2)
    assert scenes[0].z_step_um == pytest.approx(0.3)
    with pytest.raises(ImageFormatError, match=r"expected one image, got 2 scenes; choose `scene` \(0.*, 1"):
        read_image(path)
    for scene in range(2):
        with pytest.raises(ImageFormatError, match=r"axes ZYX of \(2, 251, 251\); choose `z` \(0 to 1, max or mean\)"):
            read_image(path, ImageSelection(scene=scene))
        for z in range(2):
            chosen = ImageSelection(scene=scene, z=z, channels=("cha",))
            np.testing.assert_array_equal(read_image(path, chosen), whole[scene, z])
            np.testing.assert_array_equal(ImageFile(path, chosen).region(9, 200, 30, 51), whole[scene, z, 9:39, 200:])
        both = np.rint(whole[scene].astype(float).mean(axis=0))
        np.testing.assert_array_equal(read_image(path, ImageSelection(scene=scene, z="mean")), both)


def test_microscope_files_are_listed_with_their_scenes() -> None:
    if not MICROSCOPES.is_dir():
        pytest.skip(f"no microscope files in {DATA}")
    files = list_image_files(MICROSCOPES, ImageSelection(z="max"))
    assert [name for name in files if "czi" in name] == [f"czi_two_scenes_neubias.czi/scene {i}" for i in range(2)]
    assert len(files) == 8
    for file in files.values():
        assert file().shape == file.info().shape


@pytest.mark.parametrize(
    ("name", "size", "z_step"),
    [
        ("annotation_formats/microscope_files/imagej_zstack_calibrated_neubias.tif", 558345799 / 4294967295, 0.52),
        ("annotation_formats/microscope_files/ome_tiff_rgb_jpeg_instanseg.ome.tif", 0.5000799214486333, None),
        ("annotation_formats/microscope_files/phase_16bit_packbits_omnipose.tif", None, None),
        ("multichannel_fluorescence_neubias/xyz_16bit__spots.tif", 1 / 10.623103, 0.39999999999999974),
        ("multichannel_fluorescence_neubias/xy_8bit__mitocheck_incenp_t1.tif", 0.1, None),
        ("multichannel_fluorescence_neubias/xyc_16bit__nup_nuclei.tif", None, None),
    ],
)
def test_pixel_sizes_are_those_the_files_tell(name: str, size: float | None, z_step: float | None) -> None:
    if not (DATA / name).is_file():
        pytest.skip(f"{name} is not in {DATA}")
    info = describe_image(DATA / name)[0]
    assert info.pixel_size_um == (None if size is None else pytest.approx((size, size), rel=1e-6))
    assert info.z_step_um == (None if z_step is None else pytest.approx(z_step))


def test_metamorph_files_tell_their_calibration_and_rewritten_ones_have_lost_it() -> None:
    folder = DATA / "nuclei_fluorescence_16bit_bbbc039" / "images"
    if not folder.is_dir():
        pytest.skip(f"no 16 bit images in {DATA}")
    sizes = [describe_image(path)[0].pixel_size_um for path in _files(folder)]
    assert set(sizes) == {None, (0.645, 0.645)}


def test_images_are_read_in_other_processes_too() -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    path = MICROSCOPES / "imagej_zstack_calibrated_neubias.tif"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {DATA}")
    file = ImageFile(path, ImageSelection(z="max"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        np.testing.assert_array_equal(pool.submit(partial(file)).result(), file())
