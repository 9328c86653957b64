"""Linking of simulated cells against their true tracks."""

import pytest

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.positions import cell_positions, true_tracks
from cell_pipelines.analysis.tracking.scoring import score_tracking
from cell_pipelines.simulation.time_lapse import TimeLapseScene, simulate_time_lapse


@pytest.mark.parametrize(("division_rate", "least"), [(0.0, 0.995), (0.02, 0.98)])
def test_simulated_cells_are_followed(make_cells, division_rate: float, least: float) -> None:
    lapse = simulate_time_lapse(TimeLapseScene(frames=16, cells=30, division_rate=division_rate), 3)
    cells, facts = make_cells([labels for _, labels in lapse.frames()])
    settings = LinkingSettings(max_distance_px=15.0, divisions=division_rate > 0)
    linked = link_cells(cell_positions(cells, facts), settings)
    true = true_tracks(cells, facts, lineage=lapse.lineage)
    row = score_tracking(true, cells, linked, cells, facts).iloc[0]
    assert row["valid"] and row["det"] == row["seg"] == 1.0
    assert row["lnk"] > least and row["tra"] > 0.997
