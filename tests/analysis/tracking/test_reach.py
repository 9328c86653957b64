"""The reach of linking comes from the sequence, and where the sequence does not tell, that is said."""

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.reach import DEFAULT_REACH, estimate_reach

Tracks = Callable[..., pd.DataFrame]


def walks(make_tracks: Tracks, speed: float, *, spacing: float = 100.0, frames: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    paths = {}
    for track, start in enumerate(np.indices((5, 5)).reshape(2, -1).T * spacing, 1):
        steps = rng.normal(0, speed / np.sqrt(2), (frames, 2)).cumsum(axis=0)
        paths[track] = [(t, *place) for t, place in enumerate((start + steps).tolist())]
    return make_tracks(paths)


@pytest.mark.parametrize("speed", [0.0, 1.0, 5.0, 15.0])
def test_the_reach_follows_the_speed_and_all_cells_keep_their_track(make_tracks: Tracks, speed: float) -> None:
    truth = walks(make_tracks, speed)
    reach = estimate_reach(truth).distance_px
    steps = truth.groupby("track")[["row_px", "column_px"]].diff().dropna()
    farthest = float(np.hypot(*steps.to_numpy().T).max())
    assert reach is not None and max(farthest, 1.0) <= reach < max(3.0 * farthest, 1.1)
    linked = link_cells(truth.drop(columns=["track", "parent"]), LinkingSettings())
    assert linked["track"].tolist() == truth["track"].tolist()
    assert set(linked["max_distance_source"]) == {"estimated"} and (linked["max_distance_px"] == reach).all()


def test_cells_too_fast_for_their_spacing_are_said_not_to_be_known(
    make_tracks: Tracks, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(1)
    unrelated = make_tracks({k: [(t, *rng.uniform(0, 300, 2)) for t in range(8)] for k in range(1, 30)})
    with caplog.at_level(logging.WARNING):
        linked = link_cells(unrelated, LinkingSettings())
    assert "they move too far for their spacing. 20 px are taken" in caplog.text
    assert (linked["max_distance_px"] == DEFAULT_REACH).all() and set(linked["max_distance_source"]) == {"default"}


def test_few_cells_in_common_tell_no_reach(make_tracks: Tracks) -> None:
    reach = estimate_reach(make_tracks({1: [(0, 5, 5), (1, 5, 6), (4, 5, 8)]}))
    assert reach.distance_px is None and "have 1 cells in common, fewer than 20" in reach.explanation


def test_each_sequence_has_its_own_reach_and_one_that_is_set_holds_for_all(make_tracks: Tracks) -> None:
    slow, fast = walks(make_tracks, 1.0), walks(make_tracks, 10.0).assign(sequence="b")
    both = pd.concat([slow, fast], ignore_index=True)
    reaches = link_cells(both, LinkingSettings()).groupby("sequence")["max_distance_px"].first()
    assert reaches["b"] > 3 * reaches["a"]
    assert (link_cells(both, LinkingSettings(12.0))["max_distance_px"] == 12.0).all()
    with pytest.raises(ValueError, match="`max_distance_px` must be a number above 0 or auto, got 'far'"):
        LinkingSettings("far")  # type: ignore[arg-type]
