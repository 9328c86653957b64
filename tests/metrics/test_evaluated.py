from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.metrics.counting import count_errors
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.evaluated import COMPARED, COUNTS, METRICS


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_ratio_of_known_counts_or_none_and_is_defined_under_its_name(name: str) -> None:
    metric = METRICS[name]
    assert set(metric.columns) <= set(COUNTS)
    assert DEFINITIONS[name] == metric.definition
    if metric.columns and metric.over == "sums":
        assert 0 < float(metric.ratio(*range(1, len(metric.columns) + 1))) <= 1


@pytest.mark.parametrize("part", ["definition", "title", "heading"])
def test_a_metric_without_a_title_a_heading_or_a_definition_cannot_be_written_down(part: str) -> None:
    with pytest.raises(ValueError, match="the metric f1 must have a title, a heading and a definition"):
        replace(METRICS["f1"], **{part: ""})


def test_names_titles_and_headings_are_each_used_once() -> None:
    for part in ("name", "title", "heading"):
        values = [getattr(metric, part) for metric in METRICS.values()]
        assert len(set(values)) == len(values)


def test_errors_of_counts_are_better_when_lower_or_near_0() -> None:
    better = {name: METRICS[name].better for name in ("f1", "count_mae", "count_bias", "count_r2")}
    assert better == {"f1": "higher", "count_mae": "lower", "count_bias": "near 0", "count_r2": "higher"}
    assert "count_bias" not in COMPARED


def test_a_mean_of_images_leaves_out_images_without_a_value_and_is_unknown_where_a_count_is() -> None:
    counts = np.array([[8.0, 1, 1], [0, 0, 0], [1, 0, 1]])
    metric = METRICS["image_iou_mean"]
    assert metric.of_images(counts) == pytest.approx((0.8 + 0.5) / 2)
    assert np.isnan(metric.of_images(np.vstack([counts, [[np.nan, 1, 1]]])))
    assert np.isnan(metric.of_images(np.zeros((2, 3))))


@pytest.mark.parametrize(("name", "error"), [("count_mae", "mae"), ("count_bias", "bias"), ("count_rmse", "rmse")])
def test_errors_of_counts_are_those_of_the_counts_of_images(name: str, error: str) -> None:
    counts = np.random.default_rng(0).poisson(9, (20, 2)).astype(float)
    assert METRICS[name].of_images(counts) == pytest.approx(getattr(count_errors(*counts.T), error))


def test_a_mean_over_overlaps_is_that_of_the_metric_at_each() -> None:
    counts = np.random.default_rng(1).integers(0, 9, (5, 30)).astype(float)
    totals = counts.sum(axis=0).reshape(10, 3)
    expected = np.mean([METRICS["instance_f1"].of(*row) for row in totals])
    assert METRICS["instance_f1_mean"].of_images(counts) == pytest.approx(expected)
