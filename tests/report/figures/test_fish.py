"""Figures of mosaicism show every sample, and no text lies on another."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.fish import plot_aneuploidy, plot_patterns

Check = Callable[[Figure], None]
STATES = ("nullisomic", "monosomic", "disomic", "trisomic", "tetrasomic or more")


def patterns(groups: int, kinds: int) -> pd.DataFrame:
    rows = [
        (f"a subject with a rather long name {g}", f"{k}:2", 10, 10 * kinds)
        for g in range(groups)
        for k in range(kinds)
    ]
    table = pd.DataFrame(rows, columns=["subject", "pattern", "count", "nuclei"])
    return table.assign(fraction_percent=100 * table["count"] / table["nuclei"])


def aneuploidy(groups: int, *, flagged: bool = True, share: float = 10.0) -> pd.DataFrame:
    rows = [
        (f"a subject with a rather long name {g}", c, s) for g in range(groups) for c in ("21", "X") for s in STATES
    ]
    table = pd.DataFrame(rows, columns=["subject", "chromosome", "state"])
    table = table.assign(nuclei=200, fraction_percent=share, low_percent=share * 0.7, high_percent=share * 1.5)
    if flagged:
        above = pd.array([True] * len(table), dtype="boolean")
        limits = {"mean_3sd_percent": 4.0, "beta_inverse_percent": 5.0, "threshold_percent": 6.5}
        table = table.assign(**limits, above_threshold=above)
    return table


@pytest.mark.parametrize("groups", [1, 12])
@pytest.mark.parametrize("kinds", [1, 3, 12])
def test_patterns_of_any_number_can_be_read(groups: int, kinds: int, assert_readable: Check) -> None:
    figure = plot_patterns(patterns(groups, kinds))
    assert_readable(figure)
    assert len(figure.axes[0].get_yticklabels()) == groups


def test_every_bar_reaches_100_percent() -> None:
    (axes,) = plot_patterns(patterns(3, 12)).axes
    ends = {round(patch.get_y(), 3): 0.0 for patch in axes.patches}
    for patch in axes.patches:
        ends[round(patch.get_y(), 3)] += patch.get_width()
    assert np.allclose(list(ends.values()), 100)


@pytest.mark.parametrize("groups", [1, 12])
@pytest.mark.parametrize("flagged", [True, False])
def test_shares_of_any_number_can_be_read(groups: int, flagged: bool, assert_readable: Check) -> None:
    figure = plot_aneuploidy(aneuploidy(groups, flagged=flagged))
    assert_readable(figure)
    assert len(figure.axes) == 8, "two chromosomes by four states"


def test_a_missing_name_and_missing_thresholds_are_shown(assert_readable: Check) -> None:
    table = aneuploidy(2)
    table.loc[0, "subject"] = np.nan
    table["mean_3sd_percent"] = np.nan
    table["above_threshold"] = pd.array([pd.NA] * len(table), dtype="boolean")
    assert_readable(plot_aneuploidy(table))


def test_without_nuclei_the_figures_say_so() -> None:
    nothing = "There are no whole nuclei whose signals could be counted."
    assert plot_patterns(patterns(1, 1).iloc[:0]).texts[0].get_text() == nothing
    assert plot_patterns(patterns(1, 1).assign(count=0, nuclei=0)).texts[0].get_text() == nothing
    assert plot_aneuploidy(aneuploidy(1).assign(nuclei=0)).texts[0].get_text() == nothing
    assert plot_aneuploidy(aneuploidy(1).iloc[:0]).texts[0].get_text() == nothing
    normal = aneuploidy(1, flagged=False, share=0.0)
    assert plot_aneuploidy(normal).texts[0].get_text() == "Every whole nucleus has two signals of each chromosome."
