"""Foreground runs of many masks: their areas, the pixels that pairs of them share, and the rectangles they are of."""

from dataclasses import dataclass

import numpy as np

from cell_pipelines.annotations.columns import RunLengths, starts_of
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals
from cell_pipelines.typing import FloatArray, IntArray

_PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class MaskRuns:
    """The foreground runs of N masks in one long line of pixels, in which each mask has a stretch of its own.

    Attributes:
        begins: (R,) place of each run's first pixel, rising.
        ends: (R,) place after each run's last pixel.
        starts: (N + 1,) first run of each mask, and R at the end.
        stretch: Length of a mask's stretch; mask ``i`` begins at ``i * stretch``.
    """

    begins: IntArray
    ends: IntArray
    starts: IntArray
    stretch: int

    @classmethod
    def from_counts(cls, counts: RunLengths) -> "MaskRuns":
        """Return the runs of COCO run lengths; an object without a mask has none."""
        owner, begins, ends = all_run_lengths_to_intervals(counts)
        edges = np.concatenate([[0], np.cumsum(counts.values, dtype=np.int64)])
        stretch = int(np.diff(edges[counts.starts]).max(initial=0)) + 1
        starts = starts_of(np.bincount(owner, minlength=len(counts)))
        return cls(begins + owner * stretch, ends + owner * stretch, starts, stretch)

    def areas(self) -> IntArray:
        """Return the number of pixels of each mask, shape (N,)."""
        covered = np.concatenate([[0], np.cumsum(self.ends - self.begins)])
        return np.diff(covered[self.starts])

    def shared_pixels(self, first: IntArray, second: IntArray) -> IntArray:
        """Return how many pixels the masks `first` and `second`, each (P,), share pair by pair."""
        sizes = np.diff(self.starts)
        swap = sizes[first] > sizes[second]
        few, many = np.where(swap, second, first), np.where(swap, first, second)
        covered = np.concatenate([[0], np.cumsum(self.ends - self.begins)])
        parts = [
            self._shared(few[at : at + _PAIRS_AT_ONCE], many[at : at + _PAIRS_AT_ONCE], covered)
            for at in range(0, len(few), _PAIRS_AT_ONCE)
        ]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _shared(self, few: IntArray, many: IntArray, covered: IntArray) -> IntArray:
        """Lay each run of `few` on the stretch of `many` and count the foreground below it."""
        pair, run = _spread(self.starts, few)
        shift = (many - few)[pair] * self.stretch
        low = self._covered_before(self.begins[run] + shift, covered)
        high = self._covered_before(self.ends[run] + shift, covered)
        below = np.concatenate([[0], np.cumsum(high - low)])
        return np.diff(below[starts_of(np.diff(self.starts)[few])])

    def _covered_before(self, places: IntArray, covered: IntArray) -> IntArray:
        """Count the foreground pixels of all masks before each place."""
        run = np.searchsorted(self.begins, places, side="left")
        beyond = np.where(run > 0, self.ends[run - 1] - places, 0) if self.ends.size else np.zeros_like(places)
        counted: IntArray = covered[run] - np.maximum(beyond, 0)
        return counted

    def rectangles(self, rows: IntArray, heights: IntArray) -> tuple[FloatArray, IntArray]:
        """Return the masks of `rows` as rectangles that do not overlap.

        Args:
            rows: (P,) masks; one may come several times.
            heights: (P,) height in pixels of the image of each.

        Returns:
            Boxes (K, 4) in pixel edges, and for each its place in `rows`, shape (K,).
        """
        place, run = _spread(self.starts, rows)
        offset = rows[place] * self.stretch
        tall = np.maximum(heights[place], 1)
        left, top = np.divmod(self.begins[run] - offset, tall)
        right, bottom = np.divmod(self.ends[run] - offset - 1, tall)
        one, several, many = left == right, left < right, left + 1 < right
        full = np.zeros_like(tall)
        boxes = [
            np.stack([left, top, left + 1, bottom + 1], axis=1)[one],
            np.stack([left, top, left + 1, tall], axis=1)[several],
            np.stack([left + 1, full, right, tall], axis=1)[many],
            np.stack([right, full, right + 1, bottom + 1], axis=1)[several],
        ]
        places = [place[kind] for kind in (one, several, many, several)]
        return np.concatenate(boxes).astype(np.float64), np.concatenate(places)


def _spread(starts: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return, for every run of every row, the row's place in `rows` and the run."""
    sizes = np.diff(starts)[rows]
    place = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(place.size) - np.repeat(starts_of(sizes)[:-1], sizes)
    return place, starts[rows][place] + within
