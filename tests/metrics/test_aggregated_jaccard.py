"""The aggregated Jaccard index equals a plain reading of its paper."""

import numpy as np
import pytest

from cell_pipelines.metrics.aggregated_jaccard import JaccardCounts, aggregated_jaccard
from cell_pipelines.metrics.label_overlap import overlap_table


def masks_of(labels) -> list[np.ndarray]:
    """Give one mask per cell."""
    return [labels == label for label in np.unique(labels[labels > 0])]


def by_loops(true, predicted, choose) -> JaccardCounts:
    """Add up pairs that `choose` picks from the table of IoUs, and what is left of both sides."""
    cells, found = masks_of(true), masks_of(predicted)
    table = np.array([[np.sum(a & b) / np.sum(a | b) for b in found] for a in cells])
    pairs = [(i, j) for i, j in choose(table) if table[i, j] > 0]
    intersection = sum(np.sum(cells[i] & found[j]) for i, j in pairs)
    union = sum(np.sum(cells[i] | found[j]) for i, j in pairs)
    union += sum(np.sum(cell) for i, cell in enumerate(cells) if i not in [pair[0] for pair in pairs])
    union += sum(np.sum(cell) for j, cell in enumerate(found) if j not in [pair[1] for pair in pairs])
    return JaccardCounts(intersection, union)


@pytest.mark.parametrize("seed", range(6))
def test_counts_equal_those_of_plain_loops(seed: int, make_labels) -> None:
    true, predicted = make_labels(seed)
    table = overlap_table(true, predicted)
    assert aggregated_jaccard(table) == by_loops(true, predicted, lambda t: enumerate(t.argmax(axis=1)))


def test_a_merged_pair_is_punished_twice() -> None:
    table = overlap_table(np.array([[1, 1, 2, 2]]), np.array([[5, 5, 5, 5]]))
    assert aggregated_jaccard(table) == (4, 8)


def test_a_perfect_segmentation_has_one_and_a_missed_one_zero(make_labels) -> None:
    true, _ = make_labels(0)
    assert aggregated_jaccard(overlap_table(true, true)).ratio == 1
    assert aggregated_jaccard(overlap_table(true, np.zeros_like(true))).ratio == 0
    assert aggregated_jaccard(overlap_table(np.zeros_like(true), true)).ratio == 0
    assert np.isnan(aggregated_jaccard(overlap_table(np.zeros_like(true), np.zeros_like(true))).ratio)
