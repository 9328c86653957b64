"""Reading an image of OME-Zarr at its full resolution, chunk by chunk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.tiff_metadata import pair, to_um
from cell_pipelines.zarr_folders import import_zarr, open_full_resolution, read_ome


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
        import_zarr(path)
        ome = read_ome(path)
        multiscales = ome.get("multiscales")
        if not isinstance(multiscales, list) or not multiscales:
            raise ImageFormatError(f"{path}: expected an image of OME-Zarr, whose attributes name `multiscales`.")
        several = len(multiscales) > 1
        self._scenes = [_open(path, one, ome, is_named=several) for one in multiscales]

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


def _open(path: Path, multiscale: Mapping[str, Any], ome: Mapping[str, Any], *, is_named: bool) -> _Scene:
    array, axes = open_full_resolution(path, multiscale)
    if array.dtype.kind not in "buif":
        raise ImageFormatError(f"{path}: expected pixels that are whole numbers or floats, got {array.dtype}.")
    steps = _steps_um(multiscale, multiscale["datasets"][0], axes)
    info = describe(
        dict(zip(axes.upper(), array.shape, strict=True)),
        array.dtype,
        names=tuple(str(one.get("label") or "") for one in (ome.get("omero") or {}).get("channels") or ()),
        pixel_size_um=pair(steps.get("y"), steps.get("x")),
        z_step_um=steps.get("z"),
        scene=str(multiscale.get("name") or "") if is_named else "",
    )
    return _Scene(array, axes, info)


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
