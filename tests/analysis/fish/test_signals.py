"""Dots of one chromosome are one signal, and no dot is lost."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.fish.scoring import score_spots
from cell_pipelines.analysis.fish.signals import group_dots, merge_double_dots


def spots(*places: tuple[float, float], nucleus: int | list[int] = 1, channel: str | list[str] = "red") -> pd.DataFrame:
    rows, columns = np.array(places, dtype=float).reshape(-1, 2).T
    owners = nucleus if isinstance(nucleus, list) else [nucleus] * len(rows)
    names = channel if isinstance(channel, list) else [channel] * len(rows)
    numbers = {"row": rows, "column": columns, "area_px": 9.0, "intensity": 90.0, "distance_to_border_px": 5.0}
    names_column = pd.array(names, dtype="str")
    return pd.DataFrame({"channel": names_column, "nucleus": np.array(owners, dtype=np.int64), "kept": True} | numbers)


def naive_groups(places: np.ndarray, distance: float) -> set[frozenset[int]]:
    """Complete linkage by its definition: join the two groups whose farthest dots lie nearest, while they may."""
    groups = [frozenset([i]) for i in range(len(places))]

    def farthest(pair: tuple[frozenset[int], frozenset[int]]) -> float:
        return max(float(np.hypot(*(places[i] - places[j]))) for i in pair[0] for j in pair[1])

    while len(groups) > 1:
        pair = min(combinations(groups, 2), key=farthest)
        if farthest(pair) > distance:
            break
        groups = [group for group in groups if group not in pair] + [pair[0] | pair[1]]
    return set(groups)


@pytest.mark.parametrize("seed", range(30))
def test_groups_are_those_of_complete_linkage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 12, (int(rng.integers(0, 7)), 2))
    found = group_dots(places, 5.0)
    assert {frozenset(np.flatnonzero(found == g).tolist()) for g in np.unique(found)} == naive_groups(places, 5.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 2)), max_size=8), st.integers(1, 6))
def test_no_dot_is_lost_and_no_signal_is_too_wide(dots: list[tuple[int, int, int]], distance: int) -> None:
    table = spots(*[dot[:2] for dot in dots], nucleus=[dot[2] for dot in dots])
    signals = merge_double_dots(table, distance_px=distance)
    assert signals["n_dots"].sum() == len(dots)
    assert (signals["extent_px"] <= distance).all()
    mixed = merge_double_dots(table.sample(frac=1, random_state=0), distance_px=distance)
    pd.testing.assert_frame_equal(signals, mixed)


def test_a_double_dot_is_one_signal_in_its_centre() -> None:
    signals = merge_double_dots(spots((10, 10), (10, 13), (30, 30)), distance_px=4.0)
    assert signals[["row", "column", "n_dots", "extent_px"]].to_numpy().tolist() == [[10, 11.5, 2, 3], [30, 30, 1, 0]]


def test_a_row_of_dots_does_not_become_one_signal() -> None:
    assert len(merge_double_dots(spots((0, 0), (0, 3), (0, 6), (0, 9)), distance_px=4.0)) == 2


def test_dots_of_two_nuclei_or_channels_stay_apart() -> None:
    near = ((10, 10), (10, 11))
    assert len(merge_double_dots(spots(*near, nucleus=[1, 2]), distance_px=4.0)) == 2
    assert len(merge_double_dots(spots(*near, channel=["red", "green"]), distance_px=4.0)) == 2


def test_only_kept_spots_become_signals_and_the_table_stays_as_it_was() -> None:
    table = spots((10, 10), (30, 30)).assign(kept=[True, False])
    before = table.copy()
    assert len(merge_double_dots(table, distance_px=4.0)) == 1
    pd.testing.assert_frame_equal(table, before)


def test_no_spots_give_a_table_of_the_same_kind() -> None:
    full, empty = (merge_double_dots(table, distance_px=4.0) for table in (spots((1, 1)), spots()))
    assert empty.empty and (empty.dtypes == full.dtypes).all()


def test_a_distance_of_zero_is_told() -> None:
    with pytest.raises(ValueError, match="`distance_px` must be above 0, got 0"):
        merge_double_dots(spots(), distance_px=0)


def test_scores_count_by_channel() -> None:
    true = spots((10, 10), (30, 30), (50, 50), channel=["red", "red", "green"])
    found = spots((11, 10), (49, 50), (70, 70), (30, 30), channel=["red", "green", "green", "red"])
    scores = score_spots(true, found.assign(kept=[True, True, True, False]), max_distance_px=3.0)
    assert scores.to_dict("list") == {"channel": ["red", "green"], "tp": [1, 1], "fp": [0, 1], "fn": [1, 0]}
    assert score_spots(true.iloc[:0], found.iloc[:0], max_distance_px=3.0)[["tp", "fp", "fn"]].to_numpy().sum() == 0
