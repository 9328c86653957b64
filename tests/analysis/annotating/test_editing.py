from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cell_pipelines.analysis.annotating.editing import EDIT, Canvas, EditedCell, apply_edit
from cell_pipelines.failures import MistakeError

_CANVAS = Canvas(100, 80, ("live", "dead"))


def _cells() -> dict[int, EditedCell]:
    squares = [(10, 10), (20, 10), (60, 40)]
    return {number: EditedCell(0, shapely.box(x, y, x + 10, y + 10)) for number, (x, y) in enumerate(squares)}


def _edit(**values: Any) -> dict[int, EditedCell]:
    cells = _cells()
    gone, came = apply_edit(cells, EDIT.validate_python(values), _CANVAS, 3)
    return {number: cell for number, cell in cells.items() if number not in gone} | came


def test_an_added_cell_has_a_new_number_and_the_drawn_outline() -> None:
    cells = _edit(kind="add", points=[(40, 10), (50, 10), (50, 20), (40, 20)], category=1)
    assert set(cells) == {0, 1, 2, 3}
    assert cells[3].category == 1
    assert cells[3].shape.equals(shapely.box(40, 10, 50, 20))


def test_what_is_drawn_beyond_the_border_is_cut_off() -> None:
    cells = _edit(kind="add", points=[(90, 70), (120, 70), (120, 100), (90, 100)])
    assert cells[3].shape.bounds == (90, 70, 100, 80)


def test_of_a_line_that_crosses_itself_the_largest_piece_is_the_cell() -> None:
    cells = _edit(kind="add", points=[(40, 10), (60, 30), (60, 10), (40, 30), (38, 30)])
    assert cells[3].shape.is_valid
    assert cells[3].shape.area > 90


def test_deleted_cells_are_gone() -> None:
    assert set(_edit(kind="delete", ids=[0, 2])) == {1}


def test_a_redrawn_cell_keeps_its_number_and_class() -> None:
    cells = _edit(kind="redraw", id=2, points=[(60, 40), (75, 40), (75, 55)])
    assert cells[2].shape.area == pytest.approx(112.5)
    assert cells[2].category == 0


def test_pieces_of_a_split_cell_cover_it() -> None:
    cells = _edit(kind="split", id=2, points=[(55, 44), (75, 44)])
    assert set(cells) == {0, 1, 3, 4}
    assert shapely.union(cells[3].shape, cells[4].shape).equals(shapely.box(60, 40, 70, 50))
    assert sorted([cells[3].shape.area, cells[4].shape.area]) == [40, 60]


def test_touching_cells_merge_to_their_union_of_the_first_ones_class() -> None:
    cells = _edit(kind="merge", ids=[1, 0])
    assert set(cells) == {2, 3}
    assert cells[3].shape.equals(shapely.box(10, 10, 30, 20))


def test_cells_get_another_class() -> None:
    cells = _edit(kind="classify", ids=[0, 2], category=1)
    assert {number: cell.category for number, cell in cells.items()} == {0: 1, 1: 0, 2: 1}


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ({"kind": "delete", "ids": [7]}, "cell 7 is not there any more"),
        ({"kind": "add", "points": [(1, 1), (5, 5)]}, "at least three points"),
        ({"kind": "add", "points": [(-9, -9), (-5, -9), (-5, -5)]}, "holds no pixel of the image"),
        ({"kind": "add", "points": [(1, 1), (5, 1), (9, 1)]}, "holds no pixel of the image"),
        ({"kind": "add", "points": [(1, 1), (9, 1), (9, 9)], "category": 2}, "there is no class 2"),
        ({"kind": "split", "id": 0, "points": [(0, 0), (5, 5)]}, "does not cut the cell apart"),
        ({"kind": "merge", "ids": [0, 2]}, "must touch"),
    ],
)
def test_what_is_not_possible_is_said_in_a_sentence(edit: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MistakeError, match=sentence):
        _edit(**edit)


_POINT = st.tuples(st.floats(-20, 120), st.floats(-20, 100))


@given(st.lists(_POINT, min_size=3, max_size=30))
def test_every_outline_that_is_taken_is_one_valid_polygon_within_the_image(points: list[tuple[float, float]]) -> None:
    try:
        shape = _edit(kind="add", points=points)[3].shape
    except MistakeError:
        return
    assert shape.is_valid
    assert shape.area >= 1
    assert np.all(np.asarray(shape.bounds) >= 0)
    assert shape.bounds[2] <= 100
    assert shape.bounds[3] <= 80
