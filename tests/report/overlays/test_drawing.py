"""Frames lie where their boxes are, and kinds of frames differ in shape."""

import numpy as np
import pytest

from cell_pipelines.report.overlays.drawing import Pen, draw_boxes, line_width

RED = (255, 0, 0)
GREY = 100


def canvas(height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), GREY, dtype=np.uint8)


def is_red(image: np.ndarray) -> np.ndarray:
    return (image == RED).all(axis=-1)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_line_covers_the_border_pixels_of_the_box_and_grows_outwards(width: int) -> None:
    red = is_red(draw_boxes(canvas(), np.array([[20.0, 15, 50, 40]]), [Pen(RED)], width=width))
    assert red[15, 20:50].all()
    assert red[39, 20:50].all()
    assert red[15:40, 20].all()
    assert red[15:40, 49].all()
    assert not red[16:39, 21:49].any()
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (16 - width, 38 + width, 21 - width, 48 + width)


def test_a_dark_rim_lies_around_the_line_and_the_cell_inside_is_untouched() -> None:
    drawn = draw_boxes(canvas(), np.array([[20.0, 15, 50, 40]]), [Pen(RED)], width=2)
    assert (drawn[13, 30] < 30).all()
    assert (drawn[17:38, 22:48] == GREY).all()
    assert (drawn[12] == GREY).all()


def test_at_the_border_of_the_image_the_line_keeps_its_thickness() -> None:
    red = is_red(draw_boxes(canvas(), np.array([[0.0, 0, 80, 60]]), [Pen(RED)], width=3))
    assert red[:3].all()
    assert red[-3:].all()
    assert red[:, :3].all()
    assert red[:, -3:].all()
    assert not red[3:-3, 3:-3].any()


def test_fractions_of_a_pixel_count_as_the_whole_pixel() -> None:
    red = is_red(draw_boxes(canvas(), np.array([[20.6, 15.2, 49.1, 39.9]]), [Pen(RED)], width=1))
    assert red[15, 20]
    assert red[39, 49]


@pytest.mark.parametrize("box", [[-30.0, -30, -1, -1], [80, 0, 90, 10], [0, 60, 10, 70]])
def test_a_box_outside_the_image_is_not_drawn(box: list[float]) -> None:
    assert (draw_boxes(canvas(), np.array([box]), [Pen(RED, crossed=True)], width=2) == GREY).all()


def test_no_boxes_draw_nothing() -> None:
    assert (draw_boxes(canvas(), np.zeros((0, 4)), [], width=2) == GREY).all()


@pytest.mark.parametrize("side", [3, 8, 40])
def test_a_dashed_line_has_its_corners_and_gaps(side: int) -> None:
    red = is_red(draw_boxes(canvas(), np.array([[10.0, 10, 10 + side, 10 + side]]), [Pen(RED, dashed=True)], width=2))
    last = 10 + side - 1
    assert red[[10, 10, last, last], [10, last, 10, last]].all()
    assert not red[9, 9 : last + 2].all()
    assert not red[9 : last + 2, 9].all()


def test_a_crossed_box_has_red_beyond_its_upper_right_corner_only() -> None:
    plain, crossed = (
        is_red(draw_boxes(canvas(), np.array([[20.0, 20, 50, 40]]), [Pen(RED, crossed=c)], width=2))
        for c in (False, True)
    )
    rows, columns = np.nonzero(crossed & ~plain)
    assert rows.size
    assert rows.max() < 30
    assert columns.min() > 40


def test_a_cross_fits_into_a_tiny_image() -> None:
    assert is_red(draw_boxes(canvas(6, 6), np.array([[0.0, 0, 6, 6]]), [Pen(RED, crossed=True)], width=2)).any()


def test_the_canvas_that_came_in_is_not_changed() -> None:
    original = canvas()
    draw_boxes(original, np.array([[20.0, 15, 50, 40]]), [Pen(RED, crossed=True)], width=2)
    assert (original == GREY).all()


def test_lines_grow_with_the_image() -> None:
    assert [line_width(shape) for shape in ((64, 64), (480, 640), (1024, 1024), (1920, 2560))] == [2, 2, 2, 5]
