"""Ranks, Friedman's test and Nemenyi's distance agree with SciPy, with Demšar's tables, and with counting by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models
from cell_pipelines.analysis.model_comparison.ranking import critical_difference, find_cliques, friedman

Make = Callable[..., pd.DataFrame]
Draw = Callable[..., dict[str, pd.DataFrame]]
ONE = ComparisonSettings(metrics=("f1",))


@pytest.mark.parametrize("models", [3, 5, 12])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_friedman_is_scipys_with_and_without_ties(models: int, levels: int) -> None:
    values = np.random.default_rng(models).integers(0, levels, (20, models)).astype(float)
    expected = stats.friedmanchisquare(*values.T)
    assert friedman(stats.rankdata(values, axis=1)) == pytest.approx((expected.statistic, expected.pvalue))


def test_friedman_of_two_models_is_the_sign_test() -> None:
    ranks = np.array([[1, 2]] * 9 + [[2, 1]] * 3 + [[1.5, 1.5]] * 4)
    chi2, p = friedman(ranks)
    assert chi2 == pytest.approx((9 - 3) ** 2 / (9 + 3))
    assert p == pytest.approx(stats.binomtest(9, 12).pvalue)
    assert friedman(np.array([[1.0, 2.0]] * 5))[1] > 0.05, "five units cannot decide, whatever chi-squared says"


def test_friedman_of_ties_only_finds_nothing() -> None:
    assert friedman(np.full((5, 3), 2.0)) == (0, 1)
    assert np.isnan(friedman(np.ones((5, 1)))).all()
    assert np.isnan(friedman(np.ones((0, 3)))).all()


# Table 5a of Demšar (2006), the quantiles at 0.05, and the example of its section 3.2.2.
@pytest.mark.parametrize(
    ("models", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (10, 3.164)]
)
def test_the_critical_difference_is_that_of_the_published_table(models: int, q: float) -> None:
    assert critical_difference(models, 14) == pytest.approx(q * np.sqrt(models * (models + 1) / 84), rel=4e-4)


def test_the_critical_difference_of_the_published_example() -> None:
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert np.isnan(critical_difference(1, 14))


def test_cliques_are_the_longest_runs_that_are_closer_than_the_distance() -> None:
    assert find_cliques(np.array([1.0, 1.5, 2.4, 4.0]), 1.0) == [[0, 1], [1, 2]]
    assert find_cliques(np.array([4.0, 1.0, 1.5, 2.4]), 1.5) == [[1, 2, 3]]
    assert find_cliques(np.array([1.0, 2.0, 3.0]), 1.0) == [], "exactly the distance differs significantly"
    assert find_cliques(np.array([1.0, 1.0]), np.inf) == [[0, 1]]


@pytest.mark.parametrize("seed", range(20))
def test_every_pair_is_in_a_clique_exactly_where_it_is_closer_than_the_distance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    average, distance = rng.uniform(1, 8, 8), rng.uniform(0.3, 4)
    cliques = find_cliques(average, distance)
    for one in range(8):
        for other in range(one):
            together = any(one in clique and other in clique for clique in cliques)
            assert together == (abs(average[one] - average[other]) < distance)
    assert not any(set(a) < set(b) for a in cliques for b in cliques)


def test_the_best_model_is_first_and_ties_share_their_ranks(boxes: Make) -> None:
    true = [10] * 8
    tables = {"low": boxes([2] * 8, true), "high": boxes([9] * 8, true), "same": boxes([9] * 8, true)}
    found = compare_models(tables, ONE).ranks
    assert found["model"].tolist() == ["high", "same", "low"]
    assert found["average_rank"].tolist() == [1.5, 1.5, 3]
    assert found["cliques"].tolist() == ["1", "1", ""]


def test_less_error_is_better(boxes: Make) -> None:
    true = [10] * 6
    tables = {"far": boxes([5] * 6, true), "near": boxes([9] * 6, true)}
    found = compare_models(tables, ComparisonSettings(metrics=("count_mae",))).ranks
    assert found["model"].tolist() == ["near", "far"]
    assert found["average_rank"].tolist() == [1, 2]
    assert found["critical_difference"].iloc[0] == pytest.approx(1.96 / np.sqrt(6), rel=1e-4)


def test_without_a_difference_all_are_one_clique(drawn: Draw) -> None:
    found = compare_models(drawn(10, models=4, seed=3), ONE).ranks
    assert found["friedman_p"].iloc[0] > 0.05
    assert found["cliques"].tolist() == ["1"] * 4


def test_empty_images_count_where_some_model_sees_a_cell(boxes: Make) -> None:
    tables = {"calm": boxes([1, 0, 0], [1, 0, 0]), "wild": boxes([1, 0, 0], [1, 0, 0], [0, 3, 0])}
    found = compare_models(tables, ONE).ranks.set_index("model")
    assert found["units_ranked"].tolist() == [2, 2]
    assert found.loc["calm", "average_rank"] == 1.25


def test_a_model_without_the_metric_has_no_rank(drawn: Draw, boxes: Make) -> None:
    tables = drawn(8, models=2)
    true = tables["m0"]["true"]
    found = compare_models({"detector": boxes(true, true), **tables}, ComparisonSettings(metrics=("pixel_iou",))).ranks
    assert found["model"].tolist()[-1] == "detector"
    assert np.isnan(found["average_rank"].iloc[-1])
    assert found["units_ranked"].tolist() == [8, 8, 0]
    alone = compare_models({"m0": tables["m0"]}, ONE).ranks
    assert alone["average_rank"].tolist() == [1]
    assert alone["friedman_p"].isna().all()
