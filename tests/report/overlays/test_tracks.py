"""Tracks drawn on frames, and frames written as GIF and video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cell_pipelines.report.overlays.tracks import draw_tracks, track_colour, write_gif
from cell_pipelines.report.palette import INK

IMAGE = np.full((500, 480), 900, np.uint16)
LINKED = pd.DataFrame(
    {
        "sequence": "a", "frame": [0, 1, 2, 2, 4], "track": [1, 1, 2, 3, 4], "parent": [0, 0, 1, 1, 0],
        "object": [0, 0, 0, 1, 0], "row_px": [100.0, 100.0, 200.0, 300.0, 50.0],
        "column_px": [100.0, 300.0, 300.0, 300.0, 400.0],
    }
)  # fmt: skip


def has_colour(canvas: np.ndarray, colour: tuple[int, int, int], row: int, column: int, reach: int = 4) -> bool:
    part = canvas[row - reach : row + reach + 1, column - reach : column + reach + 1]
    return bool((np.abs(part.astype(int) - colour).max(axis=-1) <= 40).any())


def test_trails_lead_from_the_mother_and_she_has_a_ring() -> None:
    drawn = draw_tracks(IMAGE, None, LINKED, 2)
    assert drawn.shape == (500, 480, 3) and drawn.dtype == np.uint8
    assert has_colour(drawn, track_colour(2), 200, 300) and has_colour(drawn, track_colour(3), 300, 300)
    assert has_colour(drawn, track_colour(2), 150, 300) or has_colour(drawn, track_colour(3), 150, 300)
    assert has_colour(drawn, track_colour(1), 100, 200) and has_colour(drawn, INK, 100, 300, 6)
    assert not has_colour(draw_tracks(IMAGE, None, LINKED, 2, trail=0), track_colour(1), 100, 200)


def test_outlines_have_the_track_s_colour_and_large_images_shrink() -> None:
    labels = np.zeros(IMAGE.shape, np.int32)
    labels[180:221, 280:321], labels[280:321, 280:321] = 1, 2
    drawn = draw_tracks(IMAGE, labels, LINKED, 2, trail=0)
    assert has_colour(drawn, track_colour(2), 180, 310) and has_colour(drawn, track_colour(3), 280, 310)
    assert draw_tracks(IMAGE, labels, LINKED, 2, longest=250).shape == (250, 240, 3)


def test_a_frame_without_cells_is_only_the_image_and_wrong_input_is_refused() -> None:
    assert draw_tracks(IMAGE, np.zeros(IMAGE.shape, np.int32), LINKED.iloc[:0], 7).shape == (500, 480, 3)
    with pytest.raises(ValueError, match="must have the image's height and width"):
        draw_tracks(IMAGE, np.zeros((3, 3), np.int32), LINKED, 2)
    with pytest.raises(ValueError, match="track are missing"):
        draw_tracks(IMAGE, None, LINKED.drop(columns="track"), 2)


def test_frames_are_written_one_after_the_other(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        return (draw_tracks(IMAGE, None, LINKED, frame) for frame in range(4))

    write_gif(frames(), tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"], gif.info["loop"]) == (4, (480, 500), 100, 0)


def test_no_frames_or_frames_of_two_sizes_write_nothing(tmp_path: Path) -> None:
    canvas = np.zeros((9, 9, 3), np.uint8)
    for frames, sentence in (([], "at least one frame"), ([canvas, canvas[:5]], "of one size")):
        with pytest.raises(ValueError, match=sentence):
            write_gif(frames, tmp_path / "a.gif")
    with pytest.raises(ValueError, match="`fps` must be above 0"):
        write_gif([canvas], tmp_path / "a.gif", fps=0)
    assert not list(tmp_path.iterdir())
