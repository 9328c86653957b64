"""Mean squared displacement and persistence against random walks whose answer is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.tracking.mean_squared_displacement import (
    fit_persistence,
    fuerth,
    mean_squared_displacement,
)

Tracks = Callable[..., pd.DataFrame]


def table_of(places: np.ndarray) -> pd.DataFrame:
    """Return places (frames, tracks, 2) as tracks."""
    frames, tracks = places.shape[:2]
    frame, track = np.repeat(np.arange(frames), tracks), np.tile(np.arange(1, tracks + 1), frames)
    row, column = places.reshape(-1, 2).T
    return pd.DataFrame(
        {"sequence": "a", "frame": frame, "image": frame.astype(str), "object": track - 1, "row_px": row,
         "column_px": column, "area_px2": 1.0, "track": track, "parent": 0}
    )  # fmt: skip


def brownian(frames: int, tracks: int, step: float, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, step, (frames, tracks, 2)).cumsum(axis=0)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_random_walk_spreads_as_four_d_t_and_the_interval_says_how_surely() -> None:
    rng, inside = np.random.default_rng(1), []
    for _ in range(400):
        msd = mean_squared_displacement(table_of(brownian(16, 20, 1.5, rng)), max_lag_frames=4)
        true = 4 * (1.5**2 / 2) * msd["lag_frames"]
        inside.append((msd["low_px2"] <= true) & (true <= msd["high_px2"]))
    # 1600 intervals, four of them a walk and alike: three standard errors are about 2.5 %.
    assert 0.925 < np.mean(inside) < 0.975


def test_a_straight_way_spreads_with_the_square_of_time(make_tracks: Tracks) -> None:
    linked = make_tracks({k: [(t, 3.0 * t, 4.0 * t) for t in range(9)] for k in (1, 2)})
    msd = mean_squared_displacement(linked, max_lag_frames=8, pixel_size_um=2.0, frame_interval_min=5.0)
    assert msd["msd_um2"].tolist() == pytest.approx(100.0 * np.arange(1, 9) ** 2)
    assert msd["lag_min"].tolist() == (5.0 * np.arange(1, 9)).tolist()
    assert msd["n_pairs"].tolist() == [16, 14, 12, 10, 8, 6, 4, 2]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_gaps_and_short_tracks_count_by_real_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    linked = table_of(brownian(7, 4, 1.0, rng))
    linked = linked[rng.random(len(linked)) < 0.6]
    msd = mean_squared_displacement(linked, max_lag_frames=6).set_index("lag_frames")
    for lag in range(1, 7):
        means, pairs = [], 0
        for _, own in linked.groupby("track"):
            at = {f: np.array([r, c]) for f, r, c in own[["frame", "row_px", "column_px"]].itertuples(index=False)}
            squares = [((at[f + lag] - at[f]) ** 2).sum() for f in at if f + lag in at]
            means += [np.mean(squares)] if squares else []
            pairs += len(squares)
        assert (lag in msd.index) == bool(means)
        if means:
            assert msd.loc[lag, ["msd_px2", "n_tracks", "n_pairs"]].tolist() == pytest.approx(
                [np.mean(means), len(means), pairs]
            )


def test_groups_are_kept_apart_or_taken_together() -> None:
    rng = np.random.default_rng(0)
    one, two = (table_of(brownian(9, 5, step, rng)) for step in (1.0, 3.0))
    both = pd.concat([one.assign(drug="no"), two.assign(drug="yes", sequence="b")], ignore_index=True)
    apart = mean_squared_displacement(both, by="drug")
    assert apart["drug"].tolist() == ["no", "no", "yes", "yes"]
    together = mean_squared_displacement(both, by=None)
    assert together["sequence"].unique().tolist() == ["all"] and together["n_tracks"].tolist() == [10, 10]


def test_no_track_and_single_cells_give_no_row(make_tracks: Tracks) -> None:
    for linked in (make_tracks({}), make_tracks({1: [(0, 0, 0)]})):
        msd, fit = mean_squared_displacement(linked), fit_persistence(linked)
        assert msd.empty and fit.empty and msd["n_pairs"].dtype == np.int64
    with pytest.raises(ValueError, match="`max_lag_frames` must be at least 1, got 0"):
        mean_squared_displacement(make_tracks({}), max_lag_frames=0)


def persistent(frames: int, tracks: int, persistence: float, rng: np.random.Generator) -> np.ndarray:
    """Return an Ornstein-Uhlenbeck walk of speed 2 (root mean square), 20 small steps a frame."""
    fine, keep = 20, np.exp(-1 / (20 * persistence))
    velocity = rng.normal(0, np.sqrt(2), (tracks, 2))
    places = np.zeros((frames * fine, tracks, 2))
    for step in range(1, frames * fine):
        velocity = keep * velocity + rng.normal(0, np.sqrt(2 * (1 - keep**2)), velocity.shape)
        places[step] = places[step - 1] + velocity / fine
    return places[::fine]


def test_a_persistent_walk_gives_its_speed_and_persistence_back() -> None:
    rng = np.random.default_rng(3)
    fit = fit_persistence(table_of(persistent(40, 80, 3.0, rng)), resamples=100).iloc[0]
    assert fit["identifiable"] and fit["persistence_low_frames"] < 3.0 < fit["persistence_high_frames"]
    assert fit["speed_px_per_frame"] == pytest.approx(2.0, rel=0.08)
    assert fit["diffusion_px2_per_frame"] == pytest.approx(2.0**2 * 3.0 / 2, rel=0.2)


def test_a_random_walk_has_diffusion_but_no_persistence() -> None:
    fit = fit_persistence(table_of(brownian(40, 80, 1.5, np.random.default_rng(0)))).iloc[0]
    assert not fit["identifiable"] and np.isnan(fit["persistence_frames"])
    assert fit["diffusion_px2_per_frame"] == pytest.approx(1.5**2 / 2, rel=0.1)


def test_the_formula_is_straight_at_first_and_diffusion_in_the_end() -> None:
    assert fuerth(np.array([1e-6]), 2.0, 5.0)[0] == pytest.approx(4e-12, rel=1e-4)
    assert fuerth(np.array([1e6]), 2.0, 5.0)[0] == pytest.approx(2 * 4 * 5 * 1e6, rel=1e-4)
