"""Equal groups do not differ because images of one series are alike."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.statistics.compared_series import compare_series
from cell_pipelines.analysis.statistics.groups import compare_groups
from cell_pipelines.report.figures.morphology import plot_box_plots


def cells(seed: int, *, series: int = 4, images: int = 6, shift: float = 0.0) -> pd.DataFrame:
    """Return two conditions, each with series of its own numbered from 1, alike within a series."""
    rng, rows = np.random.default_rng(seed), []
    for condition in ("a", "b"):
        for number in range(1, series + 1):
            own = rng.normal(0, 2) + (shift if condition == "b" else 0)
            for image in range(images):
                values = rng.normal(own, 1, 3)
                name = f"{condition}{number}_{image}.png"
                rows += [{"image": name, "condition": condition, "series": number, "area": value} for value in values]
    return pd.DataFrame(rows)


def compare(table: pd.DataFrame) -> pd.DataFrame:
    return compare_series(compare_groups(table, ["area"], "condition"), table, ["area"], "condition")


def test_over_images_equal_conditions_differ_far_too_often_and_over_series_they_do_not() -> None:
    rows = [compare(cells(seed, series=5, images=8)).iloc[0] for seed in range(15)]
    assert np.mean([row["p_images_adjusted"] < 0.05 for row in rows]) > 0.2
    assert np.mean([row["p_series_adjusted"] < 0.05 for row in rows]) <= 0.2


def test_series_with_the_same_number_in_two_conditions_are_not_taken_for_one() -> None:
    row = compare(cells(1)).iloc[0]
    assert "over 4 and 4 series p is" in row["caution"]
    assert row["p_series"] > 2 / 70 - 1e-9, "the least p of an unpaired test of 4 and 4"


def test_too_few_series_to_decide_are_said() -> None:
    row = compare(cells(2, series=3, shift=20)).iloc[0]
    assert row["p_images"] < 1e-4 and row["p_series"] == pytest.approx(0.1)
    assert "With 3 and 3 series the series-level p cannot fall below 0.1" in row["caution"]


@pytest.mark.parametrize("column", ["none", "empty", "image_each"])
def test_without_series_nothing_is_said_of_them(column: str) -> None:
    table = cells(3)
    changed = {
        "none": table.drop(columns="series"), "empty": table.assign(series=None),
        "image_each": table.assign(series=table["image"]),
    }[column]  # fmt: skip
    row = compare(changed).iloc[0]
    assert np.isnan(row["p_series"]) and "series" not in row["caution"]


def test_the_figure_marks_by_series_where_they_are_known() -> None:
    table = cells(2, series=3, shift=20)
    texts = [
        text.get_text()
        for text in plot_box_plots(table, ["area"], "condition", comparison=compare(table)).axes[0].texts
    ]
    assert not any("*" in text for text in texts)
    compare_groups(table, ["area"], "condition")
    assert not any("*" in text for text in marks(table, compare(table)))
    assert any("*" in text for text in marks(table, compare_groups(table, ["area"], "condition")))


def marks(table: pd.DataFrame, comparison: pd.DataFrame) -> list[str]:
    figure = plot_box_plots(table, ["area"], "condition", comparison=comparison)
    return [text.get_text() for text in figure.axes[0].texts]
