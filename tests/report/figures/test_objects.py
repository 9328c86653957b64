"""Figures of objects draw what is there, and no text lies on another."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.objects import plot_object_sizes, plot_objects_per_image

Check = Callable[[Figure], None]


@pytest.mark.parametrize("span", [0.0, 0.02, 0.3, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("classes", [1, 3, 25])
def test_sizes_of_any_range_can_be_read(span: float, classes: int, assert_readable: Check) -> None:
    rng = np.random.default_rng(0)
    areas = {f"a class of cells with a long name {i}": 10 ** (1 + span * rng.random(40)) for i in range(classes)}
    figure = plot_object_sizes(areas)
    assert_readable(figure)
    ticks = [t.label1.get_text() for t in figure.axes[0].xaxis.get_major_ticks()]
    assert span < 0.3 or any(ticks)


def test_the_box_is_that_of_the_percentiles() -> None:
    values = np.random.default_rng(1).lognormal(5, 1, 200)
    figure = plot_object_sizes({"cell": values, "none": np.empty(0)})
    (box,) = figure.axes[0].patches
    first, third = np.percentile(values, (25, 75))
    assert (box.get_x(), box.get_x() + box.get_width()) == pytest.approx((first, third))
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["cell, n = 200", "none, n = 0"]


def test_objects_without_area_are_left_out() -> None:
    figure = plot_object_sizes({"cell": np.array([np.nan, 0, -1, np.inf, 9])})
    assert figure.axes[0].get_yticklabels()[0].get_text() == "cell, n = 1"
    for nothing in ({}, {"cell": np.empty(0)}, {"point": np.full(3, np.nan)}):
        assert plot_object_sizes(nothing).texts[0].get_text() == "No object has an area."


@pytest.mark.parametrize("counts", [[0], [0, 0, 0], [1], [3, 4, 4, 0, 39], [0, 40], [5, 1_000], [1_000_000, 0]])
def test_every_image_stands_in_one_bar(counts: list[int], assert_readable: Check) -> None:
    figure = plot_objects_per_image(np.array(counts))
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(counts)
    assert len(figure.axes[0].patches) <= 41
    assert f"{counts.count(0)} without an object" in figure.get_suptitle()
    assert_readable(figure)


def test_no_image_is_said() -> None:
    assert plot_objects_per_image(np.empty(0, np.int64)).texts[0].get_text() == "There is no image."
