"""Reading PNG, JPEG, BMP and what else cameras and browsers write, with all their bits."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.axes import check_size
from cell_pipelines.imaging.description import MAX_PIXELS, Image, ImageInfo, Plane, Window, describe

# What may hide behind a picture's ending; others would start other programs.
_KINDS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "GIF", "WEBP")
# Bytes that one byte of a file can stand for: Deflate's limit, and beyond what blank JPEGs reach.
_MAX_DEFLATE, _MAX_OTHER = 1100, 5000
# Those that may hold several pictures; the second one of a camera's JPEG is a preview.
_SERIES = ("PNG", "TIFF", "GIF", "WEBP")
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I": 32, "F": 32, "LA": 16, "RGB": 24, "RGBA": 32, "CMYK": 32, "YCbCr": 24}
_ORIENTATION = 0x0112
_BAND_PIXELS = 1 << 22
# PNG's number for grey with transparency.
_GREY_ALPHA = 4


class PictureSource:
    """An open picture; it is decoded as a whole when its first pixel is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._image: Image | None = None
        with path.open("rb") as file, _open(file) as picture:
            self._info = _describe(path, picture)
            self._bits = _BITS.get(picture.mode, 8)
            self._png = picture.format == "PNG"

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The picture."""
        return (self._info,)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return the picture or a part of it."""
        if self._image is None:
            self._image = self._decode()
        if window is None:
            return self._image
        row, column, height, width = window
        return self._image[row : row + height, column : column + width]

    def band_rows(self, scene: int) -> int:
        """Return 1: what is in memory can be cut anywhere."""
        return 1

    def close(self) -> None:
        """Forget the pixels."""
        self._image = None

    def _decode(self) -> Image:
        size = (self._info.height, self._info.width)
        check_size(self._path, self._info.shape, self._info.dtype)
        limit = self._path.stat().st_size * (_MAX_DEFLATE if self._png else _MAX_OTHER)
        if math.prod(size) * (png_bits(self._path) if self._png else self._bits) // 8 > limit:
            raise ValueError(f"a header that claims {size[1]} x {size[0]} pixels, for which the file is too small")
        return read_picture(self._path)


def read_picture(path: Path) -> Image:
    """Return the pixels of a picture, (H, W) or (H, W, 3), upright, without transparency."""
    with path.open("rb") as file, _open(file) as picture:
        mark = _orientation(path, picture)
        picture.load()
        return _upright(_read_deep_png(path) if _is_deep(path, picture) else _unpack(picture), mark)


def _unpack(picture: Any) -> Image:
    """Return the pixels of a decoded picture, band by band, so that they lie in memory twice only."""
    kept = picture.mode in ("I;16", "I;16B", "I", "F")
    mode = picture.mode if kept else "L" if _is_grey(picture) else "RGB"
    bands = max(1, _BAND_PIXELS // picture.width)
    image: Image | None = None
    for top in range(0, picture.height, bands):
        bottom = min(top + bands, picture.height)
        band = picture.crop((0, top, picture.width, bottom))
        pixels = np.asarray(band if kept else band.convert(mode))
        if image is None:
            image = np.empty((picture.height, *pixels.shape[1:]), pixels.dtype)
        image[top:bottom] = pixels
    if image is None:
        raise ValueError("a picture without rows")
    return image


def _open(file: Any) -> Any:
    import PIL.Image

    # Pillow's own limit is below a stitched slide; what lies above ours is refused by its header.
    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    picture = PIL.Image.open(file, formats=_KINDS)
    if picture.format in _SERIES and (frames := getattr(picture, "n_frames", 1)) > 1:
        raise ValueError(f"{frames} pictures in one file, of which none is chosen; save each by itself, or all as TIFF")
    return picture


def _describe(path: Path, picture: Any) -> ImageInfo:
    height, width = picture.height, picture.width
    mark = _orientation(path, picture)
    if mark in (5, 6, 7, 8):
        height, width = width, height
    deep = _is_deep(path, picture)
    depth = {"I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32"}
    grey = _png_kind(path) == _GREY_ALPHA if deep else picture.mode in depth or _is_grey(picture)
    dtype = "uint16" if deep else depth.get(picture.mode, "uint8")
    info = describe({"Y": height, "X": width, "S": 1 if grey else 3}, dtype, colour=True)
    return replace(info, orientation=mark)


def _orientation(path: Path, picture: Any) -> int:
    """Return how a camera was held, as its mark says, 1 for upright; the same before and after decoding."""
    # Pillow turns TIFF by itself, and decodes a whole PNG to look for a mark.
    if picture.format == "TIFF" or (picture.format == "PNG" and not _has_mark(path)):
        return 1
    mark = picture.getexif().get(_ORIENTATION, 1)
    return mark if isinstance(mark, int) else 1


def _has_mark(path: Path) -> bool:
    """Say whether a PNG holds a piece that a mark of orientation may stand in, before or after its pixels."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            start = file.read(min(length, 32)) if kind in (b"tEXt", b"zTXt", b"iTXt") else b""
            if kind == b"eXIf" or start.startswith((b"Raw profile type exif", b"XML:com.adobe.xmp")):
                return True
            file.seek(length - len(start) + 4, 1)
    return False


def _is_deep(path: Path, picture: Any) -> bool:
    return picture.format == "PNG" and picture.mode in ("RGB", "RGBA", "LA") and png_bits(path) == 16


def png_bits(path: Path) -> int:
    """Return the bits of a sample of a PNG, from its header."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _png_kind(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(26)[25]


def _read_deep_png(path: Path) -> Image:
    # Pillow cuts PNG of 16 bit with several channels to 8.
    import cv2

    image: Image | None = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("a PNG of 16 bit that can't be decoded")
    if image.ndim == 2:
        return image
    return np.ascontiguousarray(image[..., 0] if _png_kind(path) == _GREY_ALPHA else image[..., 2::-1])


def _upright(image: Image, mark: int) -> Image:
    """Turn pixels as the camera's mark says."""
    if mark in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if mark in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image[::-1] if mark in (3, 4, 7, 8) else image)


def _is_grey(picture: Any) -> bool:
    if picture.mode != "P":
        return picture.mode in ("1", "L", "LA", "La")
    palette = np.asarray(picture.getpalette() or [0] * 3).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())
