"""Conditions are compared over series or fields: the test errs as often as it says, the interval covers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

from cell_pipelines.analysis.viability.comparison import COLUMNS, compare_clusters, compare_conditions
from cell_pipelines.metrics.clustered_proportions import clustered_proportion

Make = Callable[..., pd.DataFrame]


def simulate(
    rng: np.random.Generator, counts: tuple[int, int], p: tuple[float, float], paired: bool
) -> tuple[float, float, float]:
    """Return interval and p of beta-binomial series of their own, or of series with an effect that both share."""
    common, sides = rng.normal(0, 0.4, max(counts)), []
    for side, (count, share) in enumerate(zip(counts, p, strict=True)):
        if paired:
            alive = special.expit(special.logit(share) + common + rng.normal(0, 0.15, count))
        else:
            alive = rng.beta(share * 19, (1 - share) * 19, count)
        n = rng.poisson(160, count)
        live, total = rng.binomial(n, alive), n
        if not paired:
            before, after = (0, counts[1]) if side == 0 else (counts[0], 0)
            live, total = (np.pad(column, (before, after)) for column in (live, total))
        sides.append(clustered_proportion(live, total))
    low, high, found, _ = compare_clusters(sides[0], sides[1], counts[0] if paired else 0, 0.95)
    return low, high, found


@pytest.mark.parametrize(
    ("counts", "p", "paired"),
    [((3, 3), (0.7, 0.7), False), ((3, 6), (0.8, 0.5), False), ((5, 5), (0.9, 0.9), False), ((5, 5), (0.7, 0.7), True)],
)
def test_intervals_cover_and_the_test_errs_as_often_as_they_say(
    counts: tuple[int, int], p: tuple[float, float], paired: bool
) -> None:
    rng = np.random.default_rng(3)
    low, high, found = np.array([simulate(rng, counts, p, paired) for _ in range(200)]).T
    assert np.mean((low <= p[1] - p[0]) & (p[1] - p[0] <= high)) >= 0.92
    if p[0] == p[1]:
        assert np.mean(found < 0.05) <= 0.08


def test_series_of_their_own_are_compared_by_no_narrower_interval_than_welchs(make_fields: Make) -> None:
    live = {"a": [70, 60, 80, 75], "b": [40, 55, 30]}
    rows = [(f"{name}{i}", name, np.nan, x, 100) for name, values in live.items() for i, x in enumerate(values)]
    found = compare_conditions(make_fields(rows)).iloc[0]
    welch = stats.ttest_ind(live["b"], live["a"], equal_var=False)
    interval = welch.confidence_interval()
    assert welch.pvalue * 0.999 <= found["p"] <= welch.pvalue + 0.015
    assert [found["difference_low_points"], found["difference_high_points"]] == pytest.approx(
        [interval.low, interval.high], abs=8
    )
    assert (found["unit"], found["n1"], found["n2"], found["shared"], found["caution"]) == ("series", 4, 3, 0, "")
    assert found["odds_ratio"] == pytest.approx((125 / 175) / (285 / 115))


def test_series_with_both_conditions_give_the_paired_t_test(make_fields: Make) -> None:
    one, two = [70, 60, 80, 75], [60, 45, 71, 70]
    rows = [(f"s{i}", name, np.nan, x, 100) for name, values in (("a", one), ("b", two)) for i, x in enumerate(values)]
    found = compare_conditions(make_fields(rows), paired=True).iloc[0]
    assert found["p"] == pytest.approx(stats.ttest_rel(two, one).pvalue, rel=1e-3)
    assert (found["shared"], found["caution"]) == (4, "")


def test_series_numbered_anew_in_each_condition_are_not_paired_unless_said_to_be(make_fields: Make) -> None:
    one, two = [70, 60, 80, 75], [60, 45, 71, 70]
    rows = [(f"s{i}", name, np.nan, x, 100) for name, values in (("a", one), ("b", two)) for i, x in enumerate(values)]
    own = [(f"{name}{series}", name, dose, live, total) for series, name, dose, live, total in rows]
    found, separate = (compare_conditions(make_fields(table)).iloc[0] for table in (rows, own))
    assert found["p"] == separate["p"] > 0.1 > compare_conditions(make_fields(rows), paired=True)["p"].iloc[0]
    assert found["caution"].startswith("4 series have one name in both conditions") and separate["caution"] == ""


def test_all_pairs_or_those_with_the_reference_are_corrected_together(make_fields: Make) -> None:
    rng = np.random.default_rng(0)
    rows = [(f"{name}{i}", name, np.nan, rng.binomial(100, p), 100)
            for name, p in (("a", 0.9), ("b", 0.8), ("c", 0.5), ("d", 0.5)) for i in range(3)]  # fmt: skip
    found = compare_conditions(make_fields(rows))
    assert len(found) == 6
    assert found["p_adjusted"].tolist() == pytest.approx(multipletests(found["p"], method="holm")[1].tolist())
    against = compare_conditions(make_fields(rows), reference="c")
    assert (against["condition_1"] == "c").all()
    assert against["condition_2"].tolist() == ["a", "b", "d"]
    assert against["difference_points"].iloc[0] > 0
    with pytest.raises(ValueError, match="one of a, b, c, d, got 'e'"):
        compare_conditions(make_fields(rows), reference="e")


def test_without_enough_series_fields_count_and_without_those_cells_do(make_fields: Make) -> None:
    rows = [
        ("s1", "a", np.nan, 8, 10),
        ("s1", "a", np.nan, 7, 10),
        ("s2", "b", np.nan, 2, 10),
        ("s2", "b", np.nan, 3, 10),
    ]
    found = compare_conditions(make_fields(rows)).iloc[0]
    assert (found["unit"], found["n1"]) == ("field", 2)
    assert "between series are not accounted for" in found["caution"]
    single = compare_conditions(make_fields(rows[1:3])).iloc[0]
    assert (single["unit"], single["n1"], single["n2"]) == ("cell", 10, 10)
    assert "p is too small" in single["caution"]
    assert single["p"] == pytest.approx(stats.fisher_exact([[7, 3], [2, 8]]).pvalue)


def test_all_alive_and_all_dead_can_be_compared(make_fields: Make) -> None:
    rows = [(f"{name}{i}", name, np.nan, live, 30) for name, live in (("a", 30), ("b", 30), ("c", 0)) for i in range(3)]
    found = compare_conditions(make_fields(rows)).set_index(["condition_1", "condition_2"])
    assert found.loc[("a", "b"), "p"] == 1
    assert found.loc[("a", "c"), "p"] < 0.01
    assert np.isnan(found.loc[("a", "b"), "odds_ratio"])
    assert found.loc[("a", "c"), ["odds_ratio", "difference_low_points"]].tolist() == [0, -100]
    assert found["cohens_h"].tolist() == pytest.approx([0, -np.pi, -np.pi])


@pytest.mark.parametrize("condition", ["a", None])
def test_fewer_than_two_conditions_give_no_row(make_fields: Make, condition: str | None) -> None:
    rows = make_fields([("s", condition, 0, 3, 9), ("s", condition, 0, 0, 0), ("s", "b", 0, 0, 0)])
    found = compare_conditions(rows)
    assert found.empty
    assert found.dtypes.astype(str).to_dict() == COLUMNS
    assert compare_conditions(rows[:0]).empty
