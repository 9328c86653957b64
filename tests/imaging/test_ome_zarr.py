"""OME-Zarr is written by zarr-python as the specification says, and read by our own reader."""

import json

import numpy as np
import pytest

from cell_pipelines.imaging.description import ImageFormatError, ImageSelection
from cell_pipelines.imaging.reading import (
    ImageFile,
    describe_image,
    hash_pixels,
    list_image_files,
    open_region_reader,
    read_image,
)

zarr = pytest.importorskip("zarr")

AXES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def multiscales(axes, *, scale=None, unit="micrometer", dataset="0"):
    described = [{"name": name, "type": AXES[name], **({"unit": unit} if name in "zyx" else {})} for name in axes]
    steps = [{"type": "scale", "scale": list(scale or [1.0] * len(axes))}]
    return [{"axes": described, "datasets": [{"path": dataset, "coordinateTransformations": steps}]}]


def write(path, pixels, axes, *, version=0.5, channels=(), chunks=None, **described):
    """Write one image; 0.4 is Zarr 2, 0.5 is Zarr 3."""
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == 0.5 else 2)
    array = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, chunks=chunks or pixels.shape)
    array[...] = pixels
    ome = {"multiscales": multiscales(axes, **described), "version": str(version)}
    if channels:
        ome["omero"] = {"channels": [{"label": name} for name in channels]}
    group.attrs.update({"ome": ome} if version == 0.5 else ome)
    return path


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 60000, (2, 3, 4, 40, 50), dtype=np.uint16)


@pytest.mark.parametrize("version", [0.4, 0.5])
def test_each_plane_is_read_with_its_channels_and_sizes(tmp_path, pixels, version):
    path = write(
        tmp_path / "a.zarr", pixels, "tczyx", version=version, channels=("DAPI", "GFP", "Cy5"),
        chunks=(1, 1, 1, 16, 16), scale=(1, 1, 2.0, 0.65, 0.5),
    )  # fmt: skip
    (info,) = describe_image(path)
    assert (info.axes, info.shape, info.dtype) == ("TZCYX", (2, 4, 3, 40, 50), "uint16")
    assert info.channel_names == ("DAPI", "GFP", "Cy5")
    assert (info.pixel_size_um, info.z_step_um) == ((0.65, 0.5), 2.0)
    chosen = read_image(path, ImageSelection(channels=("GFP",), z=2, time=1))
    np.testing.assert_array_equal(chosen, pixels[1, 1, 2])
    projected = read_image(path, ImageSelection(z="max", time=0))
    np.testing.assert_array_equal(projected, np.moveaxis(pixels[0].max(axis=1), 0, -1))
    with pytest.raises(
        ImageFormatError, match=r"a\.zarr: expected one image, got a stack.*choose `time` \(0 to 1\) and `z`"
    ):
        read_image(path)


@pytest.mark.parametrize("version", [0.4, 0.5])
def test_regions_and_bands_are_parts_of_the_whole(tmp_path, pixels, version):
    path = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx", version=version, chunks=(16, 16))
    whole = read_image(path)
    np.testing.assert_array_equal(whole, pixels[0, 0, 0])
    np.testing.assert_array_equal(ImageFile(path).region(7, 21, 20, 13), whole[7:27, 21:34])
    with open_region_reader(path) as image:
        assert hash_pixels(image) == hash_pixels(whole)


def test_only_the_chunks_of_a_region_are_opened(tmp_path, pixels):
    path = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx", version=0.4, chunks=(10, 10))
    for chunk in (path / "0").iterdir():
        if chunk.name not in (".zarray", ".zattrs", "2.3", "2.4"):
            chunk.write_bytes(b"damaged")
    np.testing.assert_array_equal(ImageFile(path).region(20, 30, 10, 20), pixels[0, 0, 0, 20:30, 30:50])
    with pytest.raises(ImageFormatError, match=r"a\.zarr: expected a whole image, got"):
        read_image(path)


def test_rows_may_be_the_last_axis(tmp_path, pixels):
    path = write(tmp_path / "a.zarr", pixels[0, :, 0].transpose(0, 2, 1), "cxy")
    np.testing.assert_array_equal(read_image(path), np.moveaxis(pixels[0, :, 0], 0, -1))


def test_shards_are_read(tmp_path, pixels):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=3)
    array = group.create_array("0", shape=(40, 50), dtype="uint16", chunks=(8, 8), shards=(16, 16))
    array[...] = pixels[0, 0, 0]
    group.attrs["ome"] = {"multiscales": multiscales("yx"), "version": "0.5"}
    np.testing.assert_array_equal(ImageFile(tmp_path / "a.zarr").region(3, 4, 30, 40), pixels[0, 0, 0, 3:33, 4:44])


def test_fields_of_a_plate_are_images_and_labels_are_none(tmp_path, pixels):
    plate = zarr.open_group(str(tmp_path / "images" / "plate.zarr"), mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": "B/3"}, {"path": "C/10"}], "version": "0.4"}
    for number, well in enumerate(("B/3", "C/10")):
        plate.require_group(well).attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}]}
        for field in (0, 1):
            image = write(
                tmp_path / "images" / "plate.zarr" / well / str(field), pixels[number, 0, field], "yx", version=0.4
            )
            write(image / "labels" / "nuclei", pixels[0, 0, 0], "yx", version=0.4)
    files = list_image_files(tmp_path / "images")
    assert list(files) == [f"plate.zarr/{well}/{field}" for well in ("B/3", "C/10") for field in (0, 1)]
    np.testing.assert_array_equal(files["plate.zarr/C/10/1"](), pixels[1, 0, 1])
    alone = list_image_files(tmp_path / "images" / "plate.zarr")
    assert list(alone) == list(files)


def test_series_of_a_converted_file_are_images(tmp_path, pixels):
    group = zarr.open_group(str(tmp_path / "file.zarr"), mode="w", zarr_format=3)
    group.attrs["ome"] = {"bioformats2raw.layout": 3, "version": "0.5"}
    for series in range(3):
        write(tmp_path / "file.zarr" / str(series), pixels[0, 0, 0], "yx")
    assert set(list_image_files(tmp_path)) == {"file.zarr/0", "file.zarr/1", "file.zarr/2"}


def test_time_points_are_images_of_their_own(tmp_path, pixels):
    write(tmp_path / "film.zarr", pixels[:, 0, 0], "tyx")
    files = list_image_files(tmp_path, ImageSelection(time="each"))
    assert list(files) == ["film.zarr/t0000", "film.zarr/t0001"]
    np.testing.assert_array_equal(files["film.zarr/t0001"](), pixels[1, 0, 0])


def test_a_changed_chunk_changes_the_signature(tmp_path, pixels):
    path = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx", version=0.4, chunks=(20, 20))
    before = ImageFile(path).signature()
    assert ImageFile(path).signature() == before
    zarr.open_array(str(path / "0"), mode="r+")[25, 25] = 7
    assert ImageFile(path).signature() != before


def test_a_zarr_that_is_no_image_is_listed_with_its_reason(tmp_path, pixels):
    write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx")
    zarr.open_group(str(tmp_path / "table.zarr"), mode="w").attrs["encoding-type"] = "anndata"
    zarr.create_array(str(tmp_path / "array.zarr"), shape=(4, 4), dtype="u1")
    files = list_image_files(tmp_path)
    assert [name for name, file in files.items() if not file.unread] == ["a.zarr"]
    assert "got a Zarr group with encoding-type" in files["table.zarr"].unread
    assert "got a Zarr array with no attributes" in files["array.zarr"].unread
    with pytest.raises(ImageFormatError, match=r"table\.zarr: expected OME-Zarr"):
        files["table.zarr"]()


@pytest.mark.parametrize("named", ["../../secret", "/etc", "a//b", ".", "..", None, "a\\..\\b"])
def test_a_description_names_no_place_outside(tmp_path, pixels, named):
    write(tmp_path / "secret", pixels[0, 0, 0], "yx")
    path = write(tmp_path / "a" / "b.zarr", pixels[0, 0, 0], "yx", dataset=named)
    with pytest.raises(ImageFormatError, match=r"b\.zarr: expected the path of a folder in it, got"):
        read_image(path)


def test_pixels_that_are_packed_by_what_can_run_code_are_refused(tmp_path, pixels):
    path = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx", version=0.4)
    file = path / "0" / ".zarray"
    described = json.loads(file.read_text())
    file.write_text(json.dumps({**described, "filters": [{"id": "pickle", "protocol": 5}]}))
    with pytest.raises(ImageFormatError, match=r"a\.zarr: its pixels are packed by 'pickle', which is not opened"):
        read_image(path)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("zarr.json", "{", "expected JSON"),
        ("zarr.json", "[1]", "expected a JSON object, got list"),
        ("0/zarr.json", "{}", "expected a whole image"),
    ],
)
def test_damaged_descriptions_are_told_in_a_sentence(tmp_path, pixels, file, content, said):
    path = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx")
    (path / file).write_text(content)
    with pytest.raises(ImageFormatError, match=said):
        read_image(path)


def test_a_small_folder_that_claims_much_memory_is_refused(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=3)
    group.create_array("0", shape=(20000, 20000), dtype="uint16", chunks=(1000, 1000))
    group.attrs["ome"] = {"multiscales": multiscales("yx"), "version": "0.5"}
    with pytest.raises(ImageFormatError, match=r"a\.zarr: expected a whole image, got: 20000 x 20000 pixels"):
        read_image(tmp_path / "a.zarr")
    assert not ImageFile(tmp_path / "a.zarr").region(19000, 19000, 1000, 1000).any()


def test_units_are_converted_and_missing_ones_are_not_guessed(tmp_path, pixels):
    plain = write(tmp_path / "a.zarr", pixels[0, 0, 0], "yx", scale=(0.5, 0.5), unit="")
    nano = write(tmp_path / "b.zarr", pixels[0, 0, 0], "yx", scale=(325, 325), unit="nanometer")
    assert describe_image(plain)[0].pixel_size_um is None
    assert describe_image(nano)[0].pixel_size_um == pytest.approx((0.325, 0.325))
