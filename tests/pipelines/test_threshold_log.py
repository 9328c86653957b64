"""The log says which thresholds are as good as the chosen one, of those at the chosen sizes."""

import logging

import pandas as pd

from cell_pipelines.pipelines.threshold_optimisation.nodes import _log_choice
from cell_pipelines.thresholds import Threshold


def test_the_span_of_equally_good_thresholds_is_that_at_the_chosen_sizes(caplog):
    rows = [(0.1, 5.0, True), (0.9, 5.0, True), (0.3, 20.0, False), (0.4, 20.0, True), (0.6, 20.0, True)]
    table = pd.DataFrame(rows, columns=["threshold", "min_area_px", "equally_good"])
    table = table.assign(min_distance_px=0.0, category="cell")
    with caplog.at_level(logging.INFO):
        _log_choice(table, {"cell": Threshold(0.5, 20.0)}, 3)
    assert "from 0.4 to 0.6 within one standard error of the best on 3 images" in caplog.text
