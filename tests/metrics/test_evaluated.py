from dataclasses import replace

import pytest

from cell_pipelines.metrics.count_columns import COUNTS
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.evaluated import METRICS, title_of


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_ratio_of_known_counts_or_none_and_is_defined_under_its_name(name: str) -> None:
    metric = METRICS[name]
    assert set(metric.columns) <= set(COUNTS)
    assert DEFINITIONS[name] == metric.definition and title_of(name) == metric.title
    if metric.columns:
        assert 0 < float(metric.ratio(*range(1, len(metric.columns) + 1))) <= 1


def test_a_metric_without_a_definition_cannot_be_written_down() -> None:
    with pytest.raises(ValueError, match="the metric f1 must have a title, a heading and a definition"):
        replace(METRICS["f1"], definition="")


def test_errors_of_counts_are_better_when_lower_and_what_has_no_row_is_called_by_its_name() -> None:
    assert [METRICS[name].higher_is_better for name in ("f1", "count_mae", "count_r2")] == [True, False, True]
    assert title_of("box_loss") == "box loss"
