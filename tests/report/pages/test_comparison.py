"""Models stand side by side in tables and figures, whatever they have and whatever they lack."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.metrics.evaluated import COMPARED
from cell_pipelines.report.figures.comparison import plot_comparison, plot_instance_curve
from cell_pipelines.report.figures.counts import plot_count_errors
from cell_pipelines.report.page.html import Links, Picture, Section, Table, render_report
from cell_pipelines.report.pages.comparison import comparison_cards, comparison_sections

Check = Callable[[Figure], None]
NAMES = ("U-Net++ with ResNet-34, weight map", "YOLO11-n", "c-ResUNet", "U-Net")


def models(count: int) -> pd.DataFrame:
    """The second is a detector, without anything that needs masks."""
    rows = []
    for place, name in enumerate(NAMES[:count]):
        row: dict[str, object] = {"model": name, "parameters_m": 3.5 * place, "images": 10, "objects": 200}
        for column in COMPARED:
            value = np.nan if place == 1 and column not in ("f1", "centroid_f1", "count_mae") else 0.9 - 0.1 * place
            row |= {column: value, f"{column}_low": value - 0.05, f"{column}_high": value + 0.04}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["model"])


def curves(count: int) -> pd.DataFrame:
    iou = np.tile(np.arange(50, 100, 5) / 100, count)
    names = np.repeat(NAMES[:count], 10)
    return pd.DataFrame({"model": names, "iou": iou, "f1": 1 - iou, "accuracy": 0.8 * (1 - iou)})


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_models_can_be_read(count: int, assert_readable: Check) -> None:
    figure = plot_comparison(models(count))
    assert len(figure.axes) == 6
    assert_readable(figure)
    assert_readable(plot_instance_curve(curves(count), name="model"))


def test_what_a_model_lacks_is_a_dash_and_what_all_lack_no_panel() -> None:
    figure = plot_comparison(models(2))
    dashes = {axes.get_title(loc="left"): len(axes.texts) for axes in figure.axes}
    assert dashes["IoU of the data set"] == 1
    assert dashes["F1 of centroids"] == 0
    assert len(plot_comparison(models(2).iloc[1:]).axes) == 3


def test_nothing_to_compare_is_said() -> None:
    for figure in (plot_comparison(models(0)), plot_comparison(models(1)[["model"]]), plot_count_errors(models(0))):
        assert not figure.axes
        assert figure.texts
    assert not plot_instance_curve(curves(0)).axes
    assert not plot_instance_curve(curves(1).assign(f1=np.nan, accuracy=np.nan), name="model").axes


@pytest.mark.parametrize("errors", [[0], [0, 0, 0], [-3, 0, 1, 400], [1.5, -0.5]])
def test_count_errors_of_any_spread_can_be_read(errors: list[float], assert_readable: Check) -> None:
    table = pd.DataFrame({"category": "cell", "true": 500.0, "predicted": 500.0 + np.array(errors)})
    figure = plot_count_errors(table)
    assert_readable(figure)
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == len(errors), "every image is in a bar"


def test_the_page_has_tables_figures_montages_and_links() -> None:
    strip = Picture(np.zeros((20, 40, 3), np.uint8), "a.png as every model sees it")
    density = pd.DataFrame({"cells": ["below 9"], "f1": [0.5], "model": ["YOLO11-n"]})
    sections = comparison_sections(
        models(4), curves=curves(3), strata={"By density": density}, montages=[strip],
        reports={"YOLO11-n": "../yolo 11/report.html"},
    )  # fmt: skip
    titles = ["Comparison", "Figures", "The same images side by side", "Where the errors are", "Reports"]
    assert [section.title for section in sections] == titles
    finding, outlines, counting, costs = (item for item in sections[0].items if isinstance(item, Table))
    assert finding.frame["F1, boxes, 95 %"].tolist()[0] == "0.850 to 0.940"
    assert outlines.frame["Dice"].isna().tolist() == [False, True, False, False]
    assert "count MAE" in counting.definitions
    assert costs.frame["parameters, M"].tolist() == [0, 3.5, 7, 10.5]
    assert list(sections[3].items[0].frame) == ["model", "cells", "f1"]
    page = render_report("Comparison", comparison_cards(models(4)), sections)
    assert '<a href="../yolo%2011/report.html">YOLO11-n</a>' in page
    assert "0.900 (U-Net++ with ResNet-34, weight map)" in page


def test_detectors_alone_have_no_table_of_outlines() -> None:
    (comparison, _) = comparison_sections(models(2).iloc[1:])
    assert len(comparison.items) == 3
    assert comparison_cards(models(2).iloc[1:])["Count MAE, cells per image"] == "0.80 (YOLO11-n)"
    assert comparison_cards(models(0)) == {"Models": "0"}


@pytest.mark.parametrize("target", ["https://elsewhere", "javascript:alert(1)", "/etc/passwd", "//host/x", ""])
def test_a_link_leads_to_a_page_beside_this_one_only(target: str) -> None:
    with pytest.raises(ValueError, match="relative to the page"):
        render_report("t", {}, [Section("s", [Links({"a": target})])])
