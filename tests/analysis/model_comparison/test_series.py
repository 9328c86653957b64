"""Equal models are not declared different because images of one series are alike, whether or not series are named."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models
from cell_pipelines.analysis.model_comparison.series import intraclass_correlation, suspect_series

Draw = Callable[..., dict[str, pd.DataFrame]]
ALONE = ComparisonSettings(metrics=("f1",), n_resamples=100, independent=True)
USUAL = ComparisonSettings(metrics=("f1",), n_resamples=100)
EQUAL = {"dispersion": 0.0, "log_sd": 0.8, "image_sd": 0.0, "model_sd": 0.8, "model_series_sd": 0.5}


def declared(drawn: Draw, series: int, images: int, repetitions: int, **how: object) -> float:
    found = []
    for seed in range(repetitions):
        tables = drawn(series * images, models=3, seed=seed, series=images, **EQUAL)
        found.append(compare_models(tables, **how).tests["significant"].any())  # type: ignore[arg-type]
    return float(np.mean(found))


def named(series: int, images: int) -> dict[str, str]:
    return {f"a{i}": f"s{i // images}" for i in range(series * images)}


def test_equal_models_over_series_that_nobody_named_are_seldom_declared_different(drawn: Draw) -> None:
    assert declared(drawn, 12, 10, 30, settings=ALONE) > 0.15, "images alone, as it was"
    assert declared(drawn, 12, 10, 30, settings=USUAL) <= 0.1


@pytest.mark.exhaustive
@pytest.mark.parametrize(("series", "images"), [(8, 6), (5, 8), (12, 10)])
@pytest.mark.parametrize("are_named", [True, False])
def test_the_share_of_equal_models_declared_different_stays_near_five_in_a_hundred(
    drawn: Draw, series: int, images: int, are_named: bool
) -> None:
    groups = named(series, images) if are_named else None
    assert declared(drawn, series, images, 200, settings=USUAL, groups=groups) <= (0.09 if are_named else 0.14)


def test_with_fewer_than_six_series_nothing_is_declared_and_that_is_said(drawn: Draw) -> None:
    assert declared(drawn, 5, 8, 10, settings=USUAL, groups=named(5, 8)) == 0
    found = compare_models(drawn(40, models=2, series=8, **EQUAL), USUAL, groups=named(5, 8))
    assert found.tests["caution"].tolist() == ["With 5 it cannot be decided: at least 6 are needed."]
    assert "5 groups are too few to tell 2 models apart" in found.conclusions["f1"]
    assert "cannot be decided" in found.note
    assert found.ranks["cliques"].tolist() == ["1", "1"], "nor by ranks"


def test_series_that_names_suggest_must_confirm_a_difference_and_stand_beside_its_p(drawn: Draw) -> None:
    tables = drawn(48, models=2, seed=3, series=6, better=1.5, **EQUAL)
    likely = named(8, 6)
    found = compare_models(tables, USUAL, likely_groups=likely).tests.iloc[0]
    over = compare_models(tables, USUAL, groups=likely).tests.iloc[0]
    assert found["p_series"] == pytest.approx(over["p_holm"])
    assert 0 <= found["icc"] <= 1
    assert f"over 8 series that image names suggest it is {over['p_holm']:.3f}" in found["caution"]
    assert "intraclass correlation" in found["caution"]
    few = compare_models(tables, USUAL, likely_groups={f"a{i}": f"s{i // 24}" for i in range(48)}).tests.iloc[0]
    assert not few["significant"] and "With 2 it cannot be decided" in few["caution"]


def test_images_that_somebody_calls_independent_are_tested_alone_and_that_is_said(drawn: Draw) -> None:
    tables = drawn(48, models=2, seed=3, series=6, better=1.5, **EQUAL)
    row = compare_models(tables, ALONE, groups=named(8, 6))
    assert row.tests["significant"].all() and row.tests["units"].tolist() == [48]
    assert "Images are taken as independent" in row.note
    assert "intraclass correlation is estimated" in row.tests["caution"].iloc[0]


def test_a_clear_difference_over_independent_images_still_counts(drawn: Draw) -> None:
    row = compare_models(drawn(60, models=2, better=1.5), USUAL).tests.iloc[0]
    assert row["significant"] and row["p_series"] < 0.05
    assert "runs of images in the order of their names" in row["caution"]


def test_a_difference_of_images_only_is_told_with_the_p_that_decided(drawn: Draw) -> None:
    def decided(seed: int) -> tuple[dict[str, pd.DataFrame], pd.Series]:
        tables = drawn(120, models=2, seed=seed, series=10, **EQUAL)
        return tables, compare_models(tables, USUAL).tests.iloc[0]

    tables = next(t for t, row in map(decided, range(200)) if row["p_holm"] < 0.05 <= row["p_series"])
    assert "over the series they may come in" in compare_models(tables, USUAL).conclusions["f1"]


def test_runs_follow_numbers_in_names_and_too_few_images_have_none() -> None:
    names = [f"f{i}.png" for i in np.random.default_rng(0).permutation(100)]
    found = suspect_series(names, None, 6)
    assert found is not None and found.count == 8
    order = np.array([int(name[1:-4]) for name in names])
    assert (np.diff(found.units[np.argsort(order)]) >= 0).all()
    assert suspect_series(names[:8], None, 6) is None
    assert suspect_series(["a", "b"], {"a": "s", "b": "s"}, 6) is None, "one series is none"


def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(7), 5)
    values = rng.normal(size=7)[units] + rng.normal(size=35)
    table = anova_lm(ols("y ~ C(g)", pd.DataFrame({"y": values, "g": units})).fit())
    between, within = table["mean_sq"]
    assert intraclass_correlation(values[:, None], units) == pytest.approx((between - within) / (between + 4 * within))
    assert np.isnan(intraclass_correlation(np.ones((4, 1)), np.zeros(4, dtype=int))).all()
    assert np.isnan(intraclass_correlation(np.ones((4, 1)), np.arange(4))).all()
