"""Images larger than memory: parts of them, and their hash band by band, without the whole ever being read."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cell_pipelines.imaging.axes import Choice, check_size, choose, read_choice
from cell_pipelines.imaging.description import Image, ImageInfo, ImageSelection, Source
from cell_pipelines.imaging.opening import open_source, plain_errors

# Bytes that a band of rows may take, unless the file's own pieces are higher.
_BAND_BYTES = 32 << 20


class LargeImage:
    """An open image of which any part can be read: only the tiles, strips or rows it touches are decoded.

    Attributes:
        info: What it is.
        shape: (H, W) or (H, W, C).
        dtype: Type of its pixels.
    """

    def __init__(self, path: Path, source: Source, choice: Choice) -> None:
        self._path, self._source, self._choice = path, source, choice
        self.info: ImageInfo = choice.info
        self.shape = choice.info.shape
        self.dtype = np.dtype(choice.info.dtype)

    def read(self, row: int, column: int, height: int, width: int) -> Image:
        """Return a part as a new array (height, width) or (height, width, C).

        Raises:
            ValueError: The part has no pixels or leaves the image.
            ImageFormatError: The file is damaged there.
        """
        inside = 0 <= row < row + height <= self.shape[0] and 0 <= column < column + width <= self.shape[1]
        if not inside:
            part = f"row {row}, column {column}, height {height}, width {width}"
            raise ValueError(f"{self._path}: a region must lie inside {self.shape[:2]}, got {part}.")
        check_size(self._path, (height, width, *self.shape[2:]), self.info.dtype)
        with plain_errors(self._path):
            return read_choice(self._source, self._choice, (row, column, height, width))

    def bands(self) -> Iterator[tuple[int, Image]]:
        """Yield the image in bands of rows from the top, each with its first row."""
        pixels = self.shape[1] * int(np.prod(self.shape[2:], dtype=int))
        with plain_errors(self._path):
            pieces = min(max(1, self._source.band_rows(self._choice.depth[0].scene)), self.shape[0])
        rows = max(1, _BAND_BYTES // (pixels * self.dtype.itemsize) // pieces) * pieces
        for row in range(0, self.shape[0], rows):
            yield row, self.read(row, 0, min(rows, self.shape[0] - row), self.shape[1])


@contextmanager
def open_region_reader(path: Path, selection: ImageSelection | None = None) -> Iterator[LargeImage]:
    """Open an image for reading parts of it.

    A TIFF or CZI is decoded where it is touched; of a PNG or JPEG the whole is decoded once.

    Raises:
        ImageFormatError: The file is damaged, or not one image.
    """
    with open_source(path) as source:
        choice = choose(path, source.scenes, selection or ImageSelection())
        yield LargeImage(path, source, choice)


def hash_pixels(image: Image | LargeImage) -> str:
    """Return the SHA-256 of an image's shape, dtype and pixels, the same in whatever file it lies."""
    kind = image.dtype.newbyteorder("<")
    digest = hashlib.sha256(f"{image.shape}{kind.str}".encode())
    bands = image.bands() if isinstance(image, LargeImage) else [(0, image)]
    for _, band in bands:
        digest.update(np.ascontiguousarray(band, dtype=kind).data)
    return digest.hexdigest()
