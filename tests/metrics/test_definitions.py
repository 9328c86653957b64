"""Every metric has a definition that a reader can check it with."""

from dataclasses import fields

import pytest

from cell_pipelines.metrics import ratios
from cell_pipelines.metrics.counting import CountErrors
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.segmentation_errors import ErrorCounts


@pytest.mark.parametrize("key", DEFINITIONS)
def test_every_definition_is_one_sentence(key: str) -> None:
    sentence = DEFINITIONS[key]
    assert sentence[0].isupper() and sentence.endswith(".")
    assert ". " not in sentence and "  " not in sentence


def test_every_count_error_and_every_ratio_is_defined() -> None:
    named = {f"count_{field.name}" for field in fields(CountErrors)}
    ratio = {
        function.__name__
        for function in (
            ratios.precision,
            ratios.recall,
            ratios.f1,
            ratios.dice,
            ratios.panoptic_quality,
            ratios.mean_matched_iou,
        )
    }
    assert named | ratio <= set(DEFINITIONS)


def test_every_number_of_cells_and_centroids_is_defined() -> None:
    errors = {name for name in ErrorCounts._fields if not name.startswith("n_")}
    instances = {f"instance_{name}" for name in ("tp", "fp", "fn", "precision", "recall", "f1", "accuracy")}
    other = {"aggregated_jaccard", "centroid_f1", "count_limits_of_agreement"}
    assert errors | instances | other <= set(DEFINITIONS)


def test_no_accuracy_is_called_average_precision_without_saying_who_calls_it_so() -> None:
    assert "Cellpose average precision" in DEFINITIONS["instance_accuracy"]


@pytest.mark.parametrize("key", ["ap50", "ap50_95"])
def test_average_precision_is_distinguished_from_the_accuracy_of_the_same_name(key: str) -> None:
    assert "maxDets" in DEFINITIONS[key] and "not TP/(TP+FP+FN)" in DEFINITIONS[key]
