"""Every number of this room has a definition that a reader can check it with."""

from dataclasses import fields

import pytest

from cell_pipelines.metrics import ratios
from cell_pipelines.metrics.counting import CountErrors
from cell_pipelines.metrics.definitions import DEFINITIONS, define


@pytest.mark.parametrize("key", DEFINITIONS)
def test_every_definition_is_one_sentence(key: str) -> None:
    sentence = define(key)
    assert sentence[0].isupper() and sentence.endswith(".")
    assert ". " not in sentence and "  " not in sentence


def test_every_count_error_and_every_ratio_is_defined() -> None:
    named = {f"count_{field.name}" for field in fields(CountErrors)}
    assert named | {ratios.precision.__name__, ratios.recall.__name__, ratios.f1.__name__} <= set(DEFINITIONS)


@pytest.mark.parametrize("key", ["ap50", "ap50_95"])
def test_average_precision_is_told_apart_from_the_accuracy_of_the_same_name(key: str) -> None:
    assert "maxDets" in define(key) and "not TP/(TP+FP+FN)" in define(key)


def test_an_unknown_metric_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="`metric` must be one of ap50, .* got 'mAP'"):
        define("mAP")
