"""Legends say how many of each there are, and fit under every image."""

import numpy as np
import pytest

from cell_pipelines.report.overlays.legends import LegendEntry, add_legend, category_legend, match_legend
from cell_pipelines.report.palette import MISSED


def test_the_counts_of_matches_add_up_to_the_boxes() -> None:
    found, correct = np.array([True, False, True, False, False]), np.array([True, True, False])
    texts = [entry.text for entry in match_legend(found, correct)]
    assert texts == ["True positives 2", "False positives 1", "Missed 3"]


def test_without_boxes_all_counts_are_zero() -> None:
    nothing = np.zeros(0, dtype=bool)
    assert all(entry.text.endswith(" 0") for entry in match_legend(nothing, nothing))


def test_the_three_kinds_differ_in_shape_and_not_only_in_colour() -> None:
    entries = match_legend(np.array([True]), np.array([True]))
    assert len({(entry.pen.dashed, entry.pen.crossed) for entry in entries if entry.pen}) == 3


def test_every_category_is_listed_with_its_count() -> None:
    entries = category_legend(np.array([0, 2, 2]), ["a", "b", "c"])
    assert [entry.text for entry in entries] == ["a 1", "b 0", "c 2"]
    assert len({entry.pen.colour for entry in entries if entry.pen}) == 3


def test_a_very_long_name_is_cut() -> None:
    (entry,) = category_legend(np.zeros(0, dtype=int), ["x" * 300])
    assert len(entry.text) < 50


@pytest.mark.parametrize("shape", [(5, 1), (50, 60), (40, 1000)])
def test_the_image_stays_at_the_upper_left_and_the_strip_lies_below(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    drawn = add_legend(image, match_legend(np.array([False]), np.array([True])))
    assert (drawn[: shape[0], : shape[1]] == image).all()
    assert drawn.shape[0] > shape[0]
    strip = drawn[shape[0] :]
    assert (strip == MISSED).all(axis=-1).any()
    assert (strip.min(axis=-1) > 200).any(), "letters are bright"


def test_entries_that_do_not_fit_go_on_the_next_line() -> None:
    image = np.zeros((10, 500, 3), dtype=np.uint8)
    few, many = (category_legend(np.zeros(0, dtype=int), [f"category {i}" for i in range(n)]) for n in (2, 12))
    assert add_legend(image, many).shape[0] > add_legend(image, few).shape[0] + 20
    assert add_legend(image, many).shape[1] == 500


def test_dollar_signs_and_other_letters_are_written_as_they_are() -> None:
    add_legend(np.zeros((10, 400, 3), dtype=np.uint8), [LegendEntry(None, "$x_1 < µ & $ {\\bad")])


def test_nothing_to_say_adds_nothing() -> None:
    image = np.zeros((10, 20, 3), dtype=np.uint8)
    assert add_legend(image, []).shape == image.shape
