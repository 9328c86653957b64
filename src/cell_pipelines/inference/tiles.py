"""Overlapping tiles of an image of any size, and their outputs blended without seams, band of rows by band of rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import Float32Array

#: Top, left, height and width in pixels.
Window = tuple[int, int, int, int]
Span = tuple[int, int]


# Share of an overlap at either end where a tile counts nothing, since it saw padding in place of the image there.
_MARGIN_SHARE = 3 / 8


def tile_spans(length: int, size: int, overlap: int, stride: int = 1) -> list[Span]:
    """Return start and length of the tiles that cover `length` pixels, evenly spread.

    Starts are multiples of `stride`, so that a network that pools puts its grid where it would on the whole image.
    Tiles overlap by `overlap` or more; the last ends with the image and may be shorter than the others.

    Args:
        length: Of the image, in pixels, positive.
        size: Longest a tile may be; rounded down to a multiple of `stride` where more than one is needed.
        overlap: Least overlap of neighbours.
        stride: Of the network.

    Raises:
        ValueError: `size` leaves no step of a stride beside the overlap.

    >>> tile_spans(100, size=48, overlap=16, stride=16)
    [(0, 48), (32, 48), (64, 36)]
    """
    if length <= size:
        return [(0, length)]
    # In strides from here on; the last tile starts where it reaches the end.
    longest, shared, needed = size // stride, -(-overlap // stride), -(-length // stride)
    if overlap < 0 or longest <= shared:
        least = (shared + 1) * stride
        raise ValueError(
            f"`tile` must be {least} or more for `overlap` {overlap} and the network's stride {stride}, got {size}."
        )
    steps = -(-(needed - longest) // (longest - shared))
    # As many tiles may be smaller, where the steps are more than the length needs.
    side = next(n for n in range(shared + 1, longest + 1) if n + steps * (n - shared) >= needed)
    last = needed - side
    starts = [-(-i * last // steps) * stride for i in range(steps + 1)]
    return [(start, min(side * stride, length - start)) for start in starts]


def blend_weights(spans: Sequence[Span]) -> list[Float32Array]:
    """Return for each span the weights of its pixels; over all spans they add up to 1 on every pixel.

    A weight is 0 in a margin of 3/8 of the overlap at an end that is not the image's own, then rises evenly to 1.
    """
    total = np.zeros(spans[-1][0] + spans[-1][1])
    raw = []
    for i, (start, length) in enumerate(spans):
        weights = np.ones(length)
        if i > 0:
            weights = np.minimum(weights, _ramp(length, sum(spans[i - 1]) - start))
        if i + 1 < len(spans):
            weights = np.minimum(weights, _ramp(length, start + length - spans[i + 1][0])[::-1])
        total[start : start + length] += weights
        raw.append(weights)
    return [
        (weights / total[start : start + length]).astype(np.float32)
        for weights, (start, length) in zip(raw, spans, strict=True)
    ]


def _ramp(length: int, overlap: int) -> npt.NDArray[np.float64]:
    """Return weights that rise in the central quarter of the first `overlap` pixels, the mirror of the neighbour's."""
    margin = overlap * _MARGIN_SHARE
    rise = max(overlap - 2 * margin, 1.0)
    ramp: npt.NDArray[np.float64] = np.clip((np.arange(length) + 0.5 - overlap / 2) / rise + 0.5, 0, 1)
    return ramp


def core_spans(spans: Sequence[Span]) -> list[Span]:
    """Return start and length, within each span, of the part that is nearer to its centre than to a neighbour's.

    The parts meet halfway in the overlaps, so each pixel of the image belongs to exactly one.
    """
    cuts = [0, *((a + n + b) // 2 for (a, n), (b, _) in pairwise(spans)), sum(spans[-1])]
    return [(low - start, high - low) for (start, _), (low, high) in zip(spans, pairwise(cuts), strict=True)]


@dataclass(frozen=True)
class Tiling:
    """Tiles of one image: every span of rows with every span of columns."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @classmethod
    def cover(cls, shape: tuple[int, int], size: tuple[int, int], overlap: int, stride: int = 1) -> "Tiling":
        """Cover an image of `shape` by tiles of at most `size`, as in `tile_spans`."""
        spans = [tuple(tile_spans(n, s, overlap, stride)) for n, s in zip(shape, size, strict=True)]
        return cls(spans[0], spans[1])

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def n_pixels(self) -> int:
        """Pixels of all tiles together, overlaps counted as often as they are seen."""
        return sum(n for _, n in self.rows) * sum(n for _, n in self.columns)

    @property
    def height(self) -> int:
        """Rows of the image."""
        return sum(self.rows[-1])

    @property
    def width(self) -> int:
        """Columns of the image."""
        return sum(self.columns[-1])

    def windows(self) -> list[tuple[Window, Window]]:
        """Return each tile's window in the image and its core's in the tile, row by row."""
        row_cores, column_cores = core_spans(self.rows), core_spans(self.columns)
        return [
            ((r[0], c[0], r[1], c[1]), (rc[0], cc[0], rc[1], cc[1]))
            for (r, rc), (c, cc) in product(
                zip(self.rows, row_cores, strict=True), zip(self.columns, column_cores, strict=True)
            )
        ]


def iter_outputs(
    tiling: Tiling, read: Callable[[Window], Any], apply: Callable[[Float32Array], Float32Array], batch: int = 1
) -> Iterator[tuple[Window, Window, Float32Array]]:
    """Yield window, core and output (C, h, w) of each tile, row by row.

    Args:
        tiling: The tiles.
        read: Gives the pixels (h, w, channels) of a window.
        apply: Gives the outputs (B, C, h, w) of tiles (B, h, w, channels).
        batch: Most tiles, of one shape, that go through the network together.
    """
    for _, group in groupby(tiling.windows(), key=lambda tile: tile[0][2:]):
        alike = list(group)
        for first in range(0, len(alike), batch):
            some = alike[first : first + batch]
            outputs = apply(np.stack([read(window) for window, _ in some]))
            for (window, core), output in zip(some, outputs, strict=True):
                yield window, core, output


def blend_bands(
    tiling: Tiling, outputs: Iterator[tuple[Window, Window, Float32Array]]
) -> Iterator[tuple[int, Float32Array]]:
    """Yield the blended output in bands of rows (C, rows, W) from the top, each with its first row.

    A band is yielded when no later tile reaches it, so one row of tiles is all that is held.
    """
    if len(tiling) == 1:
        yield 0, next(outputs)[2]
        return
    row_weights, column_weights = blend_weights(tiling.rows), blend_weights(tiling.columns)
    kept: Float32Array | None = None
    for i, (start, length) in enumerate(tiling.rows):
        band: Float32Array | None = None
        for (left, width), weights in zip(tiling.columns, column_weights, strict=True):
            output = next(outputs)[2]
            if band is None:
                band = np.zeros((len(output), length, tiling.width), np.float32)
                if kept is not None:
                    band[:, : kept.shape[1]] = kept
            band[:, :, left : left + width] += output * (row_weights[i][:, None] * weights)
        if band is None:
            return
        final = tiling.rows[i + 1][0] - start if i + 1 < len(tiling.rows) else length
        yield start, band[:, :final]
        kept = band[:, final:]
