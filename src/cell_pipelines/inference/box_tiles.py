"""Boxes found in overlapping tiles: where they lie in the image, and which a neighbouring tile shows better."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cell_pipelines.inference.tiles import Span, Tiling, Window, core_spans
from cell_pipelines.typing import BoolMask, Float32Array

# A box that ends nearer to a tile's border than this, in pixels or as a share of its side, may be cut by it: large
# boxes are less precise.
_EDGE_PX = 2.0
_EDGE_SHARE = 0.05


@dataclass(frozen=True)
class BoxTile:
    """One tile, and what its neighbours show of it.

    Attributes:
        window: Row, column, height and width in the image.
        tiling: All tiles.
        place: Which row and column of tiles it is.
    """

    window: Window
    tiling: Tiling
    place: tuple[int, int]

    def to_image(self, boxes: Float32Array) -> tuple[Float32Array, BoolMask]:
        """Return boxes (N, 4) of the tile in pixels of the image, and which of them to keep.

        Left out is a box that the tile's inner border cuts while the neighbour shows it whole, and one whose centre
        lies farther in the neighbour's half of the overlap than a quarter of it: the neighbour sees it better.
        """
        row, column = self.place
        kept = _kept(boxes[:, 0], boxes[:, 2], self.tiling.columns, column)
        kept &= _kept(boxes[:, 1], boxes[:, 3], self.tiling.rows, row)
        top, left = self.window[:2]
        return boxes + np.array([left, top, left, top], np.float32), kept

    def cut_sides(self, boxes: Float32Array) -> BoolMask:
        """Return which sides of boxes (N, 4) of the tile may be cut by its inner borders: left, top, right, bottom."""
        row, column = self.place
        last_row, last_column = len(self.tiling.rows) - 1, len(self.tiling.columns) - 1
        inner = np.array([column > 0, row > 0, column < last_column, row < last_row])
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        gaps = np.concatenate([boxes[:, :2], np.array(self.window[:1:-1], np.float32) - boxes[:, 2:]], axis=1)
        cut: BoolMask = inner & (gaps < np.maximum(_EDGE_PX, _EDGE_SHARE * sides))
        return cut


class BoxTiles:
    """The tiles of one image.

    Args:
        windows: As `tile_windows` gives them.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        rows = sorted({(row, height) for row, _, height, _ in windows})
        columns = sorted({(column, width) for _, column, _, width in windows})
        self._tiling = Tiling(tuple(rows), tuple(columns))

    def __len__(self) -> int:
        return len(self._tiling)

    @property
    def columns(self) -> int:
        """Tiles in a row of them."""
        return len(self._tiling.columns)

    def __iter__(self) -> Iterator[BoxTile]:
        wide = len(self._tiling.columns)
        for number, (window, _) in enumerate(self._tiling.windows()):
            yield BoxTile(window, self._tiling, divmod(number, wide))


def _kept(low: Float32Array, high: Float32Array, spans: Sequence[Span], index: int) -> BoolMask:
    """Return which boxes, from `low` to `high` along one axis of the tile, the neighbours along it leave to it."""
    start, length = spans[index]
    first, core = core_spans(spans)[index]
    centre, edge = (low + high) / 2, np.maximum(_EDGE_PX, _EDGE_SHARE * (high - low))
    kept = np.ones(len(low), dtype=np.bool_)
    if index > 0:
        shared = sum(spans[index - 1]) - start
        cut = (low < edge) & (high < shared - edge)
        kept &= ~cut & (centre >= first - shared / 4)
    if index + 1 < len(spans):
        shared = start + length - spans[index + 1][0]
        cut = (high > length - edge) & (low > length - shared + edge)
        kept &= ~cut & (centre <= first + core + shared / 4)
    return kept
