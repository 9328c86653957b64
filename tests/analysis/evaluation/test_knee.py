"""The knee of a curve is where it lies farthest above the line between its ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.evaluation.knee import find_knee


def test_the_knee_of_the_papers_figure_is_found() -> None:
    x = np.linspace(0, 1, 10)
    assert x[find_knee(x, 5 - 1 / (x + 0.1))] == pytest.approx(0.2222, abs=1e-4)


@pytest.mark.parametrize("place", [1, 4, 8])
def test_the_knee_of_two_straight_lines_is_where_they_meet(place: int) -> None:
    x = np.arange(10.0)
    assert find_knee(x, np.where(x <= place, 10 * x, 10 * place + 0.1 * (x - place))) == place


def test_what_comes_after_the_best_does_not_matter() -> None:
    x = np.arange(12.0)
    rising = np.minimum(x, 3) + 0.01 * x
    assert find_knee(x, np.where(x < 9, rising, 0)) == find_knee(x[:9], rising[:9]) == 3


def test_a_straight_a_falling_and_a_flat_curve_have_their_knee_at_the_best() -> None:
    x = np.arange(5.0)
    assert [find_knee(x, y) for y in (x, -x, np.zeros(5), x**2)] == [4, 0, 0, 4]
    assert find_knee(np.array([0.5]), np.array([0.7])) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=20), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_units_of_both_axes_do_not_matter(values: list[int], scale: float, shift: float) -> None:
    x, y = np.arange(len(values), dtype=float), np.array(values, dtype=float)
    place = find_knee(x, y)
    assert 0 <= place <= int(np.argmax(y))
    assert y[find_knee(scale * x + shift, 4 * y)] == y[place]


@pytest.mark.parametrize("x", [[], [0, 0], [1, 0]])
def test_places_that_do_not_rise_are_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match="`x` must rise"):
        find_knee(np.array(x), np.zeros(len(x)))
