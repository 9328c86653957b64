"""Groups take every member once, and their sums add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.metrics.strata import stratify


@given(values=st.lists(st.integers(0, 30), max_size=40), n_strata=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_every_member_is_in_one_group_and_equal_values_stay_together(values: list[int], n_strata: int) -> None:
    strata = stratify(values, n_strata=n_strata)
    assert strata.sizes.sum() == len(values)
    assert len(strata.names) == strata.n_strata <= n_strata
    assert all(len(set(strata.index[np.array(values) == value])) == 1 for value in set(values))
    np.testing.assert_array_equal(strata.sum(np.ones((len(values), 1)))[:, 0], strata.sizes)
    if values:
        assert (strata.sizes > 0).all()


def test_terciles_of_different_values_are_equally_large_and_ordered() -> None:
    values = np.random.default_rng(0).permutation(90)
    strata = stratify(values)
    assert strata.sizes.tolist() == [30, 30, 30]
    assert values[strata.index == 0].max() < values[strata.index == 1].min()


def test_images_that_are_mostly_empty_make_fewer_groups() -> None:
    strata = stratify([0, 0, 0, 0, 0, 0, 7])
    assert strata.names == ("all",)
    assert stratify([0, 0, 0, 0, 8, 9, 9]).n_strata == 2


def test_given_edges_belong_to_the_upper_group_and_may_leave_a_group_empty() -> None:
    strata = stratify([9, 10, 49.5], edges=[10, 50])
    assert strata.index.tolist() == [0, 1, 1]
    assert strata.names == ("below 10", "10 to below 50", "50 and more")
    np.testing.assert_array_equal(strata.sum([[1, 2], [3, 4], [5, 6]]), [[1, 2], [8, 10], [0, 0]])


def test_nothing_to_group_is_one_group_without_members() -> None:
    strata = stratify([])
    assert (strata.n_strata, strata.sizes.tolist(), strata.names) == (1, [0], ("all",))
    assert strata.sum(np.zeros((0, 3))).tolist() == [[0, 0, 0]]


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"`edges` must be strictly ascending, got \[3, 3\]"):
        stratify([1, 2], edges=[3, 3])
    with pytest.raises(ValueError, match="`n_strata` must be 1 or more, got 0"):
        stratify([1, 2], n_strata=0)
    with pytest.raises(ValueError, match=r"`values` must have shape \(N,\) and be finite"):
        stratify([1, np.nan])
    with pytest.raises(ValueError, match=r"`counts` must have shape \(2, K\), got \(3, 1\)"):
        stratify([1, 2]).sum(np.zeros((3, 1)))
