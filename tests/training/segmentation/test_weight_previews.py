"""The weights that are shown are those of the training, and two neighbours' add up between them."""

import numpy as np
import pytest

from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.report.figures.weight_map import plot_weight_map
from cell_pipelines.representations.weight_map import crowding_weights
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining
from cell_pipelines.training.segmentation.weight_previews import preview_weights


def training(weight_map: str) -> SegmentationTraining:
    return SegmentationTraining(network=NetworkSpec("resunet"), categories=("cell",), weight_map=Choice(weight_map))


def tile(*columns: int) -> np.ndarray:
    labels = np.zeros((64, 96), np.int32)
    for number, column in enumerate(columns, start=1):
        labels[20:30, column : column + 10] = number
    return labels


def test_weights_are_those_of_the_map_and_add_up_between_the_nearest_two():
    labels = tile(5, 30, 80)
    found = preview_weights(training("crowding"), labels)
    assert found is not None
    assert found.weights == pytest.approx(crowding_weights(labels))
    assert found.line.tolist() == [[24.5, 9.5], [24.5, 34.5]]
    one, two, together = found.profiles
    gap = slice(8, 18)  # background between both
    assert (together[gap] > np.maximum(one, two)[gap]).all()
    assert (together[gap] >= one[gap] + two[gap] - 1.5 - 1e-3).all()


@pytest.mark.parametrize("columns", [(), (5,), (5, 30, 80)])
def test_any_number_of_cells_can_be_drawn(columns):
    found = preview_weights(training("crowding"), tile(*columns))
    assert found is not None and len(found.line) == (2 if len(columns) > 1 else 0)
    assert len(plot_weight_map(found.labels, found.weights, found.line, found.profiles).axes) >= 3 - (len(columns) < 2)


def test_no_map_gives_nothing():
    assert preview_weights(training("none"), tile(5)) is None
