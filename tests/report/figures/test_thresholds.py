"""The figure of a sweep draws the chosen sizes, marks the choice, and can be read whatever was tried."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.thresholds import plot_threshold_sweep
from cell_pipelines.thresholds import Threshold

Check = Callable[[Figure], None]


def sweep(points: int, *, areas: tuple[float, ...] = (20.0,), categories: tuple[str, ...] = ("cell",)) -> pd.DataFrame:
    cutoff = np.tile(np.linspace(0.05, 0.95, points), len(areas) * len(categories))
    area = np.tile(np.repeat(areas, points), len(categories))
    names = np.repeat(categories, points * len(areas))
    quality = {"precision": cutoff, "recall": 1 - cutoff, "f1": 1 - (cutoff - 0.5) ** 2}
    errors = {"count_mae": 3 / cutoff, "count_bias": 3 / cutoff - 6}
    sizes = {"min_area_px": area, "min_distance_px": 0.0}
    return pd.DataFrame({"category": names, "threshold": cutoff, **sizes, **quality, **errors})


@pytest.mark.parametrize("points", [1, 2, 60])
@pytest.mark.parametrize("categories", [("cell",), ("a", "b", "a class with a very long name indeed")])
def test_any_number_of_cutoffs_and_classes_can_be_read(
    points: int, categories: tuple[str, ...], assert_readable: Check
) -> None:
    table = sweep(points, areas=(20.0, 40.0), categories=categories)
    best = Threshold(float(table["threshold"].iloc[points // 2]), 20.0)
    figure = plot_threshold_sweep(table, dict.fromkeys(categories, best), objective="f1_iou")
    assert len(figure.axes) == 2 * len(categories)
    assert_readable(figure)


def test_the_choice_is_told_and_marked() -> None:
    figure = plot_threshold_sweep(sweep(10), {"cell": Threshold(0.55, 20.0)}, objective="count_mae")
    left, right = figure.axes
    assert left.get_title(loc="left").startswith("cell: threshold 0.55, 20 px² or more\nF1 0.998")
    assert figure.get_suptitle() == "Objective: mean absolute count error"
    for axes in (left, right):
        assert any(list(line.get_xdata()) == [0.55, 0.55] for line in axes.lines)


def test_the_sizes_that_were_not_taken_are_thin_lines() -> None:
    figure = plot_threshold_sweep(sweep(10, areas=(10.0, 20.0, 40.0)), {"cell": Threshold(0.5, 20.0)})
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() < 1]
    assert len(thin) == 2
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-1].startswith("other sizes")


def test_detectors_have_no_sizes_and_a_class_may_have_no_choice(assert_readable: Check) -> None:
    table = sweep(19, categories=("a", "b")).assign(min_area_px=np.nan, min_distance_px=np.nan)
    figure = plot_threshold_sweep(table, {"a": Threshold(0.3)})
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == [
        "a: threshold 0.3\nF1 0.960, count error 10 cells per image", "b",
    ]  # fmt: skip
    assert_readable(figure)


def test_nothing_tried_and_nothing_known_are_drawn_too(assert_readable: Check) -> None:
    assert not plot_threshold_sweep(sweep(0), {}).axes
    unknown = sweep(5).assign(f1=np.nan, precision=np.nan, recall=np.nan, count_mae=np.nan, count_bias=np.nan)
    assert_readable(plot_threshold_sweep(unknown, {"cell": Threshold(0.5, 20.0)}))
