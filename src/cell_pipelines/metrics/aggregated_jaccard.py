"""The aggregated Jaccard index: one number for finding and outlining cells, from pixels of matched pairs.

`aggregated_jaccard` is algorithm 1 of Kumar et al. 2017 (doi:10.1109/TMI.2017.2677499): every true cell takes the
prediction of highest IoU, which another true cell may take as well; what was not taken adds to the union. It is not
AJI+ of Graham et al. 2019 (doi:10.1016/j.media.2019.101563), where a prediction is taken once.
"""

from typing import NamedTuple

import numpy as np

from cell_pipelines.metrics.label_overlap import OverlapTable
from cell_pipelines.metrics.ratios import share
from cell_pipelines.typing import IntArray


class JaccardCounts(NamedTuple):
    """Pixels of one image, or of many images summed.

    Attributes:
        intersection: Pixels that matched cells share, summed over the pairs.
        union: Pixels of either cell, summed over the pairs, and of all cells and predictions without a partner.
    """

    intersection: int
    union: int

    @property
    def ratio(self) -> float:
        """Intersection / union, in [0, 1]; nan without cells and predictions."""
        return share(self.intersection, self.union)


def aggregated_jaccard(table: OverlapTable) -> JaccardCounts:
    """Count for the aggregated Jaccard index of Kumar et al. 2017.

    Args:
        table: What `overlap_table` gave for one image.

    Returns:
        The counts; of two predictions that are equally good for a cell, the one of lower label is taken.
    """
    order = np.lexsort((table.predicted_index, -table.iou, table.true_index))
    _, first = np.unique(table.true_index[order], return_index=True)
    return _count(table, order[first])


def _count(table: OverlapTable, pairs: IntArray) -> JaccardCounts:
    missed = np.delete(table.true_areas, table.true_index[pairs]).sum()
    spurious = np.delete(table.predicted_areas, np.unique(table.predicted_index[pairs])).sum()
    return JaccardCounts(int(table.shared[pairs].sum()), int(table.union[pairs].sum() + missed + spurious))
