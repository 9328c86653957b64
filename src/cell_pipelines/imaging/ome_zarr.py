"""Reading an image of OME-Zarr at its full resolution, chunk by chunk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.tiff_metadata import pair, to_um
from cell_pipelines.imaging.zarr_groups import inside, read_json, read_ome

# Version 0.2 and older name no axes.
_OLD_AXES = "tczyx"
# Steps of decoding that only turn bytes into numbers; others, such as pickles, can run what a file says.
_HARMLESS = frozenset({
    "bytes", "endian", "transpose", "sharding_indexed", "crc32", "crc32c", "adler32", "fletcher32", "blosc", "zstd",
    "gzip", "zlib", "bz2", "lzma", "lz4", "shuffle", "bitround", "delta", "packbits", "fixedscaleoffset", "quantize",
    "astype", "imagecodecs_jpeg2k", "imagecodecs_jpegxl", "imagecodecs_lz4", "imagecodecs_zstd",
})  # fmt: skip


@dataclass(frozen=True)
class _Scene:
    """An array with its axes.

    Attributes:
        array: The Zarr array.
        axes: One of t, c, z, y and x for each of its axes.
        info: As what it is described.
    """

    array: Any
    axes: str
    info: ImageInfo


class OmeZarrSource:
    """An open image of OME-Zarr 0.1 to 0.5; its multiscales are scenes, nearly always one."""

    def __init__(self, path: Path) -> None:
        try:
            import zarr
        except ImportError as error:
            raise ImageFormatError(
                f"{path}: reading OME-Zarr needs the package zarr; install the extra `zarr`: "
                "pip install 'cell-pipelines[zarr]'."
            ) from error
        ome = read_ome(path)
        multiscales = ome.get("multiscales")
        if not isinstance(multiscales, list) or not multiscales:
            raise ImageFormatError(f"{path}: expected an image of OME-Zarr, whose attributes name `multiscales`.")
        several = len(multiscales) > 1
        self._scenes = [_open(zarr, path, one, ome, is_named=several) for one in multiscales]

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The images in the folder."""
        return tuple(scene.info for scene in self._scenes)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it."""
        scene = self._scenes[plane.scene]
        row, column, height, width = window or (0, 0, scene.info.height, scene.info.width)
        places: Mapping[str, Any] = {
            "t": plane.t, "z": plane.z, "c": plane.c, "y": slice(row, row + height), "x": slice(column, column + width),
        }  # fmt: skip
        part = np.asarray(scene.array[tuple(places[axis] for axis in scene.axes)])
        return part if scene.axes.index("y") < scene.axes.index("x") else part.T

    def band_rows(self, scene: int) -> int:
        """Return the height of a chunk, or of the shard that holds several."""
        one = self._scenes[scene]
        return int((one.array.shards or one.array.chunks)[one.axes.index("y")])

    def close(self) -> None:
        """Close nothing: files are open only while they are read."""


def _open(zarr: Any, path: Path, multiscale: Mapping[str, Any], ome: Mapping[str, Any], *, is_named: bool) -> _Scene:
    names = [axis if isinstance(axis, str) else axis["name"] for axis in multiscale.get("axes") or _OLD_AXES]
    axes = "".join(names).lower()
    if len(axes) != len(names) or not {"y", "x"} <= set(axes) <= set(_OLD_AXES) or len(set(axes)) != len(axes):
        raise ImageFormatError(f"{path}: expected the axes t, c, z, y and x or some of them, got {', '.join(names)}.")
    largest = multiscale["datasets"][0]
    folder = inside(path, largest.get("path"))
    _check_packing(path, folder)
    array = zarr.open_array(str(folder), mode="r")
    _check_array(path, array, len(axes))
    steps = _steps_um(multiscale, largest, axes)
    info = describe(
        dict(zip(axes.upper(), array.shape, strict=True)),
        array.dtype,
        names=tuple(str(one.get("label") or "") for one in (ome.get("omero") or {}).get("channels") or ()),
        pixel_size_um=pair(steps.get("y"), steps.get("x")),
        z_step_um=steps.get("z"),
        scene=str(multiscale.get("name") or "") if is_named else "",
    )
    return _Scene(array, axes, info)


def _check_packing(path: Path, array: Path) -> None:
    """Refuse pixels that are packed in a way that could do more than give numbers.

    Raises:
        ImageFormatError: They are; the sentence names the way.
    """
    described = read_json(array / ".zarray") or read_json(array / "zarr.json")
    steps = [*(described.get("codecs") or ()), *(described.get("filters") or ()), described.get("compressor")]
    for name in _codec_names(steps):
        if name.removeprefix("numcodecs.") not in _HARMLESS:
            raise ImageFormatError(f"{path}: its pixels are packed by {name!r}, which is not opened.")


def _codec_names(steps: Iterable[Any]) -> Iterator[str]:
    """Yield the names of all steps of decoding, also of those within shards."""
    for step in steps:
        if step is not None:
            yield str(step.get("name") or step.get("id"))
            configured = step.get("configuration") or {}
            yield from _codec_names([*(configured.get("codecs") or ()), *(configured.get("index_codecs") or ())])


def _check_array(path: Path, array: Any, dimensions: int) -> None:
    if array.ndim != dimensions:
        raise ImageFormatError(
            f"{path}: expected an array of {dimensions} axes as its description says, got {array.shape}."
        )
    if array.dtype.kind not in "buif":
        raise ImageFormatError(f"{path}: expected pixels that are whole numbers or floats, got {array.dtype}.")


def _steps_um(multiscale: Mapping[str, Any], dataset: Mapping[str, Any], axes: str) -> dict[str, float]:
    """Return the distance of two pixels along each axis of space whose unit is told."""
    scale = np.ones(len(axes))
    for told in (dataset, multiscale):
        for one in told.get("coordinateTransformations") or ():
            if one.get("type") == "scale":
                scale = scale * np.asarray(one["scale"], float)
    described = multiscale.get("axes") or ()
    units = {one["name"].lower(): one.get("unit") for one in described if isinstance(one, Mapping)}
    lengths = {
        axis: to_um(step, units.get(axis) or "") for axis, step in zip(axes, scale, strict=True) if axis in "zyx"
    }
    return {axis: length for axis, length in lengths.items() if length is not None}
