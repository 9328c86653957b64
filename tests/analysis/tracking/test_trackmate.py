"""TrackMate's tables: read back as they were written, with divisions as edges."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cell_pipelines.analysis.tracking.trackmate import (
    trackmate_edges,
    trackmate_spots,
    trackmate_tracks,
    write_trackmate,
)
from cell_pipelines.annotations.formats import trackmate_csv
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

Tracks = Callable[..., pd.DataFrame]

PATHS = {1: [(0, 5, 6), (2, 5, 8)], 2: [(3, 3, 8)], 3: [(3, 7, 8), (4, 7, 9)], 4: [(1, 30, 30)]}


@pytest.fixture
def linked(make_tracks: Tracks) -> pd.DataFrame:
    return make_tracks(PATHS, {2: 1, 3: 1})


def test_a_family_is_one_track_and_a_mother_the_source_of_two(linked: pd.DataFrame) -> None:
    assert trackmate_spots(linked)["TRACK_ID"].tolist() == [0, 0, 0, 0, 0, 1]
    edges = trackmate_edges(linked)
    assert edges[["SPOT_SOURCE_ID", "SPOT_TARGET_ID"]].to_numpy().tolist() == [[0, 1], [1, 2], [1, 3], [3, 4]]
    tracks = trackmate_tracks(linked)
    columns = ["TRACK_ID", "NUMBER_SPOTS", "NUMBER_GAPS", "NUMBER_SPLITS", "LONGEST_GAP", "TRACK_DURATION"]
    assert tracks[columns].to_numpy().tolist() == [[0, 5, 1, 1, 1, 4], [1, 1, 0, 0, 0, 0]]


@pytest.mark.parametrize("pixel_size_um", [None, 0.5])
def test_the_spots_are_read_back(linked: pd.DataFrame, tmp_path: Path, pixel_size_um: float | None) -> None:
    files = write_trackmate(linked, tmp_path / "out", pixel_size_um=pixel_size_um, frame_interval_min=5)
    assert sorted(path.name for path in files) == ["a_edges.csv", "a_spots.csv", "a_tracks.csv"]
    size = None if pixel_size_um is None else (pixel_size_um, pixel_size_um)
    images = ImageIndex([ImageRecord("a.png", width=40, height=40, pixel_size_um=size)])
    read = trackmate_csv.read(tmp_path / "out", images)
    objects = read.annotations.objects.to_pylist()
    assert [o["y_min"] - 0.5 for o in objects] == pytest.approx(linked["row_px"].tolist())
    assert [o["x_min"] - 0.5 for o in objects] == pytest.approx(linked["column_px"].tolist())
    assert '"FRAME": 2' in objects[1]["attributes"] and '"TRACK_ID": 0' in objects[1]["attributes"]


def test_no_cells_give_headers_and_several_sequences_are_refused(make_tracks: Tracks, linked: pd.DataFrame) -> None:
    none = make_tracks({})
    assert trackmate_spots(none).empty and trackmate_edges(none).empty and trackmate_tracks(none).empty
    with pytest.raises(ValueError, match="must be of one sequence"):
        trackmate_spots(pd.concat([linked, linked.assign(sequence="b")]))
