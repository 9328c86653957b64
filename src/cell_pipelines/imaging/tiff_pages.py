"""Pages of a TIFF, and the pixels of one: only tiles, strips or rows that a window touches are read and decoded."""

import itertools
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.description import Image, Window
from cell_pipelines.unpacking import check_unpacked

# Bytes that one byte of a file can stand for, by TIFF's number of the compression; what isn't named is a codec
# that stores a blank image in next to nothing.
_MAX_RATIO = {1: 1, 5: 2000, 8: 1100, 32946: 1100, 32773: 128, 6: 5000, 7: 5000}
_MAX_OTHER_RATIO = 50_000
_JPEG = (6, 7, 33007, 34892)
_MAX_PAGES = 1 << 20


def check_chain(path: Path) -> None:
    """Refuse a file whose pages lead in a circle, out of the file, or are more than any microscope writes.

    Raises:
        ValueError: They do; reading would never end, or would give fewer pages than there were.
    """
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            return
        big = struct.unpack(order + "H", head[2:4])[0] == 43
        count, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
        offset = struct.unpack(order + pointer, head[8:16] if big else head[4:8])[0]
        seen: set[int] = set()
        while offset and offset not in seen and len(seen) < _MAX_PAGES:
            seen.add(offset)
            file.seek(offset)
            number = file.read(struct.calcsize(count))
            if len(number) < struct.calcsize(count):
                raise ValueError(
                    f"a file cut short or damaged: page {len(seen)} should lie at byte {offset}, beyond it"
                )
            file.seek(offset + len(number) + struct.unpack(order + count, number)[0] * entry)
            following = file.read(struct.calcsize(pointer))
            if len(following) < struct.calcsize(pointer):
                raise ValueError(f"a file cut short or damaged: page {len(seen)} ends beyond the file")
            offset = struct.unpack(order + pointer, following)[0]
    if offset:
        raise ValueError(f"pages that lead in a circle, or more than {_MAX_PAGES}")


@dataclass(frozen=True)
class PageReader:
    """The pages of one series, each read by itself.

    Attributes:
        path: The file.
        size: Its length in bytes.
        series: tifffile's series.
    """

    path: Path
    size: int
    series: Any

    def read(self, number: int, depth: int, window: Window) -> Image:
        """Return a window of one depth of one page, (separate samples, H, W, samples side by side)."""
        if self.series.dataoffset is not None:
            return self._map(number, depth, window)
        page = self.series[number]
        if page is None:
            raise ValueError(f"page {number + 1} of the image is not in the file")
        if not page.is_final:
            return self._decode(page, depth, window)
        return self._map_at(page.dataoffsets[0], depth, window)

    def band_rows(self) -> int:
        """Return after how many rows the pieces repeat in which the pixels are stored."""
        key = self.series.keyframe
        if self.series.dataoffset is not None or key.is_final:
            return 1
        return int(key.tilelength if key.is_tiled else min(key.rowsperstrip, key.imagelength))

    def _map(self, number: int, depth: int, window: Window) -> Image:
        return self._map_at(self.series.dataoffset + number * self.series.keyframe.nbytes, depth, window)

    def _map_at(self, offset: int, depth: int, window: Window) -> Image:
        key = self.series.keyframe
        if offset + key.nbytes > self.size:
            raise ValueError(f"a file cut short: {offset + key.nbytes} bytes are needed, {self.size} are there")
        row, column, height, width = window
        dtype = np.dtype(key.dtype).newbyteorder(key.parent.byteorder)
        whole = np.memmap(self.path, dtype, "r", offset, tuple(key.shaped))
        # A copy, and the map is closed: mapped pages would count as memory in use.
        return np.array(whole[:, depth, row : row + height, column : column + width])

    def _decode(self, page: Any, depth: int, window: Window) -> Image:
        key = self.series.keyframe
        row, column, height, width = window
        self._check_claim(page, key)
        out = np.full((key.shaped[0], height, width, key.shaped[4]), key.nodata, key.dtype)
        options = {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader} if key.compression in _JPEG else {}
        for index in _segments(key, depth, window):
            data, place, _ = key.decode(self._bytes(page, index), index, **options)
            if data is None:
                continue
            sample, d, r, c, _ = place
            r0, r1 = max(row, r), min(row + height, r + data.shape[1])
            c0, c1 = max(column, c), min(column + width, c + data.shape[2])
            if r0 < r1 and c0 < c1:
                part = data[depth - d, r0 - r : r1 - r, c0 - c : c1 - c]
                out[sample, r0 - row : r1 - row, c0 - column : c1 - column] = part
        return out

    def _bytes(self, page: Any, index: int) -> bytes | None:
        if index >= min(len(page.dataoffsets), len(page.databytecounts)):
            raise ValueError(f"{len(page.dataoffsets)} strips or tiles; the image needs number {index + 1}")
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if not count or not offset:
            return None
        if offset + count > self.size:
            raise ValueError(f"a file cut short: {offset + count} bytes are needed, {self.size} are there")
        handle = page.parent.filehandle
        handle.seek(offset)
        data: bytes = handle.read(count)
        return data

    def _check_claim(self, page: Any, key: Any) -> None:
        """Refuse a tile or strip whose size no compression reaches; most memory bombs are told by this."""
        rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
        rows = rows if key.is_tiled else min(rows, key.imagelength)
        claimed = math.prod((rows, columns, key.shaped[4], key.tiledepth if key.is_tiled else 1))
        claimed = claimed * _bits(key) // 8
        largest = min(max(page.databytecounts, default=0), self.size)
        limit = (largest + 16) * _MAX_RATIO.get(int(key.compression), _MAX_OTHER_RATIO)
        if claimed > limit:
            raise ValueError(f"a piece of {rows} x {columns} pixels, for which its {largest} bytes are too few")
        check_unpacked(largest, claimed)


def _bits(key: Any) -> int:
    bits = key.bitspersample
    return max(bits) if isinstance(bits, tuple) else int(bits)


def _segments(key: Any, depth: int, window: Window) -> Iterator[int]:
    """Yield the numbers of the strips or tiles that a window touches."""
    row, column, height, width = window
    samples, depths, rows, columns = key.shaped[:4]
    if not key.is_tiled:
        step = min(key.rowsperstrip, rows)
        strips = -(-rows // step)
        for sample, strip in itertools.product(range(samples), range(row // step, -(-(row + height) // step))):
            yield (sample * depths + depth) * strips + strip
        return
    d, r, c = key.tiledepth, key.tilelength, key.tilewidth
    deep, down, across = (-(-n // step) for n, step in ((depths, d), (rows, r), (columns, c)))
    touched = itertools.product(
        range(samples),
        range(row // r, -(-(row + height) // r)),
        range(column // c, -(-(column + width) // c)),
    )
    for sample, i, j in touched:
        yield ((sample * deep + depth // d) * down + i) * across + j
