"""Images as pictures for the screen, whatever their size; a picture shows its image from border to border.

Outlines are drawn over a picture that is stretched to the size of its image, so nothing of the image may be left out.
"""

from collections.abc import Iterator

import numpy as np

from cell_pipelines.imaging.intensity import limits_of_bands, to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, LargeImage
from cell_pipelines.typing import ByteImage, FloatArray

# Images with more pixels are reduced part by part while they are read.
_MOST_PIXELS = 1 << 25
# Rows that are averaged at once.
_STRIP = 64


def reduced_picture(file: ImageFile, side: int) -> ByteImage:
    """Return an image whose contrast suits the screen, (H, W, 3) uint8 RGB.

    Args:
        file: The image.
        side: Longest side of the picture in pixels; a smaller image stays as large as it is.
    """
    # Values that no screen shows, such as 1e300, become black or white.
    with np.errstate(over="ignore", invalid="ignore"):
        return _picture(file, side)


def _picture(file: ImageFile, side: int) -> ByteImage:
    info = file.info()
    factor = min(1.0, side / max(info.height, info.width))
    size = max(1, round(info.height * factor)), max(1, round(info.width * factor))
    if info.height * info.width <= _MOST_PIXELS:
        return _resize(to_rgb(to_uint8(file())), size)
    with file.opened() as image:
        return _reduce_large(image, size) if isinstance(image, LargeImage) else _resize(to_rgb(to_uint8(image)), size)


def _reduce_large(image: LargeImage, size: tuple[int, int]) -> ByteImage:
    """Average what each pixel of the picture covers, a strip of rows at a time."""
    height, (rows, columns) = image.shape[0], size
    limits = limits_of_bands(image.bands(), image.shape[:2], image.dtype, "percentile_above_8_bit")
    summed = np.zeros((rows, columns, min(3, int(np.prod(image.shape[2:], dtype=int)))), dtype=np.float32)
    for first, strip in _strips(image):
        shown = to_uint8(strip, limits=limits if image.dtype != np.uint8 else None)
        narrow = _resize(shown, (len(shown), columns)).reshape(len(shown), columns, -1)
        start, shares = _row_shares(first, len(shown), height, rows)
        summed[start : start + len(shares)] += np.tensordot(shares, narrow.astype(np.float32), axes=1)
    averaged = np.rint(summed).astype(np.uint8)
    return to_rgb(averaged[..., 0] if averaged.shape[2] == 1 else averaged)


def _strips(image: LargeImage) -> Iterator[tuple[int, Image]]:
    """Yield a few rows at a time, of at most three channels, each with its first row."""
    for row, band in image.bands():
        for first in range(0, len(band), _STRIP):
            strip = band[first : first + _STRIP]
            yield row + first, strip[..., :3] if strip.ndim == 3 else strip


def _row_shares(first: int, count: int, height: int, rows: int) -> tuple[int, FloatArray]:
    """Return how much of each row of a picture some rows of its image are.

    Args:
        first: First of the image's rows.
        count: How many.
        height: Rows of the image.
        rows: Rows of the picture, at most `height`.

    Returns:
        The first row of the picture that they are part of, and (R, `count`) shares of it and those that follow; over
        all rows of the image the shares of a row are 1 together.
    """
    start, stop = first * rows // height, -(-(first + count) * rows // height)
    edges = np.arange(start, stop + 1) * (height / rows)
    inner = np.arange(first, first + count + 1)
    overlap = np.minimum.outer(edges[1:], inner[1:]) - np.maximum.outer(edges[:-1], inner[:-1])
    shares: FloatArray = np.clip(overlap, 0, None) * (rows / height)
    return start, shares.astype(np.float32)


def _resize(picture: ByteImage, size: tuple[int, int]) -> ByteImage:
    """Return a picture with so many rows and columns, not more than it has."""
    import cv2

    if picture.shape[:2] == size:
        return picture
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size[::-1], interpolation=cv2.INTER_AREA))
