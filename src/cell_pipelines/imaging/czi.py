"""Reading CZI, the files of ZEISS microscopes: scenes, channels, depth, time, and mosaics put together."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.czi_file import StoredBlock, open_czi, read_directory, read_metadata
from cell_pipelines.imaging.description import Image, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.tiff_metadata import pair, to_um

_MAX_XML = 64 << 20
# Bytes that one byte of a file can stand for: a blank tile is stored in next to nothing.
_MAX_RATIO = 50_000
_NONE, _JPEG, _LZW, _JPEGXR, _ZSTD, _ZSTD_PACKED = 0, 1, 2, 4, 5, 6


@dataclass(frozen=True)
class _Block:
    """One stored rectangle: where it stands, in which plane, and where its bytes are told of."""

    stored: StoredBlock
    place: tuple[int, int, int]
    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True)
class _Scene:
    """One region of the slide with its blocks, later ones over earlier ones."""

    info: ImageInfo
    blocks: tuple[_Block, ...]
    colour: bool


class CziSource:
    """An open CZI file."""

    def __init__(self, path: Path) -> None:
        self._size = path.stat().st_size
        # Opened here, since czifile leaves a file open when its header is damaged.
        self._bytes = path.open("rb")
        try:
            self._scenes = _find_scenes(open_czi(self._bytes), self._size)
        except BaseException:
            self._bytes.close()
            raise

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The images in the file."""
        return tuple(scene.info for scene in self._scenes)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it; what no tile of a mosaic covers is 0."""
        scene = self._scenes[plane.scene]
        row, column, height, width = window or (0, 0, scene.info.height, scene.info.width)
        image = np.zeros((height, width, scene.info.length("S")), scene.info.dtype)
        for block in scene.blocks:
            if block.place != (plane.t, plane.z, plane.c):
                continue
            r0, r1 = max(row, block.row), min(row + height, block.row + block.height)
            c0, c1 = max(column, block.column), min(column + width, block.column + block.width)
            if r0 < r1 and c0 < c1:
                pixels = _decode(block.stored, self._size)[..., : image.shape[2]]
                part = pixels[r0 - block.row : r1 - block.row, c0 - block.column : c1 - block.column]
                image[r0 - row : r1 - row, c0 - column : c1 - column] = part
        return image

    def band_rows(self, scene: int) -> int:
        """Return the height of the largest tile."""
        return max(block.height for block in self._scenes[scene].blocks)

    def close(self) -> None:
        """Close the file."""
        self._bytes.close()


def _find_scenes(file: Any, size: int) -> tuple[_Scene, ...]:
    header = file.header
    if header.file_part or not 0 < header.directory_position < size or header.update_pending:
        raise ValueError("a CZI file that was never finished, or a part of one stored in several files")
    metadata = _Metadata(file, size)
    scenes: dict[int, list[StoredBlock]] = {}
    for stored in read_directory(file):
        start = stored.extents
        if stored.file_part:
            raise ValueError("a CZI file whose tiles lie in other files")
        # Smaller copies for a quick look, and not pixels of the camera.
        if start["X"].stored_size == start["X"].size and start["Y"].stored_size == start["Y"].size:
            scenes.setdefault(start["S"].start if "S" in start else 0, []).append(stored)
    if not scenes:
        raise ValueError("a CZI file without any image")
    return tuple(_make_scene(number, scenes[number], metadata) for number in sorted(scenes))


def _make_scene(number: int, found: list[StoredBlock], metadata: "_Metadata") -> _Scene:
    extents = [stored.extents for stored in found]
    first = {axis: min(d[axis].start for d in extents if axis in d) for axis in extents[0]}
    lengths: dict[str, int] = {}
    for axis in first:
        end = max(d[axis].start + d[axis].size for d in extents if axis in d)
        lengths[axis] = end - first[axis]
    odd = [axis for axis, n in lengths.items() if n > 1 and axis not in "TZCYXSM"]
    if odd:
        raise ValueError(f"rows, columns, channels, depth or time, got the axes {lengths}")
    kinds = {stored.dtype for stored in found}
    if len(kinds) > 1 or any(kind.base.kind == "c" for kind in kinds):
        raise ValueError(f"pixels of one real type, got {', '.join(sorted(map(str, kinds)))}")
    samples = int(np.prod(next(iter(kinds)).shape, dtype=int))
    lengths = {axis: n for axis, n in lengths.items() if axis in "TZCYX"} | {"S": min(samples, 3)}
    info = describe(
        lengths,
        next(iter(kinds)).base,
        names=metadata.channels,
        colour=True,
        pixel_size_um=pair(metadata.scaling("Y"), metadata.scaling("X")),
        z_step_um=metadata.scaling("Z"),
        scene=metadata.scene_names.get(number, ""),
    )
    ordered = sorted(found, key=lambda one: one.extents["M"].start if "M" in one.extents else 0)
    return _Scene(info, tuple(_make_block(stored, first) for stored in ordered), samples >= 3)


def _make_block(stored: StoredBlock, first: dict[str, int]) -> _Block:
    dimensions = stored.extents
    if any(d.size != 1 for axis, d in dimensions.items() if axis not in "YX"):
        raise ValueError("one plane in each tile, got several")
    t, z, c = (dimensions[axis].start - first[axis] if axis in dimensions else 0 for axis in "TZC")
    y, x = dimensions["Y"], dimensions["X"]
    if min(y.size, x.size) < 1:
        raise ValueError(f"tiles with pixels, got one of {y.size} x {x.size}")
    return _Block(stored, (t, z, c), y.start - first["Y"], x.start - first["X"], y.size, x.size)


def _decode(stored: StoredBlock, size: int) -> Image:
    """Return the pixels of a stored rectangle, (H, W, samples), colours as red, green, blue."""
    dtype = stored.dtype
    shape = (stored.extents["Y"].size, stored.extents["X"].size, *(dtype.shape or (1,)))
    claimed = shape[0] * shape[1] * dtype.itemsize
    segment = stored.segment()
    if not 0 <= segment.data_size <= size - segment.data_offset:
        raise ValueError(f"a tile of {segment.data_size} bytes, which the file doesn't hold")
    if claimed > (segment.data_size if stored.compression == _NONE else (segment.data_size + 16) * _MAX_RATIO):
        raise ValueError(f"a tile of {shape[0]} x {shape[1]} pixels, for which its {segment.data_size} bytes are few")
    pixels = _decompress(segment.data(raw=True), stored.compression, claimed)
    if isinstance(pixels, bytes):
        pixels = np.frombuffer(pixels[:claimed], dtype.base)
    pixels = pixels.reshape(shape)
    # All but JPEG XR store blue first.
    image: Image = pixels[..., [2, 1, 0]] if shape[2] >= 3 and stored.compression != _JPEGXR else pixels
    return image


def _decompress(data: bytes, compression: int, claimed: int) -> Any:
    import imagecodecs

    if compression == _NONE:
        return data
    if compression == _JPEG:
        return imagecodecs.jpeg8_decode(data)
    if compression == _LZW:
        return bytes(imagecodecs.lzw_decode(data, out=claimed))
    if compression == _JPEGXR:
        return imagecodecs.jpegxr_decode(data)
    if compression == _ZSTD:
        return bytes(imagecodecs.zstd_decode(data, out=claimed))
    if compression == _ZSTD_PACKED:
        return _unpack_zstd(data, claimed)
    raise ValueError(f"a known compression of tiles, got number {compression}")


def _unpack_zstd(data: bytes, claimed: int) -> bytes:
    """Return the pixels behind a short header; it says whether low and high bytes lie apart."""
    import imagecodecs

    length = data[0]
    apart = length >= 3 and data[1] == 1 and bool(data[2] & 1)
    plain = bytes(imagecodecs.zstd_decode(data[length:], out=claimed))
    if not apart:
        return plain
    halves = np.frombuffer(plain, np.uint8).reshape(2, -1)
    return halves.T.tobytes()


class _Metadata:
    """Metadata from the XML in the file; empty where it is damaged."""

    def __init__(self, file: Any, size: int) -> None:
        self._root = _read_xml(file, size)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        found = self._find("Metadata/Information/Image/Dimensions/Channels/Channel")
        return tuple(str(channel.get("Name", "")) for channel in found)

    @cached_property
    def scene_names(self) -> dict[int, str]:
        """Names of the scenes by their number."""
        found = self._find("Metadata/Information/Image/Dimensions/S/Scenes/Scene")
        return {int(s.get("Index")): str(s.get("Name", "")) for s in found if str(s.get("Index", "")).isdecimal()}

    def scaling(self, axis: str) -> float | None:
        """Return the distance of two pixels or planes in micrometres."""
        found = self._find(f"Metadata/Scaling/Items/Distance[@Id='{axis}']/Value")
        return to_um(found[0].text, "m") if found else None

    def _find(self, where: str) -> list[Any]:
        return [] if self._root is None else list(self._root.findall(where))


def _read_xml(file: Any, size: int) -> Any:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if not 0 < file.header.metadata_position < size:
        return None
    try:
        text = read_metadata(file, min(size, _MAX_XML))
        return None if text is None else fromstring(text)
    except (ValueError, ParseError, DefusedXmlException):
        return None
