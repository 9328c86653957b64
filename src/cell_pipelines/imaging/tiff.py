"""Reading TIFF and what is built on it: ImageJ, OME-TIFF, LSM, STK, pyramids, tiles, any depth of bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.ome_planes import Coordinates, read_parts
from cell_pipelines.imaging.pictures import read_picture
from cell_pipelines.imaging.tiff_metadata import Metadata, check_ome, read_metadata
from cell_pipelines.imaging.tiff_pages import PageReader, check_chain

_MINISWHITE, _RGB, _SEPARATED, _YCBCR = 0, 2, 5, 6
_LAB = (8, 9, 10)
# Codecs that give red, green and blue, whatever the file's own colours are.
_COLOUR_CODECS = (6, 7, 33003, 33004, 33005, 34712, 34892, 34933, 50001)


@dataclass(frozen=True)
class _Scene:
    """One image of a file: a series, one position of it, or those of its pages that an OME description names."""

    series: Any
    info: ImageInfo
    position: int = 0
    pages: Mapping[Coordinates, int] | None = None


class TiffSource:
    """An open TIFF file.

    Pages of several files that belong together are not joined: each file stands for itself.
    """

    def __init__(self, path: Path) -> None:
        import tifffile

        self._path = path
        check_chain(path)
        self._file = tifffile.TiffFile(path, _multifile=False)
        try:
            check_ome(self._file)
            self._scenes = self._find_scenes()
        except BaseException:
            self._file.close()
            raise

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The images in the file."""
        return tuple(scene.info for scene in self._scenes)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it that lies inside."""
        scene = self._scenes[plane.scene]
        window = window or (0, 0, scene.info.height, scene.info.width)
        key = scene.series.keyframe
        if key.photometric == _YCBCR and int(key.compression) not in _COLOUR_CODECS:
            row, column, height, width = window
            if int(key.tags.valueof("Orientation", 1)) != 1:
                raise ValueError("colours as YCbCr with a mark of orientation, which are not read")
            return read_picture(self._path)[row : row + height, column : column + width]
        number, depth = _locate(scene, plane)
        pixels = PageReader(self._path, self._file.filehandle.size, scene.series).read(number, depth, window)
        # Samples lie apart or side by side, never both.
        apart = pixels.shape[0] > 1
        image = np.moveaxis(pixels[..., 0], 0, -1) if apart else pixels[0]
        return _colours(image, key)[..., : scene.info.length("S")]

    def band_rows(self, scene: int) -> int:
        """Return the height of the strips or tiles."""
        return PageReader(self._path, self._file.filehandle.size, self._scenes[scene].series).band_rows()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _find_scenes(self) -> tuple[_Scene, ...]:
        series = self._file.series
        if not series:
            raise ValueError("a TIFF without any image")
        kept = [s for s in series if not (s.keyframe.is_reduced or s.name in ("Thumbnail", "Label", "Macro", "Map"))]
        chosen = kept or series[:1]
        parts = self._ome_scenes(chosen)
        if parts:
            return parts
        scenes: list[_Scene] = []
        for i, one in enumerate(chosen):
            metadata = read_metadata(self._file, one, i, len(chosen))
            infos = _describe(self._path, one, metadata)
            scenes += [_Scene(one, info, position) for position, info in enumerate(infos)]
        return tuple(scenes)

    def _ome_scenes(self, series: list[Any]) -> tuple[_Scene, ...]:
        """Return the images of a file of a set of OME-TIFF files; empty for any other file."""
        own = self._file.is_ome and len(series) == 1 and series[0].kind != "ome"
        if not own or len(series[0]) != len(self._file.pages) or len(_page_axes(series[0])[0].strip("YXSQ")):
            return ()
        scenes = []
        for part in read_parts(self._file, self._path):
            (info,) = _describe(self._path, series[0], part.metadata, pages=part.lengths, name=part.name)
            scenes.append(_Scene(series[0], info, pages=part.pages))
        return tuple(scenes)


def _describe(
    path: Path,
    series: Any,
    metadata: Metadata,
    *,
    pages: Mapping[str, int] | None = None,
    name: str | None = None,
) -> list[ImageInfo]:
    """Return a description of each position of a series.

    Args:
        path: The file.
        series: tifffile's series.
        metadata: What the file says of it.
        pages: Lengths of the axes that the pages are known to stand for.
        name: Name of the image where the series has another.
    """
    key = series.keyframe
    axes, shape = _page_axes(series)
    lengths: dict[str, int] = {}
    for axis, length in zip(axes, shape, strict=True):
        lengths[axis] = lengths.get(axis, 1) * int(length)
    odd = [axis for axis, n in lengths.items() if n > 1 and axis not in "PTZQCYXS"]
    if odd or not {"Y", "X"} <= set(lengths):
        raise ImageFormatError(
            f"{path}: expected rows, columns, channels, depth or time, got the axes {axes} of {tuple(shape)}."
        )
    if key.photometric in _LAB:
        raise ValueError("the colours are CIELab; grey, RGB and CMYK are read")
    if 0 in lengths.values():
        raise ValueError(f"an image without pixels, the axes {axes} of {tuple(shape)}")
    if pages is not None:
        lengths = {**{axis: n for axis, n in lengths.items() if axis != "Q"}, **pages}
    colour = key.photometric in (_RGB, _SEPARATED, _YCBCR)
    lengths["S"] = _samples(key, lengths.get("S", 1))
    positions = lengths.pop("P", 1)
    info = describe(
        lengths,
        np.uint8 if key.dtype == np.bool_ else key.dtype,
        names=metadata.channels,
        colour=colour,
        pixel_size_um=metadata.pixel_size_um,
        z_step_um=metadata.z_step_um,
        scene=series.name or "" if name is None else name,
    )
    return [info] * positions


def _page_axes(series: Any) -> tuple[str, tuple[int, ...]]:
    """Return a series' axes with the samples of a page named S, and pages that the file doesn't name Q."""
    axes, shape = series.get_axes(False).replace("I", "Q"), series.get_shape(False)
    names = list(axes)
    inner = len(names)
    if series.keyframe.shaped[4] > 1 and names[-1] not in "YX":
        names[-1] = "S"
    if series.keyframe.shaped[0] > 1:
        # The plane before rows and depth holds the samples.
        inner = names.index("Y") - (1 if series.keyframe.shaped[1] > 1 else 0)
        if inner:
            names[inner - 1] = "S"
    return "".join(names), tuple(int(n) for n in shape)


def _samples(key: Any, samples: int) -> int:
    """Return the number of samples that are colours: neither transparency nor the ink of CMYK are."""
    if key.photometric == _SEPARATED and samples == 4:
        return 3
    if key.photometric in (_RGB, _YCBCR) and samples == 4:
        return 3
    extra = key.extrasamples
    grey = samples == 2 and len(extra) == 1 and int(extra[0]) in (1, 2)
    return 1 if grey else samples


def _locate(scene: _Scene, plane: Plane) -> tuple[int, int]:
    """Return the page, and the depth within it, of a plane."""
    if scene.pages is not None:
        return scene.pages[plane.t, plane.z, plane.c], 0
    axes, shape = _page_axes(scene.series)
    key = scene.series.keyframe
    wanted = {"P": scene.position, "T": plane.t, "Z": plane.z, "Q": plane.q, "C": plane.c}
    if "C" not in axes and plane.c:
        wanted["Q"] = plane.c
    # Axes of one letter count as one: the inner ones turn first.
    index = []
    for axis, length in zip(reversed(axes), reversed(shape), strict=True):
        wanted[axis], number = divmod(wanted.get(axis, 0), length)
        index.append(number)
    flat = 0
    for number, length in zip(reversed(index), shape, strict=True):
        flat = flat * length + number
    pixels = key.shaped[2] * key.shaped[3] * key.shaped[4]
    page, within = divmod(flat, key.shaped[0] * key.shaped[1] * pixels)
    return page, within // pixels % key.shaped[1]


def _colours(image: Image, key: Any) -> Image:
    """Return the colours that are meant: white is high, ink is taken off, black and white is 0 and 255."""
    if key.photometric == _MINISWHITE and image.dtype.kind in "bu":
        bits = max(key.bitspersample) if isinstance(key.bitspersample, tuple) else key.bitspersample
        image = ~image if image.dtype.kind == "b" else image.dtype.type((1 << int(bits)) - 1) - image
    if image.dtype.kind == "b":
        return image.astype(np.uint8) * np.uint8(255)
    if key.photometric == _SEPARATED and image.shape[-1] == 4 and image.dtype.kind == "u":
        top = np.iinfo(image.dtype).max
        light = top - image.astype(np.float64)
        return np.rint(light[..., :3] * light[..., 3:] / top).astype(image.dtype)
    return image
