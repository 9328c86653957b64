"""Colours stay apart for every kind of colour vision."""

import numpy as np
import pytest

from cell_pipelines.report.palette import (
    FALSE_POSITIVE,
    MISSED,
    TRUE_POSITIVE,
    Colour,
    category_colour,
    category_is_dashed,
)

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
VISION = {
    "full": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def to_lab(colour: Colour, vision: str) -> np.ndarray:
    parts = np.array(colour) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(first: Colour, second: Colour, vision: str) -> float:
    return float(np.linalg.norm(to_lab(first, vision) - to_lab(second, vision)))


@pytest.mark.parametrize("vision", VISION)
def test_right_wrong_and_missed_differ_for_every_vision(vision: str) -> None:
    assert distance(TRUE_POSITIVE, FALSE_POSITIVE, vision) > 25
    assert distance(FALSE_POSITIVE, MISSED, vision) > 25
    assert distance(TRUE_POSITIVE, MISSED, vision) > 25


def test_right_is_green_wrong_is_red_and_missed_is_blue() -> None:
    assert [int(np.argmax(colour)) for colour in (FALSE_POSITIVE, TRUE_POSITIVE, MISSED)] == [0, 1, 2]


@pytest.mark.parametrize("vision", VISION)
def test_the_first_four_categories_differ_for_every_vision(vision: str) -> None:
    colours = [category_colour(category) for category in range(4)]
    pairs = [(a, b) for place, a in enumerate(colours) for b in colours[place + 1 :]]
    assert min(distance(a, b, vision) for a, b in pairs) > 10


def test_fourteen_categories_are_all_drawn_differently() -> None:
    assert len({(category_colour(c), category_is_dashed(c)) for c in range(14)}) == 14
