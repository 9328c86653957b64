"""Figures of measured cells: what they show, and that it can be read."""

import re
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.analysis.statistics.groups import compare_groups, describe_groups
from cell_pipelines.report.figures.morphology import feature_label, plot_box_plots
from cell_pipelines.report.page.html import render_report
from cell_pipelines.report.pages.morphology import morphology_cards, morphology_sections

Check = Callable[[Figure], None]
FEATURES = ["area_um2", "circularity", "solidity", "perimeter_um", "equivalent_radius_um", "shape_index"]


def cells(names: list[str], count: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(np.exp(rng.normal(3, 0.5, (count * len(names), 6))), columns=FEATURES)
    return table.assign(method=np.repeat(names, count))


def compared(names: list[str]) -> pd.DataFrame:
    pairs = [(feature, one, other) for feature in FEATURES for one, other in combinations(names, 2)]
    table = pd.DataFrame(pairs, columns=["feature", "group_1", "group_2"])
    return table.assign(p_images_adjusted=0.0004, p_adjusted=0.2)


def test_a_page_names_what_was_taken_as_independent_and_counts_only_what_it_compares() -> None:
    table = cells(["a", "b"]).assign(image="1.png", touches_border=[True] * 60 + [False] * 60)
    kept = table[~table["touches_border"]]
    assert morphology_cards(table, kept)["Median area, µm²"] == f"{kept['area_um2'].median():.1f}"
    assert morphology_cards(table, kept)["Cells compared"] == "60"
    named = table.assign(sequence=np.tile(["s1", "s2", "s3"], 40))
    groups = describe_groups(named, FEATURES[:1], "method", image="sequence")
    pairs = compare_groups(named, FEATURES[:1], "method", image="sequence")
    figure = plot_box_plots(named, FEATURES[:1], "method", comparison=pairs, unit="sequence")
    page = render_report("a", {}, morphology_sections(groups, pairs, figure, [], unit="sequence"))
    text = re.sub(r'src="data:[^"]*"|<wbr>', "", page).split("<body")[1]
    assert "n_sequences" in text and "one median per sequence" in text and "sequence-level p" in text
    assert not re.search(r"n_images|per image|images? (level|are)|image-level", text)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 15])
@pytest.mark.parametrize("n_features", [1, 6])
def test_box_plots_can_be_read(count: int, n_features: int, assert_readable: Check) -> None:
    names = [f"U-Net++ with $3$ classes of a rather long name, {number}" for number in range(count)]
    table = cells(names)
    table.loc[3, "circularity"] = np.nan
    figure = plot_box_plots(table, FEATURES[:n_features], "method", comparison=compared(names))
    assert_readable(figure)
    assert len(figure.axes) == n_features
    assert f"n = {60 * count} cells" in figure.get_suptitle()
    assert figure.axes[0].get_yticklabels()[0].get_text().endswith(", n = 60")
    assert ("after Holm, over images" in figure.get_suptitle()) == (1 < count <= 4)
    if n_features > 1:
        assert figure.axes[1].get_title(loc="left") == "1 cell without a value"
    assert figure.axes[0].get_xlabel() == "area, µm²"


def test_every_pair_is_marked_as_its_p_says() -> None:
    names = ["a", "b", "c"]
    stars = [
        text.get_text()
        for text in plot_box_plots(cells(names), FEATURES[:1], "method", comparison=compared(names)).axes[0].texts
    ]
    assert stars == ["***"] * 3
    figure = plot_box_plots(cells(names), FEATURES[:1], "method", comparison=compared(names), p="p_adjusted")
    assert [text.get_text() for text in figure.axes[0].texts] == ["ns"] * 3
    assert "over cells" in figure.get_suptitle()


def test_whiskers_end_at_cells_and_points_beyond_reach_the_farthest() -> None:
    table = cells(["a"], 20_000)
    axes = plot_box_plots(table, ["area_um2"], "method").axes[0]
    points = axes.lines[-1].get_xdata()
    assert len(points) == 200
    assert np.max(points) == table["area_um2"].max()
    first, third = np.percentile(table["area_um2"], [25, 75])
    whisker = max(line.get_xdata().max() for line in axes.lines[:2])
    assert whisker == table["area_um2"][table["area_um2"] <= third + 1.5 * (third - first)].max()


@pytest.mark.parametrize(
    "table",
    [cells(["a"])[:0], cells(["a"]).drop(columns="method"), cells(["a"]).assign(area_um2=np.nan), pd.DataFrame()],
)
def test_nothing_to_show_is_said(table, assert_readable: Check) -> None:
    figure = plot_box_plots(table, ["area_um2", "other"], "method")
    assert_readable(figure)
    assert figure.texts[0].get_text() == "There are no measured cells to compare."


def test_features_have_their_units() -> None:
    assert feature_label("feret_diameter_max_px") == "feret diameter max, px"
    assert feature_label("intensity_mean_dapi") == "intensity mean dapi"
