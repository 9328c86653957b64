"""The pixels of each cell as pieces of columns, every cell in full however many others lie over it."""

from dataclasses import dataclass

import numpy as np

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, split_at_columns
from cell_pipelines.annotations.geometry.rasterising import rings_to_spans
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.typing import IntArray


@dataclass(frozen=True, eq=False)
class CellSpans:
    """The pixels of N cells of one image, cell by cell, column by column, from top to bottom.

    Attributes:
        starts: (N + 1,) first piece of each cell, and S at the end; a cell without a pixel has none.
        column: (S,) column of each piece.
        top: (S,) its first row.
        bottom: (S,) the row after its last; pieces of one cell and column never touch.
        height: Rows of the image.
        width: Columns of the image.
    """

    starts: IntArray
    column: IntArray
    top: IntArray
    bottom: IntArray
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def places(self) -> tuple[IntArray, IntArray]:
        """First pixel and pixel after the last of each piece, pixels counted column by column, both (S,)."""
        return self.column * self.height + self.top, self.column * self.height + self.bottom


def find_spans(cells: AnnotationSet) -> CellSpans:
    """Return the pixels of the objects of one image; those that overlap others are all there in full.

    A pixel belongs to a polygon when its centre lies inside, as everywhere here; what reaches beyond the image is
    cut off.

    Raises:
        ValueError: `cells` holds another number of images than one, boxes or points, or a mask that is larger than
            its image.
    """
    if cells.n_images != 1:
        raise ValueError(f"`cells` must hold one image, got {cells.n_images}.")
    _check_outlines(cells)
    height, width = (int(cells.images[side][0].as_py()) for side in ("height", "width"))
    rings = rings_to_spans(Rings.from_arrow(cells.objects["rings"]), height, width)
    owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_arrow(cells.objects["counts"]))
    if stop.size and stop.max() > height * width:
        raise ValueError(f"masks must have {height * width} pixels as their image has, got {stop.max()} and more.")
    number, column, top, bottom = split_at_columns(start, stop, max(height, 1))
    parts = ((rings.object, owner[number]), (rings.column, column), (rings.start, top), (rings.stop, bottom))
    owner, column, top, bottom = (np.concatenate(part).astype(np.int64) for part in parts)
    order = np.argsort((owner * width + column) * height + top, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(cells.n_objects + 1))
    return CellSpans(starts.astype(np.int64), column[order], top[order], bottom[order], height, width)


def _check_outlines(cells: AnnotationSet) -> None:
    codes = cells.objects["geometry"].to_numpy()
    counts = {kind: int((codes == GEOMETRIES.index(kind)).sum()) for kind in ("box", "point")}
    found = [f"{count} of kind {kind}" for kind, count in counts.items() if count]
    if found:
        name = cells.images["name"][0].as_py()
        raise ValueError(
            f"`cells` must have outlines (polygons or masks) for morphology, got {' and '.join(found)} in {name}."
        )
