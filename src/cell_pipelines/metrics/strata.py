"""Numbers by group: images by how many cells they hold, cells by how large they are.

One number over all images hides where a model fails. A `Strata` says which group each image, or each cell,
belongs to; its `sum` adds the counts of a group's members, and ratios are taken of the sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from cell_pipelines.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Strata:
    """N things in S groups by one value each.

    Attributes:
        edges: (S - 1,) float64, ascending. Group 0 lies below the first edge, group s from edge s - 1 to below
            edge s, the last one from the last edge upwards.
        index: (N,) int64 in [0, S), the group of each.
    """

    edges: FloatArray
    index: IntArray

    @property
    def n_strata(self) -> int:
        """S, how many groups there are, with members or not."""
        return self.edges.size + 1

    @property
    def names(self) -> tuple[str, ...]:
        """S ranges of the value in words, such as ``"10 to below 25"``."""
        if not self.edges.size:
            return ("all",)
        shown = [f"{edge:.6g}" for edge in self.edges]
        inner = (f"{low} to below {high}" for low, high in pairwise(shown))
        return (f"below {shown[0]}", *inner, f"{shown[-1]} and more")

    @property
    def sizes(self) -> IntArray:
        """(S,) int64, how many members each group has."""
        return np.bincount(self.index, minlength=self.n_strata)

    def sum(self, counts: ArrayLike) -> FloatArray:
        """Add up the counts of the members of each group.

        Args:
            counts: (N, K), K counts of each member, such as tp, fp and fn of an image.

        Returns:
            (S, K) float64; 0 for a group without members.
        """
        table = np.asarray(counts, dtype=np.float64)
        if table.ndim != 2 or len(table) != self.index.size:
            raise ValueError(f"`counts` must have shape ({self.index.size}, K), got {table.shape}.")
        sums = np.zeros((self.n_strata, table.shape[1]))
        np.add.at(sums, self.index, table)
        return sums


def stratify(values: ArrayLike, *, edges: Sequence[float] | None = None, n_strata: int = 3) -> Strata:
    """Put things into groups by a value, at given edges or so that the groups are about equally large.

    Args:
        values: (N,) finite, for example the true count of each image or the true area of each cell. N may be 0.
        edges: Where a new group begins, strictly ascending. None to take quantiles of the values.
        n_strata: How many groups quantiles make, 1 or more; 3 gives terciles. Where many values are equal,
            such as images without cells, fewer groups may come out, as equal values stay together.

    Returns:
        The groups.

    Example:
        >>> strata = stratify([3, 40, 10, 12], edges=[10, 30])
        >>> strata.names, strata.index.tolist()
        (('below 10', '10 to below 30', '30 and more'), [0, 2, 1, 1])
    """
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not np.isfinite(column).all():
        raise ValueError(f"`values` must have shape (N,) and be finite, got shape {column.shape}.")
    limits = _quantiles(column, n_strata) if edges is None else np.asarray(edges, dtype=np.float64)
    if limits.ndim != 1 or not (np.diff(limits) > 0).all():
        raise ValueError(f"`edges` must be strictly ascending, got {edges}.")
    return Strata(limits, np.searchsorted(limits, column, side="right").astype(np.int64))


def _quantiles(values: FloatArray, n_strata: int) -> FloatArray:
    if n_strata < 1:
        raise ValueError(f"`n_strata` must be 1 or more, got {n_strata}.")
    if values.size == 0:
        return np.zeros(0)
    inner = np.quantile(values, np.arange(1, n_strata) / n_strata, method="higher")  # values: no group is empty
    edges: FloatArray = np.unique(inner[inner > values.min()])
    return edges
