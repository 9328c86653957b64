"""Speed, displacement and persistence of tracks against cases worked out by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.tracking.features import measure_steps, measure_tracks, shape_over_time

Tracks = Callable[..., pd.DataFrame]


def test_a_small_track_worked_out_by_hand(make_tracks: Tracks) -> None:
    linked = make_tracks({4: [(2, 0, 0), (3, 3, 4), (6, 3, 10)]})
    row = measure_tracks(linked).iloc[0]
    assert row[["begin", "end", "frames", "gaps", "missing_frames", "duration_frames"]].tolist() == [2, 6, 3, 1, 2, 4]
    assert row["path_length_px"] == 11 and row["displacement_px"] == pytest.approx(np.hypot(3, 10))
    assert row[["mean_speed_px_per_frame", "median_speed_px_per_frame", "max_speed_px_per_frame"]].tolist() == [
        3.5,
        3.5,
        5,
    ]
    assert row["straightness"] == pytest.approx(np.hypot(3, 10) / 11)
    assert np.isnan(row["mean_turning_cosine"])


def test_pixels_that_are_not_square_and_minutes_count_in_full(make_tracks: Tracks) -> None:
    linked = make_tracks({1: [(0, 0, 0), (1, 3, 0), (2, 3, 4)]})
    table = measure_tracks(linked, pixel_size_um=(2.0, 0.5), frame_interval_min=4.0)
    assert table["path_length_um"].tolist() == [8.0] and table["duration_min"].tolist() == [8.0]
    assert table["mean_speed_um_per_min"].tolist() == [1.0]


def test_a_straight_way_a_circle_and_a_way_back_differ_in_persistence(make_tracks: Tracks) -> None:
    angle = np.arange(13) * 2 * np.pi / 12
    paths = {
        1: [(t, 2.0 * t, 1.0 * t) for t in range(13)],
        2: [(t, 10 * np.sin(a), 10 * np.cos(a)) for t, a in enumerate(angle)],
        3: [(t, 5.0 * (t % 2), 0.0) for t in range(13)],
    }
    table = measure_tracks(make_tracks(paths)).set_index("track")
    assert table["mean_turning_cosine"].tolist() == pytest.approx([1.0, np.cos(2 * np.pi / 12), -1.0])
    assert table["straightness"].tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)
    assert table.loc[2, "max_distance_px"] == pytest.approx(20.0)


def test_steps_have_directions_and_a_still_cell_has_none(make_tracks: Tracks) -> None:
    linked = make_tracks({1: [(0, 0, 0), (1, -2, 0), (2, -2, 3), (3, -2, 3)], 2: [(0, 9, 9)]})
    steps = measure_steps(linked)
    np.testing.assert_allclose(steps["direction_deg"], [90.0, 0.0, np.nan])
    np.testing.assert_allclose(steps["turning_cosine"], [np.nan, 0.0, np.nan], atol=1e-12)
    assert steps["frame"].tolist() == [1, 2, 3]


def test_divisions_are_counted_and_single_cells_have_no_speed(make_tracks: Tracks) -> None:
    linked = make_tracks({1: [(0, 0, 0)], 2: [(1, 3, 0)], 3: [(1, -3, 0)]}, {2: 1, 3: 1})
    table = measure_tracks(linked)
    assert table["daughters"].tolist() == [2, 0, 0] and table["parent"].tolist() == [0, 1, 1]
    assert table["mean_speed_px_per_frame"].isna().all() and (table["path_length_px"] == 0).all()


def test_no_tracks_have_the_same_columns(make_tracks: Tracks) -> None:
    some, none = (measure_tracks(make_tracks(p)) for p in ({1: [(0, 0, 0), (1, 1, 1)]}, {}))
    assert none.empty and none.dtypes.to_dict() == some.dtypes.to_dict()
    some, none = (measure_steps(make_tracks(p)) for p in ({1: [(0, 0, 0), (1, 1, 1)]}, {}))
    assert none.empty and none.dtypes.to_dict() == some.dtypes.to_dict()


@pytest.mark.parametrize(
    "sizes", [{"pixel_size_um": 0.0}, {"pixel_size_um": (1.0, np.nan)}, {"frame_interval_min": -1}]
)
def test_sizes_that_are_none_are_refused(make_tracks: Tracks, sizes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be above 0, got"):
        measure_tracks(make_tracks({1: [(0, 0, 0)]}), **sizes)


def test_shapes_stand_beside_their_tracks(make_tracks: Tracks) -> None:
    linked = make_tracks({1: [(3, 0, 0), (5, 0, 0)], 2: [(4, 9, 9)]})
    morphology = pd.DataFrame({"image": ["t005.png", "t003.png"], "object": [1, 1], "circularity": [0.5, 0.9]})
    table = shape_over_time(linked, morphology)
    assert table["age_frames"].tolist() == [0, 2, 0]
    np.testing.assert_allclose(table["circularity"], [0.9, 0.5, np.nan])
    with pytest.raises(ValueError, match="one row per cell, got several for 't003.png' 1"):
        shape_over_time(linked, pd.concat([morphology, morphology.iloc[1:]]))
