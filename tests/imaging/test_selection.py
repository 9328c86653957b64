"""A selection takes a part of a file, and each refusal says what there is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cell_pipelines.imaging.axes import choose
from cell_pipelines.imaging.description import describe
from cell_pipelines.imaging.reading import (
    ImageFile,
    ImageFormatError,
    ImageSelection,
    describe_image,
    list_image_files,
    read_image,
    write_image,
)

NAMES = ["DAPI", "GFP", "Cy5"]


def _pixels(*shape: int) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 65535, shape, dtype=np.uint16)


@pytest.fixture
def hyperstack(tmp_path: Path) -> tuple[Path, NDArray[Any]]:
    """Two time points, four depths, three channels with names."""
    pixels = _pixels(2, 4, 3, 9, 11)
    metadata = {"axes": "TZCYX", "Channel": {"Name": NAMES}, "PhysicalSizeX": 0.25, "PhysicalSizeY": 500.0,
                "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 1.5}  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata=metadata, photometric="minisblack")
    return tmp_path / "a.ome.tif", pixels


def test_a_description_tells_names_and_sizes_without_reading(hyperstack: tuple[Path, NDArray[Any]]) -> None:
    (info,) = describe_image(hyperstack[0])
    assert (info.axes, info.shape, info.dtype) == ("TZCYX", (2, 4, 3, 9, 11), "uint16")
    assert info.channel_names == tuple(NAMES)
    assert info.pixel_size_um == pytest.approx((0.5, 0.25))
    assert info.z_step_um == 1.5
    assert (info.length("T"), info.channels, info.height, info.width) == (2, 3, 9, 11)


@settings(max_examples=40, deadline=None)
@given(
    order=st.lists(st.sampled_from(range(3)), min_size=1, max_size=4),
    by_name=st.booleans(),
    z=st.sampled_from([0, 3, "max", "mean"]),
    time=st.integers(0, 1),
)
def test_a_selection_is_what_numpy_takes_of_the_array(
    order: list[int], by_name: bool, z: Any, time: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, pixels = tmp_path_factory.getbasetemp() / "whole.ome.tif", _pixels(2, 4, 3, 9, 11)
    if not path.is_file():
        metadata = {"axes": "TZCYX", "Channel": {"Name": NAMES}}
        tifffile.imwrite(path, pixels, metadata=metadata, photometric="minisblack")
    channels = tuple(NAMES[c].lower() if by_name else c for c in order)
    chosen = ImageFile(path, ImageSelection(channels, z=z, time=time))
    depth = {"max": lambda p: p.max(axis=0), "mean": lambda p: np.rint(p.mean(axis=0)).astype(p.dtype)}
    plane = depth[z](pixels[time]) if isinstance(z, str) else pixels[time, z]
    expected = plane[order[0]] if len(order) == 1 else np.moveaxis(plane[order], 0, -1)
    image = chosen()
    assert image.dtype == pixels.dtype
    np.testing.assert_array_equal(image, expected)
    info = chosen.info()
    assert (info.axes, info.shape) == (("YX", "YXC")[image.ndim - 2], image.shape)
    assert info.channel_names == tuple(NAMES[c] for c in order)
    np.testing.assert_array_equal(chosen.region(2, 3, 5, 6), expected[2:7, 3:9])


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (ImageSelection(), r"got a stack .* TZCYX of \(2, 4, 3, 9, 11\); choose `time` \(0 to 1\) and `z` \(0 to 3"),
        (ImageSelection(time=0), r"; choose `z` \(0 to 3, max or mean\)\."),
        (ImageSelection(z="max"), r"; choose `time` \(0 to 1\)\."),
        (ImageSelection(z=4, time=0), r"`z` must be one of those there are \(0 to 3, max or mean\), got 4\."),
        (ImageSelection(z=0, time=2), r"`time` must be one of those there are \(0 to 1\), got 2\."),
        (ImageSelection(("Cy3",), 0, 0), r"`channels` must be .* \(0 'DAPI', 1 'GFP', 2 'Cy5'\), got 'Cy3'\."),
        (ImageSelection((3,), 0, 0), r"`channels` must be .* 2 'Cy5'\), got 3\."),
        (ImageSelection(None, 0, 0, 1), r"`scene` must be one of those there are \(0.*\), got 1\."),
        (ImageSelection(None, 0, "each"), r"`time` is each, which makes several images; one image needs a number\."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_there_is(
    selection: ImageSelection, sentence: str, hyperstack: tuple[Path, NDArray[Any]]
) -> None:
    with pytest.raises(ImageFormatError, match=rf"a\.ome\.tif: .*{sentence}"):
        read_image(hyperstack[0], selection)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"channels": ()}, "`channels` must be names or numbers from 0, at least one"),
        ({"channels": ["DAPI"]}, "`channels` must be names"),
        ({"channels": (-1,)}, "`channels` must be names"),
        ({"channels": (True,)}, "`channels` must be names"),
        ({"z": "sum"}, "`z` must be a number from 0, max, mean or each, got 'sum'"),
        ({"z": -1}, "`z` must be"),
        ({"time": "all"}, "`time` must be a number from 0 or each"),
        ({"scene": 1.5}, "`scene` must be a name or a number from 0"),
    ],
)
def test_a_selection_that_means_nothing_is_refused_when_made(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ImageSelection(**arguments)


def test_one_selection_serves_plain_images_and_stacks_alike(tmp_path: Path) -> None:
    image = _pixels(5, 6)
    write_image(image, tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", ImageSelection(z="max", time=0)), image)
    with pytest.raises(ImageFormatError, match=r"`z` must be one of those there are \(0 to 0, max or mean\), got 2"):
        read_image(tmp_path / "a.png", ImageSelection(z=2))


def test_colours_are_channels_too(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    for name in ("a.png", "a.tif"):
        write_image(image, tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name, ImageSelection(("Green",))), image[..., 1])
        np.testing.assert_array_equal(read_image(tmp_path / name, ImageSelection((2, 0))), image[..., [2, 0]])


def test_unnamed_pages_are_depth_or_time_as_they_are_chosen(tmp_path: Path) -> None:
    pages = _pixels(6, 5, 7)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", metadata=None)
    assert describe_image(tmp_path / "a.tif")[0].axes == "QYX"
    sentence = r"the 6 pages, which the file doesn't name, by `z` \(0 to 5, max or mean\) or `time` \(0 to 5\)"
    with pytest.raises(ImageFormatError, match=sentence):
        read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(z="max")), pages.max(axis=0))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(z=4)), pages[4])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(time=4)), pages[4])


def test_a_signature_changes_with_the_selection(tmp_path: Path) -> None:
    write_image(_pixels(5, 6), tmp_path / "a.png")
    chosen = [
        ImageSelection(),
        ImageSelection((0,)),
        ImageSelection(z=0),
        ImageSelection(time=0),
        ImageSelection(scene=0),
    ]
    assert len({ImageFile(tmp_path / "a.png", one).signature() for one in chosen}) == len(chosen)


def test_a_folder_gives_an_image_for_each_scene_and_each_time_point(hyperstack: tuple[Path, NDArray[Any]]) -> None:
    path, pixels = hyperstack
    with tifffile.TiffWriter(path.parent / "b.ome.tif", ome=True) as writer:
        for i in range(2):
            writer.write(pixels[0, i, 0], metadata={"axes": "YX", "Name": f"well {i}"}, photometric="minisblack")
    write_image(pixels[0, 0, 0], path.parent / "c.png")
    (path.parent / "d.tif").write_bytes(b"broken")
    files = list_image_files(path.parent)
    assert list(files) == ["a.ome.tif", "b.ome.tif/scene 0", "b.ome.tif/scene 1", "c.png", "d.tif"]
    np.testing.assert_array_equal(files["b.ome.tif/scene 1"](), pixels[0, 1, 0])
    named = list_image_files(path.parent, ImageSelection(scene="WELL 1"))
    assert list(named) == ["a.ome.tif", "b.ome.tif", "c.png", "d.tif"]
    np.testing.assert_array_equal(named["b.ome.tif"](), pixels[0, 1, 0])
    each = list_image_files(path.parent, ImageSelection(("GFP",), z=0, time="each"))
    assert list(each)[:3] == ["a.ome.tif/t0000", "a.ome.tif/t0001", "b.ome.tif/scene 0"]
    np.testing.assert_array_equal(each["a.ome.tif/t0001"](), pixels[1, 0, 1])


def test_scenes_without_names_are_told_by_number() -> None:
    scenes = (describe({"Y": 4, "X": 5}, "uint8"), describe({"Y": 4, "X": 5}, "uint8", scene="two"))
    with pytest.raises(
        ImageFormatError, match=r"a\.lif: expected one image, got 2 scenes; choose `scene` \(0, 1 'two'\)\."
    ):
        choose(Path("a.lif"), scenes, ImageSelection())
    assert choose(Path("a.lif"), scenes, ImageSelection(scene="Two")).depth[0].scene == 1
