"""Cells become tracks: gaps, divisions, missing and doubled frames."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.positions import POSITION_COLUMNS, check_lineage

Tracks = Callable[..., pd.DataFrame]


def positions(tracks: pd.DataFrame) -> pd.DataFrame:
    return tracks.drop(columns=["track", "parent"])


def test_cells_that_move_little_keep_their_track(make_tracks: Tracks) -> None:
    truth = make_tracks({1: [(t, 10.0 + t, 10.0) for t in range(6)], 2: [(t, 50.0, 40.0 - t) for t in range(6)]})
    linked = link_cells(positions(truth).sample(frac=1, random_state=0), LinkingSettings(5.0))
    assert (pd.crosstab(linked["track"], truth["track"]).to_numpy() > 0).sum(axis=1).tolist() == [1, 1]
    assert (linked["parent"] == 0).all()


def test_a_cell_exactly_as_far_as_allowed_is_linked_and_one_farther_is_not(make_tracks: Tracks) -> None:
    table = positions(make_tracks({1: [(0, 0.0, 0.0), (1, 3.0, 4.0), (2, 3.0, 9.1)]}))
    assert link_cells(table, LinkingSettings(5.0, gap_frames=0))["track"].tolist() == [1, 1, 2]


@pytest.mark.parametrize(("gap_frames", "tracks"), [(0, 2), (1, 2), (2, 1), (3, 1)])
def test_a_gap_is_closed_when_it_is_short_enough(make_tracks: Tracks, gap_frames: int, tracks: int) -> None:
    table = positions(
        make_tracks({1: [(0, 5, 5), (1, 5, 6), (4, 5, 8), (5, 5, 9)], 2: [(t, 90, 90) for t in range(6)]})
    )
    linked = link_cells(table, LinkingSettings(4.0, gap_frames=gap_frames))
    assert linked["track"][:4].nunique() == tracks


def test_a_frame_that_was_not_taken_is_a_gap_for_all(make_tracks: Tracks) -> None:
    table = positions(make_tracks({k: [(t, 5, 30.0 * k) for t in (0, 1, 3, 4)] for k in (1, 2, 3)}))
    assert link_cells(table, LinkingSettings(5.0, gap_frames=0))["track"].nunique() == 6
    assert link_cells(table, LinkingSettings(5.0, gap_frames=1))["track"].nunique() == 3


def test_huge_frame_numbers_cost_nothing(make_tracks: Tracks) -> None:
    table = positions(make_tracks({1: [(20_240_101, 5, 5), (20_240_102, 5, 6), (2_000_000_000, 5, 6)]}))
    assert link_cells(table, LinkingSettings(5.0))["track"].tolist() == [1, 1, 2]


def test_a_division_ends_the_mother_and_begins_two_daughters(make_tracks: Tracks) -> None:
    paths = {1: [(t, 50, 50) for t in range(3)], 2: [(3, 46, 50), (4, 44, 50)], 3: [(3, 55, 50), (4, 57, 50)]}
    table = positions(make_tracks(paths)).assign(area_px2=[100.0] * 3 + [50.0] * 4)
    linked = link_cells(table, LinkingSettings(8.0, divisions=True))
    assert linked["track"].tolist() == [1, 1, 1, 2, 2, 3, 3]
    assert linked["parent"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    without = link_cells(table, LinkingSettings(8.0))
    assert (without["parent"] == 0).all() and without["track"].nunique() == 2


def test_a_cell_as_large_as_its_neighbour_is_no_daughter(make_tracks: Tracks) -> None:
    table = positions(make_tracks({1: [(t, 50, 50) for t in range(4)], 2: [(2, 56, 50), (3, 56, 50)]}))
    linked = link_cells(table, LinkingSettings(8.0, divisions=True))
    assert linked["track"].nunique() == 2 and (linked["parent"] == 0).all()


def test_each_cell_of_one_frame_is_a_track_and_sequences_are_apart(make_tracks: Tracks) -> None:
    table = positions(make_tracks({k: [(7, 5.0, 9.0 * k)] for k in (1, 2, 3)}))
    both = pd.concat([table, table.assign(sequence="b", image="other")], ignore_index=True)
    assert link_cells(both, LinkingSettings(30.0))["track"].tolist() == [1, 2, 3, 1, 2, 3]


def test_no_cells_give_no_tracks() -> None:
    linked = link_cells(pd.DataFrame({n: pd.Series(dtype=d) for n, d in POSITION_COLUMNS.items()}), LinkingSettings())
    assert linked.empty and linked["track"].dtype == linked["parent"].dtype == np.int64


def test_two_images_of_one_frame_are_refused(make_tracks: Tracks) -> None:
    table = positions(make_tracks({1: [(0, 5, 5), (1, 5, 5)]})).assign(frame=0)
    with pytest.raises(ValueError, match=r"must be one image, got 't001.png' and another for frame 0 of sequence 'a'"):
        link_cells(table, LinkingSettings())


def test_wrong_settings_are_told_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"`max_distance_px`.*`division_area`.*`gap_frames`"):
        LinkingSettings(max_distance_px=0, division_area=-1, gap_frames=1.5)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), divisions=st.booleans(), gap=st.integers(0, 2))
def test_nothing_is_lost_and_the_rules_hold(seed: int, divisions: bool, gap: int) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 6, rng.integers(0, 40))
    place = rng.uniform(0, 60, (len(frame), 2))
    table = pd.DataFrame(
        {"sequence": "a", "frame": frame, "image": frame.astype(str), "object": range(len(frame)),
         "row_px": place[:, 0], "column_px": place[:, 1], "area_px2": rng.uniform(20, 200, len(frame))}
    )  # fmt: skip
    before = table.copy()
    linked = link_cells(table, LinkingSettings(12.0, gap_frames=gap, divisions=divisions))
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(linked[table.columns], table)
    assert set(linked["track"]) == set(range(1, linked["track"].nunique() + 1))
    assert not linked.duplicated(["frame", "track"]).any()
    check_lineage(linked)
    daughters = linked[linked["parent"] > 0].groupby("parent")["track"].nunique()
    assert (daughters == 2).all()
    broken = linked.sort_values(["track", "frame"]).groupby("track")["frame"].diff().dropna()
    assert (broken <= gap + 1).all()
