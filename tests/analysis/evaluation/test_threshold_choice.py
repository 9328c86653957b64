"""The best of many decodings is taken, from the centre of its plateau, and never on test images."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.threshold_choice import (
    CHOICES,
    COUNTS,
    OBJECTIVES,
    ChoiceSettings,
    choose_row,
    tabulate,
)
from cell_pipelines.thresholds import Threshold


def table_of(values: list[float], objective: str = "f1_iou", sizes: list[float] | None = None) -> pd.DataFrame:
    cutoffs = np.linspace(0.1, 0.9, len(values))
    areas = sizes or [0.0] * len(values)
    known = np.isfinite(np.array(values, dtype=float))
    columns = {"threshold": cutoffs, "min_area_px": areas, "min_distance_px": 0.0, "objective": values, "f1": values}
    return pd.DataFrame(columns | {"equally_good": known})


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([0.1, 0.5, 0.3], 1),
        ([0.1, 0.5, 0.5, 0.5, 0.2], 2),
        ([0.5, 0.1, 0.5, 0.5, 0.5, 0.1, 0.5], 3),
        ([np.nan, 0.2, np.nan], 1),
        ([0.4], 0),
    ],
)
def test_the_centre_of_the_longest_best_plateau_is_taken(values: list[float], row: int) -> None:
    assert choose_row(table_of(values), "f1_iou", "argmax", Threshold()) == row


def test_errors_are_to_be_small() -> None:
    assert choose_row(table_of([3.0, 1.0, 2.0]), "count_mae", "argmax", Threshold()) == 1
    assert choose_row(table_of([3.0, 0.0, 0.0, 0.0]), "count_bias", "argmax", Threshold()) == 2


def test_plateaus_do_not_reach_over_other_sizes() -> None:
    table = table_of([0.5, 0.1, 0.5, 0.5], sizes=[0.0, 0.0, 9.0, 9.0])
    table["threshold"] = [0.2, 0.4, 0.2, 0.3]
    assert choose_row(table, "f1_iou", "argmax", Threshold()) == 2


def test_the_knee_is_the_lowest_cutoff_from_which_little_is_gained() -> None:
    values = [0.0, 0.4, 0.78, 0.79, 0.8, 0.6]
    assert choose_row(table_of(values), "f1_iou", "argmax", Threshold()) == 4
    assert choose_row(table_of(values), "f1_iou", "knee", Threshold()) == 2
    assert choose_row(table_of([8.0, 4.0, 0.2, 0.1, 0.0]), "count_mae", "knee", Threshold()) == 2


def test_of_equally_good_thresholds_the_nearest_to_the_default_is_taken() -> None:
    table = table_of([0.6, 0.81, 0.82, 0.83, 0.7])
    table["equally_good"] = [False, True, True, True, False]
    assert [choose_row(table, "f1_iou", "one_standard_error", Threshold(score)) for score in (0.0, 0.52, 1.0)] == [
        1,
        2,
        3,
    ]


def test_sizes_near_the_default_come_before_a_near_threshold() -> None:
    table = table_of([0.8, 0.8, 0.8], sizes=[2.0, 10.0, 40.0])
    table["threshold"] = [0.5, 0.7, 0.5]
    assert choose_row(table, "f1_iou", "one_standard_error", Threshold(0.5, 12.0)) == 1


@pytest.mark.parametrize("choice", CHOICES)
def test_nothing_can_be_chosen_from_nothing(choice: Any) -> None:
    assert choose_row(table_of([]), "f1_iou", choice, Threshold()) is None
    assert choose_row(table_of([np.nan, np.nan]), "count_mae", choice, Threshold()) is None
    assert choose_row(table_of([0.0, 0.0]), "f1_centroid", choice, Threshold()) is None
    assert choose_row(table_of([0.0, 0.0]), "count_mae", choice, Threshold()) == 0


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_counts_become_rates_and_errors(objective: Any) -> None:
    first, second = [[4, 1, 1, 0, 2], [0, 0, 5, -5, 5]], [[2, 1, 3, -2, 2], [0, 0, 5, -5, 5]]
    counts = np.array([first, second], dtype=float)
    table = tabulate([Threshold(0.5, 3.0), Threshold(0.9)], counts, objective)
    assert table[["tp", "fp", "fn"]].to_numpy().tolist() == [[6, 2, 4], [0, 0, 10]]
    assert table["f1"].tolist() == [12 / 18, 0]
    assert table["precision"].isna().tolist() == [False, True]
    assert table["count_mae"].tolist() == [2, 5]
    assert table["count_bias"].tolist() == [-1, -5]
    wanted = {"count_mae": [2, 5], "count_bias": [1, 5]}.get(objective, [12 / 18, 0])
    assert table["objective"].tolist() == wanted


def test_no_image_gives_no_errors() -> None:
    table = tabulate([Threshold()], np.zeros((0, 1, len(COUNTS))), "count_mae")
    assert table[["count_mae", "count_bias", "f1", "objective"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "images of test"),
        ({"objective": "accuracy"}, "`objective` must be one of f1_centroid"),
        ({"choice": "best"}, "`choice` must be one of one_standard_error, argmax, knee"),
        ({"iou": 1.5}, "`iou` must lie"),
        ({"max_distance_px": 0}, "`max_distance_px` above 0"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChoiceSettings(**options)
