"""Images as pictures for the screen, whatever their size."""

from collections.abc import Iterator

import numpy as np

from cell_pipelines.imaging.intensity import limits_of_bands, to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, LargeImage
from cell_pipelines.typing import ByteImage

# Images with more pixels are reduced part by part while they are read.
_MOST_PIXELS = 1 << 25


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
    height, width = info.height, info.width
    if height * width <= _MOST_PIXELS:
        return _reduce(to_rgb(to_uint8(file())), min(1.0, side / max(height, width)))
    with file.opened() as image:
        return _reduce_large(image, side) if isinstance(image, LargeImage) else _reduce(to_rgb(to_uint8(image)), 1.0)


def _reduce_large(image: LargeImage, side: int) -> ByteImage:
    """Average squares of pixels, band by band; what is left over at the right and lower border is not shown."""
    height, width = image.shape[:2]
    step = min(-(-max(height, width) // side), height, width)
    limits = limits_of_bands(image.bands(), (height, width), image.dtype, "percentile_above_8_bit")
    rows = [
        to_uint8(_average(part, step), limits=limits if image.dtype != np.uint8 else None)
        for part in _whole_steps(image, step)
    ]
    return to_rgb(np.concatenate(rows))


def _whole_steps(image: LargeImage, step: int) -> Iterator[Image]:
    """Yield parts of as many rows as make whole squares."""
    left: list[Image] = []
    for _, band in image.bands():
        rows = np.concatenate([*left, band]) if left else band
        whole = rows.shape[0] // step * step
        if whole:
            yield rows[:whole]
        left = [rows[whole:]] if whole < rows.shape[0] else []


def _average(part: Image, step: int) -> Image:
    columns = part.shape[1] // step * step
    squares = part[:, :columns].reshape(part.shape[0] // step, step, columns // step, step, *part.shape[2:])
    # Whole numbers stay in their type, so that contrast is that of the image.
    averaged: Image = squares.mean(axis=(1, 3), dtype=np.float32)
    return np.rint(averaged).astype(part.dtype) if part.dtype.kind in "iu" else averaged


def _reduce(picture: ByteImage, factor: float) -> ByteImage:
    import cv2

    if factor >= 1:
        return picture
    size = tuple(max(1, round(length * factor)) for length in picture.shape[1::-1])
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
