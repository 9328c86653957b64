"""The confusion matrix shows every count, in the order of the classes."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.error_kinds import tabulate_confusions
from cell_pipelines.report.figures.confusion import plot_confusions


@pytest.mark.parametrize("classes", [("RBC", "WBC", "Platelets"), tuple(f"a rather long name {i}" for i in range(9))])
def test_every_count_stands_in_its_place(classes: tuple[str, ...]) -> None:
    counts = np.arange((len(classes) + 1) ** 2).reshape(len(classes) + 1, -1) * 37
    figure = plot_confusions(tabulate_confusions(counts, classes))
    (axes,) = figure.axes
    shown = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    last = len(classes)
    assert (last, last) not in shown, "no true cell and no prediction is nothing to count"
    assert shown == {place: f"{cells:,}" for place, cells in np.ndenumerate(counts) if place != (last, last)}
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_nothing_to_compare_is_said() -> None:
    empty = pd.DataFrame(columns=["true", "predicted", "cells"])
    for table in (empty, tabulate_confusions(np.zeros((2, 2), dtype=np.int64), ["cell"])):
        assert "neither a cell nor a prediction" in plot_confusions(table).texts[0].get_text()
