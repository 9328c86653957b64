from typing import get_args

import pytest

from cell_pipelines.metrics.choices import (
    MAIN_F1,
    higher_is_better,
    is_rate,
    main_f1,
    metrics_by_kind,
    metrics_shown,
    title_of,
)
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.metric import Place
from cell_pipelines.metrics.ratios import f1, iou, precision, recall


@pytest.mark.parametrize("place", get_args(Place))
def test_metrics_are_shown_in_the_order_of_their_rows(place: Place) -> None:
    names = [metric.name for metric in metrics_shown(place)]
    assert names == [name for name in METRICS if name in names]
    assert {metric.kind for metric in metrics_shown(place, "count")} == {"count"}


@pytest.mark.parametrize("ratio", [f1, precision, recall])
def test_boxes_centroids_and_masks_have_a_metric_of_each_ratio(ratio) -> None:
    assert list(metrics_by_kind(ratio)) == ["mask", "box", "centroid"]
    assert all(metric.kind == kind for kind, metric in metrics_by_kind(ratio).items())
    assert metrics_by_kind(iou)["mask"].name == "instance_accuracy"


def test_the_main_f1_is_that_of_masks_else_of_boxes_else_of_centroids() -> None:
    assert MAIN_F1 == ("instance_f1", "f1", "centroid_f1")
    assert main_f1({"f1", "centroid_f1"}.__contains__) == "f1"
    assert main_f1(lambda name: False) == "centroid_f1"


def test_what_has_no_row_is_called_by_its_name() -> None:
    assert title_of("box_loss") == "box loss"
    assert title_of("f1") == METRICS["f1"].title
    assert not higher_is_better("box_loss")
    assert higher_is_better("learning_rate")
    assert [is_rate(name) for name in ("f1", "count_r2", "val_iou")] == [True, False, True]
