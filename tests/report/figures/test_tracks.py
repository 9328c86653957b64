"""Figures of tracks say what they show, for many groups, one, and none."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cell_pipelines.report.figures.tracks import plot_lineage, plot_msd, plot_track_speeds, plot_tracks_origin


def texts(figure: Figure) -> str:
    figure.canvas.draw()
    return " ".join(text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")))


def linked(groups: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "sequence": np.repeat([f"s{g}" for g in range(groups)], 12), "frame": np.tile([0, 1, 2], 4 * groups),
            "track": np.tile(np.repeat([1, 2, 3, 4], 3), groups), "parent": 0,
            "row_px": rng.normal(size=12 * groups), "column_px": rng.normal(size=12 * groups),
        }
    )  # fmt: skip


@pytest.mark.parametrize("groups", [1, 3, 14])
def test_tracks_start_at_one_origin(groups: int) -> None:
    figure = plot_tracks_origin(linked(groups), pixel_size_um=0.5)
    assert len(figure.axes) == min(groups, 12) and "n = 4" in texts(figure) and "µm" in texts(figure)
    assert ("2 more groups not shown" in texts(figure)) == (groups == 14)
    (lines,) = figure.axes[0].collections[:1]
    assert all((path.vertices[0] == 0).all() for path in lines.get_paths())


def msd(groups: int) -> pd.DataFrame:
    lags = np.arange(1, 6)
    parts = [
        pd.DataFrame(
            {"sequence": f"g{g}", "lag_frames": lags, "lag_min": 5.0 * lags, "msd_um2": lags * (g + 1.0),
             "sem_um2": 0.1, "low_um2": lags * 0.9 * (g + 1),
             "high_um2": lags * 1.1 * (g + 1), "n_tracks": 7, "n_pairs": 30}
        )
        for g in range(groups)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("groups", [1, 9])
def test_spreading_is_told_with_its_number_of_tracks_and_persistence(groups: int) -> None:
    fits = pd.DataFrame({"sequence": ["g0"], "persistence_min": [12.3], "identifiable": [True]})
    figure = plot_msd(msd(groups), fits=fits)
    assert "n = 7" in texts(figure) and "P = 12.3 min" in texts(figure) and figure.axes[0].get_xscale() == "log"


def test_many_sequences_of_long_names_leave_room_for_the_panel_and_keep_their_names_apart() -> None:
    table = msd(24).assign(sequence=lambda t: "series02_growing_field0" + t["sequence"])
    fits = pd.DataFrame({"sequence": table["sequence"].unique(), "persistence_min": 12.3, "identifiable": True})
    figure = plot_msd(table, fits=fits)
    FigureCanvasAgg(figure).draw()
    (legend,), renderer = figure.legends, figure.canvas.get_renderer()
    assert len({text.get_text() for text in legend.get_texts()}) == 12 + 2, "and two slopes"
    assert all("…" not in text.get_text() for text in legend.get_texts())
    assert "12 more groups not shown" in texts(figure)
    panel, box = figure.axes[0].get_tightbbox(renderer), legend.get_window_extent(renderer)
    assert not panel.overlaps(box) and box.y0 >= 0
    assert figure.axes[0].get_window_extent(renderer).height > 0.3 * figure.bbox.height


def test_speeds_and_lineages_count_their_tracks() -> None:
    table = pd.DataFrame(
        {"sequence": ["a", "a", "a", "b"], "track": [1, 2, 3, 1], "parent": [0, 1, 1, 0], "begin": [0, 3, 3, 0],
         "end": [2, 5, 6, 0], "mean_speed_um_per_min": [1.0, 2.0, 3.0, np.nan]}
    )  # fmt: skip
    assert "n = 3 tracks; 1 track of one frame left out" in texts(plot_track_speeds(table))
    assert "n = 3 tracks, 1 division" in texts(plot_lineage(table.iloc[:3]))
    assert "1 more not shown" in texts(plot_lineage(table.iloc[:3], longest=2))


def test_without_tracks_the_figures_say_so() -> None:
    assert "no tracks" in texts(plot_tracks_origin(linked(1).iloc[:0]))
    assert "no displacements" in texts(plot_msd(msd(1).iloc[:0]))
    speeds = pd.DataFrame({"sequence": ["a"], "mean_speed_px_per_frame": [np.nan]})
    assert "no tracks of more than one frame" in texts(plot_track_speeds(speeds))
    assert "There are no tracks." in texts(plot_lineage(pd.DataFrame(columns=["track", "parent", "begin", "end"])))
