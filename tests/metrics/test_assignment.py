"""The sparse choice equals a dense Hungarian one, in how many pairs it takes and in what they cost."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cell_pipelines.metrics.assignment import assign


def random_pairs(seed: int, n: int, m: int, share: float):
    """Give possible pairs among n rows and m columns, with tied costs of which some are 0."""
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((n, m)) < share)
    return rows, columns, rng.integers(0, 9, rows.size) / 8


@pytest.mark.parametrize("share", [0.02, 0.1, 0.6])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (20, 30), (40, 15)])
@pytest.mark.parametrize("seed", range(3))
def test_as_many_pairs_as_possible_and_then_the_cheapest(n: int, m: int, share: float, seed: int) -> None:
    rows, columns, costs = random_pairs(seed, n, m, share)
    chosen = assign(rows, columns, costs)
    dense = np.full((n, m), 1e4)
    dense[rows, columns] = costs
    i, j = linear_sum_assignment(dense)
    possible = dense[i, j] < 1e4
    assert chosen.size == np.count_nonzero(possible)
    assert costs[chosen].sum() == pytest.approx(dense[i, j][possible].sum())
    assert np.unique(rows[chosen]).size == np.unique(columns[chosen]).size == chosen.size


@pytest.mark.parametrize("seed", range(5))
def test_with_a_price_for_staying_alone_the_total_is_least(seed: int) -> None:
    rows, columns, costs = random_pairs(seed, 20, 25, 0.1)
    chosen = assign(rows, columns, costs, unmatched_cost=0.5)
    dense = np.hstack([np.full((20, 25), 1e4), np.full((20, 20), 0.5)])
    dense[rows, columns] = costs
    assert costs[chosen].sum() + 0.5 * (20 - chosen.size) == pytest.approx(dense[linear_sum_assignment(dense)].sum())


def test_no_pairs_give_no_choice() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert assign(nothing, nothing, np.zeros(0)).size == 0
