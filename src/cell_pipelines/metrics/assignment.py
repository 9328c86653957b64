"""Assign pairs one to one at the least cost.

Only pairs that are possible at all are given, so that thousands of cells need no table of all against all.
Pairs that nothing competes with are taken at once; the others go to SciPy's sparse shortest augmenting path
solver (Jonker & Volgenant 1987, doi:10.1007/BF02278710), which finds the same optimum as a dense Hungarian
algorithm.
"""

import numpy as np

from cell_pipelines.typing import FloatArray, IntArray


def assign(rows: IntArray, columns: IntArray, costs: FloatArray, *, unmatched_cost: float | None = None) -> IntArray:
    """Choose pairs so that no row and no column is used twice, at the least total cost.

    Args:
        rows: (K,) int, 0 or more, first partner of each possible pair.
        columns: (K,) int, 0 or more, second partner. No pair is given twice.
        costs: (K,) float, 0 or more, cost of each pair.
        unmatched_cost: What a row without a partner costs. None for more than all pairs together, so that as
            many pairs as possible are chosen, and of all such choices the one of least total cost.

    Returns:
        (M,) int64, ascending, which of the K pairs are chosen.

    Example:
        >>> assign(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([3.0, 1.0, 2.0])).tolist()
        [0, 2]
    """
    if rows.size == 0:
        return np.zeros(0, dtype=np.int64)
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    worth_it = alone if unmatched_cost is None else alone & (costs < unmatched_cost)
    contested = np.flatnonzero(~alone)
    if contested.size == 0:
        return np.flatnonzero(worth_it)
    chosen = contested[_solve(rows[contested], columns[contested], costs[contested], unmatched_cost)]
    return np.sort(np.concatenate([np.flatnonzero(worth_it), chosen]))


def _solve(rows: IntArray, columns: IntArray, costs: FloatArray, unmatched_cost: float | None) -> IntArray:
    """Give every row a column of its own that means "none", and let SciPy match all rows."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    row_ids, rows = np.unique(rows, return_inverse=True)
    column_ids, columns = np.unique(columns, return_inverse=True)
    n, m = row_ids.size, column_ids.size
    none = (min(n, m) + 1) * float(costs.max()) + 1 if unmatched_cost is None else unmatched_cost
    each = np.arange(n)
    weights = np.concatenate([costs, np.full(n, none)]) + 1  # a weight of 0 would be no edge; all rows pay the 1
    where = np.concatenate([rows, each]), np.concatenate([columns, m + each])
    taken = min_weight_full_bipartite_matching(csr_array((weights, where), shape=(n, m + n)))[1]
    return np.flatnonzero(taken[rows] == columns)
