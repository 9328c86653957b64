"""Reading ND2 of Nikon and LIF of Leica where their libraries are installed."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.tiff_metadata import pair, to_um

logger = logging.getLogger(__name__)

_MAX_XML = 64 << 20


def _missing(path: Path, name: str) -> ImageFormatError:
    return ImageFormatError(
        f"{path}: reading {path.suffix.lower()} needs the package {name}; "
        "install the extra `microscopes`: pip install 'cell-pipelines[microscopes]'."
    )


class Nd2Source:
    """An open ND2 file; its positions are scenes."""

    def __init__(self, path: Path) -> None:
        try:
            import nd2
        except ImportError as error:
            raise _missing(path, "nd2") from error
        _check_is_file(path)
        self._file = nd2.ND2File(path)
        try:
            self._sizes = dict(self._file.sizes)
            self._frames = {_coordinates(index): i for i, index in enumerate(self._file.loop_indices)}
            self._infos = self._describe()
        except BaseException:
            self._file.close()
            raise

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The positions in the file."""
        return self._infos

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it."""
        number = self._frames.get((plane.t, plane.z, plane.scene), 0)
        # Channels that lie apart stand first, samples of a pixel last, and lengths of 1 are left out.
        shape = [self._sizes.get(axis, 1) for axis in "CYXS"]
        frame: Image = np.asarray(self._file.read_frame(number)).reshape(shape)[plane.c]
        row, column, height, width = window or (0, 0, *frame.shape[:2])
        return frame[row : row + height, column : column + width]

    def band_rows(self, scene: int) -> int:
        """Return the height: a frame is read as a whole."""
        return self._infos[scene].height

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _describe(self) -> tuple[ImageInfo, ...]:
        size = self._file.voxel_size()
        names = tuple(channel.channel.name for channel in self._file.metadata.channels or ())
        count = self._sizes.get("P", 1)
        places = [loop.parameters.points for loop in self._file.experiment if loop.type == "XYPosLoop"]
        points = [str(point.name or "") for point in places[0]] if places else []
        info = describe(
            {axis: n for axis, n in self._sizes.items() if axis in "TZCYXS"},
            self._file.dtype,
            names=names,
            colour=True,
            pixel_size_um=pair(to_um(size.y), to_um(size.x)),
            z_step_um=to_um(size.z) if self._sizes.get("Z", 1) > 1 else None,
        )
        return tuple(_named(info, points[i] if i < len(points) else "") for i in range(count))


def _coordinates(index: Any) -> tuple[int, int, int]:
    return index.get("T", 0), index.get("Z", 0), index.get("P", 0)


def _named(info: ImageInfo, scene: str) -> ImageInfo:
    return replace(info, scene=scene)


def _check_is_file(path: Path) -> None:
    # The libraries would take a missing path for an address, or a folder for a set of files.
    path.open("rb").close()


class LifSource:
    """An open LIF file; each image in it is a scene."""

    def __init__(self, path: Path) -> None:
        try:
            import liffile
        except ImportError as error:
            raise _missing(path, "liffile") from error
        _check_is_file(path)
        _check_lif(path)
        self._file = liffile.LifFile(path)
        try:
            self._scenes = _lif_scenes(path, list(self._file.images))
        except BaseException:
            self._file.close()
            raise

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The images in the file."""
        return tuple(info for _, _, info in self._scenes)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it."""
        image, tile, _ = self._scenes[plane.scene]
        wanted = {"T": plane.t, "Z": plane.z, "C": plane.c, "M": tile}
        # Mapped, so that only the plane's own pixels are read; liffile turns colours round in the map.
        pixels = image.asarray(out="memmap", mode="c")
        chosen = pixels[tuple(slice(None) if axis in "YXS" else wanted.get(axis, 0) for axis in image.dims)]
        left = [axis for axis in image.dims if axis in "YXS"]
        chosen = np.transpose(chosen, [left.index(axis) for axis in "YXS" if axis in left])
        row, column, height, width = window or (0, 0, *chosen.shape[:2])
        return np.array(chosen[row : row + height, column : column + width])

    def band_rows(self, scene: int) -> int:
        """Return 1: rows lie one after another."""
        return 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _check_lif(path: Path) -> None:
    """Refuse what is no LIF file, or could do harm to who reads it.

    Raises:
        ValueError: It doesn't begin as Leica's files do, or its description is cut short or declares entities.
    """
    with path.open("rb") as file:
        head = file.read(13)
        if len(head) < 13 or head[:4] != b"\x70\0\0\0" or head[8:9] != b"\x2a":
            raise ValueError("another beginning than that of a LIF file")
        length = 2 * int.from_bytes(head[9:13], "little")
        if length > min(_MAX_XML, path.stat().st_size):
            raise ValueError(f"a LIF file whose description claims {length} bytes")
        if "<!" in file.read(length).decode("utf-16-le"):
            raise ValueError("a LIF file whose description declares entities")


def _lif_scenes(path: Path, images: list[Any]) -> list[tuple[Any, int, ImageInfo]]:
    """Return each image and tile of a mosaic with its description; what is no image of the plane is told and left."""
    scenes: list[tuple[Any, int, ImageInfo]] = []
    for image in images:
        try:
            info = _describe_lif(image)
        except (ValueError, LookupError) as error:
            logger.warning("%s: %s is left out: expected %s.", path, image.name, error)
            continue
        tiles = image.sizes.get("M", 1)
        scenes += [
            (image, m, replace(info, scene=f"{info.scene} tile {m}") if tiles > 1 else info) for m in range(tiles)
        ]
    if not scenes:
        raise ValueError("a LIF file without any image of rows and columns")
    return scenes


def _describe_lif(image: Any) -> ImageInfo:
    odd = {axis: n for axis, n in image.sizes.items() if n > 1 and axis not in "TZCYXSM"}
    if odd or not {"Y", "X"} <= set(image.sizes):
        raise ValueError(f"rows, columns, channels, depth or time, got the axes {dict(image.sizes)}")
    if max(image.sizes.values()) > 1 << 31 or image.nbytes > image.memory_block.size:
        raise ValueError(f"pixels for the axes {dict(image.sizes)}, got {image.memory_block.size} bytes")
    steps = {axis: _lif_step(image, axis) for axis in "YXZ"}
    described = image.xml_element.findall("./Data/Image/ImageDescription/Channels/ChannelDescription")
    names = tuple(str(channel.get("LUTName", "")) for channel in described)
    names = names if len({name.lower() for name in names}) == len(names) else ()
    return describe(
        {axis: n for axis, n in image.sizes.items() if axis in "TZCYXS"},
        image.dtype,
        names=names,
        colour=True,
        pixel_size_um=pair(steps["Y"], steps["X"]),
        z_step_um=steps["Z"] if image.sizes.get("Z", 1) > 1 else None,
        scene=str(image.name),
    )


def _lif_step(image: Any, axis: str) -> float | None:
    """Return the distance of two pixels: Leica's length spans from the first one's centre to the last one's."""
    where = "./Data/Image/ImageDescription/Dimensions/DimensionDescription"
    number = {"X": "1", "Y": "2", "Z": "3"}[axis]
    for dimension in image.xml_element.findall(where):
        count = int(dimension.get("NumberOfElements", 0))
        if dimension.get("DimID") == number and count > 1:
            return to_um(abs(float(dimension.get("Length", 0))) / (count - 1), dimension.get("Unit", "m"))
    return None
