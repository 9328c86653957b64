"""ND2 and LIF where their libraries are installed, and one sentence where they are not."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    ImageFile,
    ImageFormatError,
    ImageSelection,
    describe_image,
    hash_pixels,
    list_image_files,
    open_region_reader,
    read_image,
)

RNG = np.random.default_rng(0)


def _pixels(*shape: int) -> NDArray[Any]:
    return RNG.integers(0, 65535, shape, dtype=np.uint16)


@pytest.mark.parametrize(("suffix", "package"), [(".nd2", "nd2"), (".lif", "liffile")])
def test_a_missing_package_is_named_with_its_extra(
    suffix: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"a{suffix}").write_bytes(b"anything")
    with pytest.raises(ImageFormatError, match=rf"a{suffix}: .*needs the package {package}.*extra `microscopes`"):
        read_image(tmp_path / f"a{suffix}")


def test_images_of_a_lif_file_are_scenes(write_lif: Callable[..., None], tmp_path: Path) -> None:
    pytest.importorskip("liffile")
    stack, plain, tiles = _pixels(3, 2, 12, 15), _pixels(7, 9), _pixels(2, 8, 8)
    path = tmp_path / "a.lif"
    images = [("s1", "ZCYX", stack, ["Blue", "Green"]), ("p", "YX", plain, ["Grey"]), ("m", "MYX", tiles, ["Grey"])]
    write_lif(path, images)
    first, second, *rest = describe_image(path)
    assert (first.axes, first.shape, first.channel_names) == ("ZCYX", (3, 2, 12, 15), ("Blue", "Green"))
    assert first.pixel_size_um == pytest.approx((0.3, 0.3))
    assert first.z_step_um == pytest.approx(0.3)
    assert (second.scene, second.shape) == ("p", (7, 9))
    assert [info.scene for info in rest] == ["m tile 0", "m tile 1"]
    np.testing.assert_array_equal(read_image(path, ImageSelection(scene="p")), plain)
    np.testing.assert_array_equal(read_image(path, ImageSelection(scene=3)), tiles[1])
    chosen = ImageSelection(("green",), z="max", scene=0)
    np.testing.assert_array_equal(read_image(path, chosen), stack[:, 1].max(axis=0))
    np.testing.assert_array_equal(ImageFile(path, chosen).region(3, 4, 5, 6), stack[:, 1, 3:8, 4:10].max(axis=0))
    assert [f"a.lif/scene {i}" for i in range(4)] == list(list_image_files(tmp_path))


def test_damaged_lif_files_give_an_image_or_a_refusal(write_lif: Callable[..., None], tmp_path: Path) -> None:
    pytest.importorskip("liffile")
    path = tmp_path / "a.lif"
    write_lif(path, [("p", "YX", _pixels(7, 9), ["Grey"])])
    content, rng = path.read_bytes(), np.random.default_rng(1)
    for i in range(200):
        damaged = bytearray(content[: None if i % 3 else int(rng.integers(len(content)))])
        if damaged:
            damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_image(path).ndim in (2, 3)
        except ImageFormatError as error:
            assert str(error).startswith(f"{path}: ")


class _Nd2File:
    """The part of nd2 that our reader uses, over an array TPZCYX."""

    pixels = _pixels(2, 3, 4, 2, 10, 11)

    def __init__(self, path: Path) -> None:
        self.sizes = dict(zip("TPZCYX", self.pixels.shape, strict=True))
        self.dtype = self.pixels.dtype
        self.loop_indices = tuple(dict(zip("TPZ", i, strict=True)) for i in np.ndindex(self.pixels.shape[:3]))
        names = [SimpleNamespace(channel=SimpleNamespace(name=name)) for name in ("DAPI", "Cy5")]
        self.metadata = SimpleNamespace(channels=names)
        points = [SimpleNamespace(name=name) for name in ("A1", None, "A3")]
        self.experiment = [SimpleNamespace(type="XYPosLoop", parameters=SimpleNamespace(points=points))]

    def voxel_size(self) -> SimpleNamespace:
        return SimpleNamespace(x=0.2, y=0.3, z=1.5)

    def read_frame(self, number: int) -> NDArray[Any]:
        return self.pixels.reshape(-1, *self.pixels.shape[3:])[number].squeeze()

    def close(self) -> None:
        pass


def test_positions_of_an_nd2_file_are_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nd2", SimpleNamespace(ND2File=_Nd2File))
    path = tmp_path / "a.nd2"
    path.write_bytes(b"nd2")
    infos = describe_image(path)
    assert [info.scene for info in infos] == ["A1", "", "A3"]
    assert (infos[0].axes, infos[0].shape) == ("TZCYX", (2, 4, 2, 10, 11))
    assert (infos[0].pixel_size_um, infos[0].z_step_um) == ((0.3, 0.2), 1.5)
    chosen = ImageSelection(("Cy5",), z=3, time=1, scene="a3")
    expected = _Nd2File.pixels[1, 2, 3, 1]
    np.testing.assert_array_equal(read_image(path, chosen), expected)
    with open_region_reader(path, chosen) as large:
        assert hash_pixels(large) == hash_pixels(expected)
    each = list_image_files(tmp_path, ImageSelection(z="max", time="each"))
    assert list(each) == [f"a.nd2/scene {p}/t000{t}" for p in range(3) for t in range(2)]
    np.testing.assert_array_equal(each["a.nd2/scene 1/t0001"](), np.moveaxis(_Nd2File.pixels[1, 1].max(axis=0), 0, -1))
