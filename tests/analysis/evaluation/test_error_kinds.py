"""Kinds of errors of whole images, by masks and by boxes, agree with the counts of the evaluation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.error_kinds import (
    KIND_COUNTS,
    MISSED,
    NOTHING,
    count_error_kinds,
    summarise_error_kinds,
    tabulate_confusions,
)
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.metrics.detection_errors import ERROR_KINDS

Maker = Callable[..., Any]
LEFT, FAR, SMALL = (2, 2, 12, 12), (40, 20, 50, 30), (40, 20, 50, 24)
CLASSES = ("live", "dead")
TRUTH = {"a.png": [("live", LEFT, 1.0), ("dead", FAR, 1.0)], "b.png": [], "c.png": [("live", LEFT, 1.0)]}
FOUND = {
    "a.png": [("dead", LEFT, 0.9), ("dead", SMALL, 0.8)],
    "b.png": [("live", FAR, 0.7)],
    "c.png": [("live", LEFT, 0.9), ("live", (3, 2, 12, 12), 0.5)],
}


def _counted(pairing: Maker, kinds: tuple[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    given = pairing(TRUTH, FOUND, kinds, CLASSES)
    settings = EvaluationSettings.for_pairing(given)
    rows = [count_error_kinds(ImageEvaluation(one, settings))[0] for one in given.pairs()]
    evaluated = pd.concat([ImageEvaluation(one, settings).counts for one in given.pairs()])
    return pd.DataFrame(rows), evaluated


@pytest.mark.parametrize("kinds", [("box", "box"), ("mask", "box")])
def test_boxes_of_two_classes_are_distinguished(pairing: Maker, kinds: tuple[str, str]) -> None:
    table, evaluated = _counted(pairing, kinds)
    assert table["image"].tolist() == ["a.png", "b.png", "c.png"]
    totals = table[list(KIND_COUNTS)].sum()
    expected = {"classification": 1, "localisation": 1, "both": 0, "duplicate": 1, "background": 1, "missed": 0}
    assert totals[list(ERROR_KINDS)].to_dict() == expected
    assert totals[["tp", "fp", "fn"]].tolist() == evaluated[["tp", "fp", "fn"]].sum().tolist()


@pytest.mark.parametrize("kinds", [("box", "box"), ("mask", "mask")])
def test_every_cell_and_every_prediction_stands_once_in_the_confusions(pairing: Maker, kinds: tuple[str, str]) -> None:
    given = pairing(TRUTH, FOUND, kinds, CLASSES)
    settings = EvaluationSettings.for_pairing(given)
    counts = sum(count_error_kinds(ImageEvaluation(one, settings))[1] for one in given.pairs())
    table = tabulate_confusions(counts, CLASSES)
    cells = {(true, predicted): cells for true, predicted, cells in table.itertuples(index=False) if cells}
    # What is wrongly placed, doubled or false has no cell; the dead cell that it lies on is missed.
    assert cells[("live", "live")] == 1
    assert cells[("live", "dead")] == 1
    assert cells[("dead", MISSED)] == 1
    assert cells[(NOTHING, "dead")] == 1
    assert table.groupby("true")["cells"].sum()[list(CLASSES)].tolist() == [2, 1]
    evaluated = pd.concat([ImageEvaluation(one, settings).counts for one in given.pairs()])
    assert table[table["true"] == table["predicted"]]["cells"].sum() == evaluated["tp"].sum()


def test_masks_are_evaluated_by_masks(pairing: Maker) -> None:
    table, evaluated = _counted(pairing, ("mask", "mask"))
    columns = [f"instance_{name}_50" for name in ("tp", "fp", "fn")]
    assert table[["tp", "fp", "fn"]].sum().tolist() == evaluated[columns].sum().tolist()
    assert table[["classification", "localisation", "background"]].sum().tolist() == [1, 1, 1]


def test_the_summary_says_what_each_kind_costs(pairing: Maker) -> None:
    table, _ = _counted(pairing, ("box", "box"))
    told = summarise_error_kinds(table).set_index("error")
    assert told["errors"].sum() == 4
    assert told["share"].sum() == pytest.approx(1)
    now = 2 / (2 + 4 + 2)
    assert told.loc["classification", "f1_lost"] == pytest.approx(4 / (4 + 3 + 1) - now)
    assert told.loc["background", "f1_lost"] == pytest.approx(2 / (2 + 3 + 2) - now)
    assert told.loc["localisation", "images"] == 1


def test_without_images_there_is_nothing_to_tell() -> None:
    told = summarise_error_kinds(pd.DataFrame(columns=["image", *KIND_COUNTS]))
    assert told["errors"].tolist() == [0] * len(ERROR_KINDS)
    assert np.isnan(told["share"]).all()
