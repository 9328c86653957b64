"""Score maps cut at many levels: the one loop behind `decode` and `sweep` of the representations that are maps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.base import Instances
from cell_pipelines.representations.maps import FULL, Maps, to_level
from cell_pipelines.representations.packing import Window, pack, whole
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import BoolMask, LabelImage

#: Given a least distance of centres in pixels, the cells of one window at one level.
Cut = Callable[[float], LabelImage]

# Higher thresholds leave less to look at; after so many the foreground is packed anew.
_LEVELS_A_PACKING: Final = 8


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules by which a representation turns maps into cells; both must see no farther than `packing.pack` promises.

    Attributes:
        support: Where cells can lie at a level or any higher one; a mask (H, W) from maps and level. None for cells
            that depend on more than their own surroundings, which are sought in the whole image.
        segment: What is the same for all minimum distances at a level; from a window's maps and the level.
        certainty: The map whose mean over a cell is its score.
    """

    support: Callable[[Maps, int], BoolMask] | None
    segment: Callable[[Maps, int], Cut]
    certainty: str


def sweep_levels(maps: Maps, decodings: Sequence[Threshold], rules: Rules) -> Iterator[Instances]:
    """Yield the cells at each decoding, in order.

    What decodings with the same threshold have in common is done once where they follow each other.

    Args:
        maps: (H, W) uint16 maps by name.
        decodings: In any order; fastest ascending.
        rules: How cells are found.
    """
    groups = [list(group) for _, group in groupby(decodings, key=lambda d: d.score)]
    for start in range(0, len(groups), _LEVELS_A_PACKING):
        some = groups[start : start + _LEVELS_A_PACKING]
        lowest = min(to_level(group[0].score) for group in some)
        windows = pack(maps, rules.support(maps, lowest)) if rules.support else [whole(maps)]
        for group in some:
            yield from _at_one_level(maps, windows, group, rules)


def _at_one_level(maps: Maps, windows: list[Window], decodings: list[Threshold], rules: Rules) -> Iterator[Instances]:
    level = to_level(decodings[0].score)
    cuts = [rules.segment(window.maps, level) for window in windows]
    found: dict[float, _Cells] = {}
    for decoding in decodings:
        min_distance = decoding.min_distance_px
        if min_distance not in found:
            labels = [cut(min_distance) for cut in cuts]
            found[min_distance] = _gather(windows, labels, rules.certainty)
        yield found[min_distance].choose(decoding.min_area_px, maps[rules.certainty].shape)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells in windows; `labels` of one window after the other, each cell's area, summed score and first place."""

    windows: list[Window]
    labels: list[LabelImage]
    areas: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]

    def choose(self, min_area_px: float, shape: tuple[int, ...]) -> Instances:
        """Return the cells that are large enough, numbered by their first pixel."""
        from cell_pipelines.representations.flooding import paint

        kept = np.flatnonzero((self.areas > 0) & (self.areas >= min_area_px))
        kept = kept[np.argsort(self.first[kept])]
        numbers = np.zeros(self.areas.size, dtype=np.int32)
        numbers[kept] = np.arange(1, kept.size + 1)
        painted = np.zeros(shape, dtype=np.int32)
        offset = 0
        for window, labels in zip(self.windows, self.labels, strict=True):
            count = int(labels.max(initial=0))
            paint(labels, window.source_index, np.append(np.int32(0), numbers[offset + 1 :]), painted.ravel())
            offset += count
        return Instances(painted, (self.sums[kept] / self.areas[kept] / FULL).astype(np.float32))


def _gather(windows: list[Window], labels: list[LabelImage], certainty: str) -> _Cells:
    from cell_pipelines.representations.flooding import measure

    total = 1 + sum(int(found.max(initial=0)) for found in labels)
    areas, sums, first = np.zeros(total, np.int64), np.zeros(total, np.int64), np.full(total, -1)
    offset = 0
    for window, found in zip(windows, labels, strict=True):
        part = slice(offset, None)
        measure(found, window.maps[certainty], window.source_index, areas[part], sums[part], first[part])
        offset += int(found.max(initial=0))
    return _Cells(windows, labels, areas, sums, first)
