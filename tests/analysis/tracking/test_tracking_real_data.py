"""Linking of real cells: T98G in phase contrast, against the tracks of the software that made them."""

import os
from pathlib import Path

import pytest

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.positions import cell_positions, true_tracks
from cell_pipelines.analysis.tracking.scoring import score_tracking
from cell_pipelines.imaging.reading import read_image

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
MASKS = DATA / "timelapse_tracked_t98g" / "id_masks"


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not MASKS.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
def test_real_cells_are_followed_nearly_as_the_source_says(make_cells) -> None:
    cells, facts = make_cells([read_image(path) for path in sorted(MASKS.glob("*.png"))])
    linked = link_cells(cell_positions(cells, facts), LinkingSettings(gap_frames=3))
    row = score_tracking(true_tracks(cells, facts), cells, linked, cells, facts).iloc[0]
    assert row["det"] == row["seg"] == 1.0 and row["true_cells"] == 2641
    assert row["tra"] > 0.997 and row["lnk"] > 0.987
