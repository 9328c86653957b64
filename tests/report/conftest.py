"""Figures are checked alike: no text leaves the figure, and none lies on another."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from matplotlib.figure import Figure


def _texts_of(figure: Figure) -> list[Any]:
    found = [figure._suptitle, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        found += [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            found += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    return [text for text in found if text is not None and text.get_text() and text.get_visible()]


def _assert_readable(figure: Figure) -> None:
    for _ in range(2):
        figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in _texts_of(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert box.x0 >= 0, f"{text!r} leaves the figure"
        assert box.y0 >= 0, f"{text!r} leaves the figure"
        assert box.x1 <= width, f"{text!r} leaves the figure"
        assert box.y1 <= height, f"{text!r} leaves the figure"
    for (first, one), (second, other) in combinations(boxes, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5)), f"{first!r} lies on {second!r}"


@pytest.fixture
def assert_readable() -> Callable[[Figure], None]:
    """Return what fails for a figure whose texts cannot be read."""
    return _assert_readable
