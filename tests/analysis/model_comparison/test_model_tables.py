"""The table of all models has what each costs and how good it is, and says nothing where nobody knows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models
from cell_pipelines.analysis.model_comparison.model_tables import (
    COSTS,
    ModelTables,
    tabulate_differences,
    tabulate_models,
    training_record,
)

Draw = Callable[..., dict[str, pd.DataFrame]]
CLASSES = pd.DataFrame({"category": ["cell", "all classes"], "images": 20, "f1": [0.1, 0.2], "ap50": [0.5, 0.6]})


def test_costs_and_metrics_stand_in_one_row_a_model(drawn: Draw) -> None:
    images = drawn(20, models=2)
    costs = pd.DataFrame([{"parameters_m": 3.2, "latency_ms": 12.0, "input": "1 x 3 x 64 x 64", "device": "CPU"}])
    given = {
        "m0": ModelTables(CLASSES, images["m0"], costs=costs, record={"seconds": 61.0, "device": "GPU"}),
        "m1": ModelTables(CLASSES, images["m1"]),
    }
    compared = compare_models(images, ComparisonSettings(metrics=("f1", "pixel_iou")))
    table = tabulate_models(given, compared).set_index("model")
    assert list(table.columns[: len(COSTS)]) == list(COSTS)
    assert table.loc["m0", ["parameters_m", "training_seconds", "input", "training_device"]].tolist() == [
        3.2, 61.0, "1 x 3 x 64 x 64", "GPU"
    ]  # fmt: skip
    assert table.loc["m1", list(COSTS)].isna().all()
    assert table["ap50"].tolist() == [0.6, 0.6], "the row of all classes"
    for metric in ("f1", "pixel_iou"):
        known = compared.estimates[compared.estimates["metric"] == metric].set_index("model")
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            assert table[f"{metric}{end}"].tolist() == known[column].tolist(), "one interval in all of the page"


@pytest.mark.parametrize(("level", "kept"), [(0.95, True), (0.9, False)])
def test_all_intervals_of_the_table_have_the_level_of_the_comparison(drawn: Draw, level: float, kept: bool) -> None:
    images = drawn(20, models=2)
    ends = {"f1_low": 0.0, "f1_high": 1.0, "dice": 0.6, "dice_low": 0.5, "dice_high": 0.7, "agreement_low": -1.0}
    given = {name: ModelTables(CLASSES.assign(**ends), own) for name, own in images.items()}
    compared = compare_models(images, ComparisonSettings(metrics=("f1",), level=level, n_resamples=100))
    table = tabulate_models(given, compared, level=level)
    assert ((table["f1_low"] > 0) & (table["f1_high"] < 1)).all(), "those of the comparison"
    assert table[["dice_low", "dice_high"]].notna().all(axis=None) == kept
    assert table["dice"].tolist() == [0.6, 0.6] and table["agreement_low"].tolist() == [-1.0, -1.0]


def test_differences_are_to_the_best_of_each_metric(drawn: Draw) -> None:
    compared = compare_models(drawn(30, models=3, better=1.0), ComparisonSettings(metrics=("f1", "count_mae")))
    found = tabulate_differences(compared)
    assert found["metric"].tolist() == ["f1", "f1", "count_mae", "count_mae"]
    values = compared.estimates.set_index(["metric", "model"])["value"]
    for row in found.itertuples():
        assert row.difference == pytest.approx(values[row.metric, row.model] - values[row.metric, row.best])
        assert row.low <= row.difference <= row.high
        assert (row.difference < 0) == (row.metric == "f1")


@pytest.mark.parametrize("images", [2, 3, 20])
def test_shares_differ_by_one_at_most(drawn: Draw, images: int) -> None:
    compared = compare_models(drawn(images, models=3), ComparisonSettings(metrics=("f1", "pixel_iou"), n_resamples=100))
    assert (compared.tests["low"].fillna(-1) >= -1).all() and (compared.tests["high"].fillna(1) <= 1).all()
    assert (compared.tests["low"] <= compared.tests["difference"]).all()


def test_what_training_took_is_found_in_new_files_and_not_in_old_ones() -> None:
    took = {"seconds": 3.0, "memory_mb": 900.0}
    assert training_record({"training_cost": took, "training": {"seed": 0}}) == took
    assert training_record({"training": took}) == took
    assert training_record({"training": {"epochs": 3}}) == {}
    assert training_record({}) == {}


def test_no_models_give_empty_tables() -> None:
    compared = compare_models({})
    assert tabulate_models({}, compared).empty
    assert tabulate_differences(compared).empty


def test_a_model_that_was_evaluated_on_nothing_has_no_numbers(drawn: Draw) -> None:
    images = drawn(0, models=1)
    table = tabulate_models({"m0": ModelTables(CLASSES.iloc[:0], images["m0"])}, compare_models(images))
    assert table["model"].tolist() == ["m0"]
    assert np.isnan(table["parameters_m"].iloc[0])
