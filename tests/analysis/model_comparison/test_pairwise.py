"""Every two models are compared on the same images, with tests that are those of SciPy and statsmodels."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models
from cell_pipelines.metrics.jackknife import small_sample_level
from cell_pipelines.metrics.ratios import f1

Make = Callable[..., pd.DataFrame]
Draw = Callable[..., dict[str, pd.DataFrame]]
ONE = ComparisonSettings(metrics=("f1",))
COUNTS = ["tp", "fp", "fn"]


def per_image(table: pd.DataFrame) -> np.ndarray:
    return f1(*(table[name].to_numpy() for name in COUNTS))


def test_each_pair_has_its_difference_test_and_adjusted_p(drawn: Draw) -> None:
    tables = drawn(25, models=4, better=0.8)
    independent = ComparisonSettings(metrics=("f1",), independent=True)
    found = compare_models(tables, independent).tests.set_index(["first", "second"])
    assert len(found) == 6
    p = []
    for (first, second), row in found.iterrows():
        one, other = tables[str(first)], tables[str(second)]
        assert row["difference"] == pytest.approx(f1(*one[COUNTS].sum()) - f1(*other[COUNTS].sum()))
        p.append(stats.wilcoxon(per_image(one) - per_image(other), zero_method="pratt").pvalue)
    assert found["p"].tolist() == pytest.approx(p)
    assert found["p_holm"].tolist() == pytest.approx(multipletests(p, method="holm")[1])
    assert found["significant"].tolist() == [False, False, True, False, True, True]


def test_the_interval_of_a_difference_holds_scipys_for_images_drawn_in_pairs_and_little_more(drawn: Draw) -> None:
    tables = drawn(40, models=2)
    row = compare_models(tables, ComparisonSettings(metrics=("f1",), n_resamples=10_000)).tests.iloc[0]
    columns = [column for name in ("m1", "m0") for column in tables[name][COUNTS].to_numpy().T]

    def difference(*sums: np.ndarray, axis: int) -> np.ndarray:
        totals = [column.sum(axis=axis) for column in sums]
        return f1(*totals[3:]) - f1(*totals[:3])

    expected = stats.bootstrap(
        columns, difference, paired=True, method="percentile",
        confidence_level=small_sample_level(0.95, 40), n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert row["low"] < expected.low + 0.001
    assert row["high"] > expected.high - 0.001
    assert row["high"] - row["low"] < 1.2 * (expected.high - expected.low)


def test_turning_a_pair_turns_its_signs_only(drawn: Draw) -> None:
    tables = drawn(15, models=2)
    straight = compare_models(tables, ONE).tests.iloc[0]
    turned = compare_models(dict(reversed(tables.items())), ONE).tests.iloc[0]
    assert turned["difference"] == -straight["difference"]
    assert (turned["low"], turned["high"]) == pytest.approx((-straight["high"], -straight["low"]))
    assert turned["p"] == pytest.approx(straight["p"])
    assert turned["rank_biserial"] == pytest.approx(-straight["rank_biserial"])


def test_equal_models_do_not_differ_and_have_no_interval(boxes: Make) -> None:
    one = boxes([3, 2, 4, 5], [5, 5, 5, 5])
    row = compare_models({"a": one, "b": one.copy()}, ONE).tests.iloc[0]
    assert (row["difference"], row["p"], row["p_holm"], row["rank_biserial"]) == (0, 1, 1, 0)
    assert np.isnan(row["low"])
    assert not row["significant"]


def test_who_rightly_sees_nothing_is_better_there_than_who_makes_cells_up(boxes: Make) -> None:
    calm = boxes([3, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0])
    wild = boxes([3, 0, 0, 0], [3, 0, 0, 0], [0, 2, 1, 0])
    row = compare_models({"calm": calm, "wild": wild}, ONE).tests.iloc[0]
    assert row["units_tested"] == 3, "where neither sees anything in an empty image there is nothing to compare"
    assert row["rank_biserial"] == 1


def test_groups_are_drawn_and_tested_as_wholes(drawn: Draw) -> None:
    tables = drawn(24, models=2, series_sd=0.8, series=4)
    groups = {f"a{i}": f"s{i // 4}" for i in range(24)}
    row = compare_models(tables, ONE, groups=groups).tests.iloc[0]
    assert (row["images"], row["units"], row["units_tested"]) == (24, 6, 6)
    sums = [tables[name][COUNTS].groupby(np.arange(24) // 4).sum() for name in ("m0", "m1")]
    merged = {name: boxes_of(part) for name, part in zip(("m0", "m1"), sums, strict=True)}
    by_hand = compare_models(merged, ONE).tests.iloc[0]
    for column in ("difference", "low", "high", "p", "rank_biserial"):
        assert row[column] == pytest.approx(by_hand[column]), column


def boxes_of(sums: pd.DataFrame) -> pd.DataFrame:
    from cell_pipelines.metrics.evaluated import COUNTS as ALL_COUNTS

    table = sums.reset_index(drop=True).reindex(columns=list(ALL_COUNTS)).assign(category="cell")
    table["true"], table["predicted"] = table["tp"] + table["fn"], table["tp"] + table["fp"]
    return table.assign(image=[f"g{i}" for i in range(len(table))])


def test_a_group_an_image_changes_nothing(drawn: Draw) -> None:
    tables = drawn(10)
    alone = compare_models(tables, ONE).tests
    pd.testing.assert_frame_equal(compare_models(tables, ONE, groups={f"a{i}": str(i) for i in range(10)}).tests, alone)


def test_a_model_without_a_metric_keeps_its_rows_and_is_not_counted_by_holm(drawn: Draw, boxes: Make) -> None:
    tables = drawn(12, models=2)
    true = tables["m0"]["true"]
    settings = ComparisonSettings(metrics=("pixel_iou", "count_mae"))
    found = compare_models({**tables, "detector": boxes(true, true)}, settings)
    pixels = found.tests[found.tests["metric"] == "pixel_iou"].set_index(["first", "second"])
    assert pixels.loc[("m0", "detector"), ["difference", "p", "p_holm"]].isna().all()
    alone = compare_models(tables, ComparisonSettings(metrics=("pixel_iou",))).tests.iloc[0]
    assert pixels.loc[("m0", "m1"), "p_holm"] == pytest.approx(alone["p_holm"])
    assert found.tests[found.tests["metric"] == "count_mae"]["p"].notna().all()


@pytest.mark.parametrize("models", [0, 1])
def test_fewer_than_two_models_have_no_pairs(models: int, drawn: Draw) -> None:
    found = compare_models(drawn(5, models=models) if models else {}, ONE)
    assert found.tests.empty
    assert list(found.tests.columns)[:3] == ["metric", "first", "second"]
    assert len(found.estimates) == models


def test_without_images_nothing_is_said(boxes: Make) -> None:
    found = compare_models({"a": boxes([], []), "b": boxes([], [])})
    assert found.tests.empty
    assert found.ranks.empty
    assert found.conclusions == {}


def test_forty_models_take_seconds(drawn: Draw) -> None:
    tables = drawn(60, models=40)
    started = time.process_time()
    found = compare_models(tables, ONE).tests
    assert len(found) == 780
    assert time.process_time() - started < 6


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match=r"`metrics` must be among f1, .*, got ap50"):
        ComparisonSettings(metrics=("ap50",))
    with pytest.raises(ValueError, match="`level` must lie in"):
        ComparisonSettings(level=1.0)
