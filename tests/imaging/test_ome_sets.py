"""OME-TIFF over several files: each file is the planes that its description says lie in it, whatever it is called."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    ImageFormatError,
    ImageSelection,
    describe_image,
    list_image_files,
    read_image,
)

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[2] / ".." / "shared" / "cases"))
SPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def _data(t: int, z: int, c: int, page: int, file: str) -> str:
    uuid = f'<UUID FileName="{file}">urn:uuid:{file}</UUID>'
    return f'<TiffData FirstT="{t}" FirstZ="{z}" FirstC="{c}" IFD="{page}" PlaneCount="1">{uuid}</TiffData>'


def _image(number: int, name: str, sizes: dict[str, int], data: list[str]) -> str:
    channels = "".join(f'<Channel ID="Channel:{number}:{c}" Name="dye {c}"/>' for c in range(sizes["C"]))
    lengths = " ".join(f'Size{axis}="{n}"' for axis, n in sizes.items())
    return (
        f'<Image ID="Image:{number}" Name="{name}"><Pixels ID="Pixels:{number}" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeX="9" SizeY="8" {lengths} PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeZ="2">'
        f"{channels}{''.join(data)}</Pixels></Image>"
    )


def _write(path: Path, pixels: NDArray[Any], images: str, identity: str | None = None) -> None:
    uuid = "" if identity is None else f' UUID="{identity}"'
    xml = f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{SPACE}"{uuid}>{images}</OME>'
    tifffile.imwrite(path, pixels, description=xml, metadata=None, photometric="minisblack")


def _pixels(*shape: int) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 60_000, shape, dtype=np.uint16)


@pytest.mark.parametrize("axis", ["T", "Z", "C"])
@pytest.mark.parametrize("identity", [None, "urn:uuid:b.ome.tif"])
@pytest.mark.parametrize("name", ["b.ome.tif", "B.ome.tif"])
def test_pages_of_a_file_of_a_set_are_what_the_description_says(
    tmp_path: Path, axis: str, identity: str | None, name: str
) -> None:
    pixels, sizes = _pixels(3, 8, 9), {"T": 1, "Z": 1, "C": 1, axis: 3}
    images = "".join(
        _image(
            n,
            f"Pos{n}",
            sizes,
            [_data(**{"t": 0, "z": 0, "c": 0, axis.lower(): i}, page=i, file=file) for i in range(3)],
        )
        for n, file in enumerate(("a.ome.tif", "b.ome.tif"))
    )
    _write(tmp_path / name, pixels, images, identity)
    (info,) = describe_image(tmp_path / name)
    assert (info.axes, info.shape, info.scene, info.pixel_size_um) == (f"{axis}YX", (3, 8, 9), "Pos1", (0.5, 0.5))
    assert info.channel_names == (("dye 0", "dye 1", "dye 2") if axis == "C" else ("dye 0",))
    if axis == "C":
        np.testing.assert_array_equal(read_image(tmp_path / name), np.moveaxis(pixels, 0, -1))
        return
    word = {"T": "time", "Z": "z"}[axis]
    with pytest.raises(ImageFormatError, match=f"choose `{word}`"):
        read_image(tmp_path / name)
    for number in range(3):
        chosen = ImageSelection(**{word: number})
        np.testing.assert_array_equal(read_image(tmp_path / name, chosen), pixels[number])


def test_a_file_a_channel_keeps_its_channels_name(tmp_path: Path) -> None:
    pixels, sizes = _pixels(2, 8, 9), {"T": 1, "Z": 1, "C": 2}
    images = _image(0, "x", sizes, [_data(0, 0, c, 0, f"c{c}.ome.tif") for c in range(2)])
    for c in range(2):
        _write(tmp_path / f"c{c}.ome.tif", pixels[c], images, f"urn:uuid:c{c}.ome.tif")
        (info,) = describe_image(tmp_path / f"c{c}.ome.tif")
        assert (info.axes, info.channel_names) == ("YX", (f"dye {c}",))
        np.testing.assert_array_equal(read_image(tmp_path / f"c{c}.ome.tif"), pixels[c])


def test_pages_in_any_order_and_two_images_in_one_file_are_distinguished(tmp_path: Path) -> None:
    pixels, sizes = _pixels(4, 8, 9), {"T": 2, "Z": 1, "C": 1}
    order = [3, 0, 2, 1]
    images = "".join(
        _image(n, f"Pos{n}", sizes, [_data(t, 0, 0, order[2 * n + t], "a.ome.tif") for t in range(2)]) for n in range(2)
    ) + _image(2, "Pos2", sizes, [_data(t, 0, 0, t, "elsewhere.ome.tif") for t in range(2)])
    path = tmp_path / "a.ome.tif"
    _write(path, pixels, images, "urn:uuid:a.ome.tif")
    assert [info.scene for info in describe_image(path)] == ["Pos0", "Pos1"]
    for n in range(2):
        for t in range(2):
            read = read_image(path, ImageSelection(scene=n, time=t))
            np.testing.assert_array_equal(read, pixels[order[2 * n + t]])


def test_a_renamed_file_whose_description_speaks_of_one_file_means_itself(tmp_path: Path) -> None:
    pixels = _pixels(3, 8, 9)
    images = _image(0, "x", {"T": 3, "Z": 1, "C": 1}, [_data(t, 0, 0, t, "old.ome.tif") for t in range(3)])
    _write(tmp_path / "new.tif", pixels, images)
    assert describe_image(tmp_path / "new.tif")[0].axes == "TYX"


def test_pages_that_a_description_does_not_name_are_never_guessed_to_be_channels(tmp_path: Path) -> None:
    images = _image(0, "x", {"T": 3, "Z": 1, "C": 1}, [_data(t, 0, 0, t, f"{t}.ome.tif") for t in range(3)])
    _write(tmp_path / "other.ome.tif", _pixels(3, 8, 9), images)
    with pytest.raises(ImageFormatError, match="one of the 3 pages, which the file doesn't name"):
        read_image(tmp_path / "other.ome.tif")


@pytest.mark.parametrize("damage", ["</Pixels>", 'SizeX="9"', 'FirstT="1"', 'IFD="2"', 'DimensionOrder="XYCZT"'])
def test_a_damaged_description_never_makes_channels_of_pages(tmp_path: Path, damage: str) -> None:
    images = _image(0, "x", {"T": 3, "Z": 1, "C": 1}, [_data(t, 0, 0, t, "a.ome.tif") for t in range(3)])
    images += _image(1, "y", {"T": 3, "Z": 1, "C": 1}, [_data(t, 0, 0, t, "b.ome.tif") for t in range(3)])
    broken = images.replace(damage, damage.split("=")[0] + '="?"' if "=" in damage else "<")
    assert broken != images
    _write(tmp_path / "a.ome.tif", _pixels(3, 8, 9), broken)
    with pytest.raises(ImageFormatError, match=r"a\.ome\.tif: expected (one image, got a stack|a whole image)"):
        read_image(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("companion", ["set.companion.ome", "first.ome.tif"])
def test_a_description_in_another_file_of_the_set_is_found_beside(tmp_path: Path, companion: str) -> None:
    pixels = _pixels(2, 8, 9)
    images = _image(0, "x", {"T": 2, "Z": 1, "C": 1}, [_data(t, 0, 0, t, "b.ome.tif") for t in range(2)])
    if companion.endswith(".tif"):
        _write(tmp_path / companion, _pixels(8, 9), images, "urn:uuid:first")
    else:
        (tmp_path / companion).write_text(f'<OME xmlns="{SPACE}">{images}</OME>')
    _write(tmp_path / "b.ome.tif", pixels, f'<BinaryOnly MetadataFile="{companion}" UUID="urn:uuid:b.ome.tif"/>')
    assert describe_image(tmp_path / "b.ome.tif")[0].axes == "TYX"
    (tmp_path / companion).unlink()
    with pytest.raises(ImageFormatError, match="which the file doesn't name"):
        read_image(tmp_path / "b.ome.tif")


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
def test_the_cases_have_their_axes_and_names() -> None:
    folder = CASES / "formats" / "ome_tiff_of_several_files"
    for path in (folder / "micromanager_positions").iterdir():
        (info,) = describe_image(path)
        assert (info.axes, info.shape, info.channel_names) == ("TYX", (3, 30, 40), ("DAPI",))
        assert info.scene == path.name.split("_")[2].split(".")[0]
    assert len(list_image_files(folder / "micromanager_positions", ImageSelection(time="each"))) == 6
    names = {path.name: describe_image(path)[0].channel_names for path in (folder / "file_a_channel").iterdir()}
    assert names == {"z_Ch1.ome.tif": ("DAPI",), "z_Ch2.ome.tif": ("GFP",)}
    for path in (CASES / "formats" / "imagej_inch_pixel_size").iterdir():
        assert describe_image(path)[0].pixel_size_um is None
