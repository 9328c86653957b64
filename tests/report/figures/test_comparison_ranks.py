"""The critical-difference figure can be read for two models and for forty."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.comparison_ranks import plot_critical_difference, rank_figures

Check = Callable[[Figure], None]


def ranks(count: int, cliques: list[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "metric": "f1", "model": [f"network_{i}_timm-resnest269e" for i in range(count)],
            "average_rank": np.linspace(1.2, max(count - 0.3, 1.2), count), "units_ranked": 20, "friedman_p": 0.01,
            "critical_difference": 1.1, "cliques": cliques or [""] * count,
        }
    )  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 8, 40])
def test_any_number_of_models_can_be_read(count: int, assert_readable: Check) -> None:
    figure = plot_critical_difference(ranks(count), "F1 of boxes")
    assert_readable(figure)
    texts = [text.get_text().strip() for text in figure.axes[0].texts]
    assert sum("network_" in text for text in texts) == count
    assert "critical difference 1.10" in texts


def test_a_bar_joins_each_group_that_do_not_differ() -> None:
    table = ranks(4, ["1", "1+2", "2", ""])
    lines = [line for line in plot_critical_difference(table, "F1").axes[0].lines if line.get_linewidth() > 3]
    assert len(lines) == 2
    first = table["average_rank"].to_numpy()
    for line, ends in zip(lines, (first[:2], first[1:3]), strict=True):
        low, high = line.get_xdata()
        assert low <= ends[0] <= ends[1] <= high


def test_a_missing_clique_as_read_from_a_file_is_none() -> None:
    table = ranks(3).assign(cliques=[np.nan, np.nan, np.nan])
    assert len(plot_critical_difference(table, "F1").axes) == 1


def test_models_without_a_rank_are_named_and_one_alone_has_no_figure() -> None:
    table = ranks(3)
    table.loc[2, "average_rank"] = np.nan
    texts = [text.get_text() for text in plot_critical_difference(table, "F1").axes[0].texts]
    assert "without this metric: network_2_timm-resnest269e" in texts
    assert not plot_critical_difference(ranks(1), "F1").axes
    assert not plot_critical_difference(ranks(0), "F1").axes


def test_groups_are_called_so_and_each_metric_has_a_figure() -> None:
    both = pd.concat([ranks(2), ranks(2).assign(metric="dice")])
    figures = rank_figures(both, unit="group")
    assert list(figures) == ["f1", "dice"]
    texts = [text.get_text() for text in figures["f1"].axes[0].texts]
    assert any("F1 of boxes: average rank over 20 groups" in text for text in texts)
