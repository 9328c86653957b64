"""Stored maps hold what the threshold asks for, and what is no map is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cell_pipelines.representations.binary import Binary
from cell_pipelines.representations.maps import check_maps, check_outputs, join_maps, to_compact, to_level, to_map
from cell_pipelines.representations.three_class import ThreeClass
from cell_pipelines.thresholds import Threshold


@example(0.8854886889457703, 0.8854886889457703)  # in double precision this threshold is rounded up, in single down
@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_a_probability_that_reaches_the_cutoff_does_so_when_stored(probability: float, cutoff: float) -> None:
    stored = int(to_map(np.full((1, 1), probability, np.float32))[0, 0])
    if probability >= cutoff:
        assert stored >= to_level(cutoff)
    elif cutoff - probability > 3e-5:
        assert stored < to_level(cutoff)


def test_numbers_are_made_small_and_kept_apart() -> None:
    labels = np.array([[5, 0, 2**31 - 1], [7, 7, 0]], np.int32)
    assert to_compact(labels).tolist() == [[1, 0, 3], [2, 2, 0]]
    assert to_compact(np.array([[9]], np.int32)).tolist() == [[1]]
    assert to_compact(np.zeros((0, 3), np.int32)).shape == (0, 3)


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        (np.zeros((2, 3, 3), np.float32), r"must be \(1, h, w\) for cell, got \(2, 3, 3\)"),
        (np.full((1, 3, 3), 4, np.float32), r"must be activated, in \[0, 1\], got 4 to 4"),
        (np.full((1, 3, 3), np.nan, np.float32), "got NaN at 9 of 9"),
    ],
)
def test_outputs_that_are_none_are_refused(outputs: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_outputs(outputs, ("cell",))
    check_outputs(np.zeros((1, 0, 3), np.float32), ("cell",))


def test_scores_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold cell, foreground, got cell"):
        check_maps({"cell": np.zeros((2, 2), np.uint16)}, ("cell", "foreground"))
    for wrong in (np.zeros((2, 2)), np.zeros(4, np.uint16)):
        with pytest.raises(ValueError, match="uint16 maps of one shape"):
            check_maps({"cell": wrong}, ("cell",))


def test_maps_of_tiles_are_not_joined_here() -> None:
    part = {"cell": np.zeros((2, 3), np.uint16)}
    assert join_maps([part], (2, 3), ("cell",)) is part
    with pytest.raises(ValueError, match="got 2"):
        join_maps([part, part], (2, 3), ("cell",))
    with pytest.raises(ValueError, match=r"`shape` \(4, 3\), got \(2, 3\)"):
        join_maps([part], (4, 3), ("cell",))


def test_a_gap_between_touching_cells_keeps_them_apart_without_a_watershed() -> None:
    labels = np.zeros((12, 20), np.int32)
    labels[2:9, 2:9], labels[2:9, 9:16] = 1, 2
    for shrink, count in ((0, 1), (1, 2), (2, 2)):
        binary = Binary(shrink_px=shrink)
        target = binary.encode(labels)
        assert target.sum() == 98 - 2 * 7 * shrink
        assert len(binary.decode(binary.reduce(target), Threshold(0.5)).scores) == count
    with pytest.raises(ValueError, match="`shrink_px` must be a whole number"):
        Binary(shrink_px=-1)


def _dumbbell(waist: int) -> np.ndarray:
    """Return a foreground (1, 40, 70) of two discs of 21 px whose centres are 24 px apart, with a bridge so wide."""
    rows, columns = np.mgrid[:40, :70]
    discs = ((rows - 20) ** 2 + (columns - 23) ** 2 <= 110) | ((rows - 20) ** 2 + (columns - 47) ** 2 <= 110)
    bridge = (abs(rows - 20) <= waist // 2) & (columns >= 23) & (columns <= 47)
    return np.asarray(discs | bridge, np.float32)[None]


@pytest.mark.parametrize(("waist", "most_pass", "cells"), [
    (19, 1.0, 3), (19, 0.9, 1), (19, 0.98, 2), (11, 0.9, 2), (11, 0.5, 1), (3, 0.9, 2),
])  # fmt: skip
def test_two_centres_without_a_waist_between_them_are_one_cell(waist: int, most_pass: float, cells: int) -> None:
    binary = Binary(most_pass=most_pass)
    found = binary.decode(binary.reduce(_dumbbell(waist)), Threshold(0.5, 0, 6)).labels
    assert found.max() == cells
    assert ((found > 0) == (_dumbbell(waist)[0] > 0)).all()


def test_centres_may_lie_half_as_far_apart_where_high_passes_join_them() -> None:
    plain, joining = Binary().default_threshold(300), Binary(most_pass=0.9).default_threshold(300)
    assert joining == replace(plain, min_distance_px=plain.min_distance_px / 2)
    with pytest.raises(ValueError, match="`most_pass` must be above 0 and at most 1, got 0"):
        Binary(most_pass=0)


def test_cores_that_run_together_are_separated_where_they_have_a_waist() -> None:
    core = _dumbbell(11)[0]
    outputs = np.stack([1 - core, np.zeros_like(core), core])
    plain, separating = ThreeClass(), ThreeClass(most_pass=0.9)
    scores = plain.reduce(outputs)
    for representation, count in ((plain, 1), (separating, 2)):
        found = representation.decode(scores, Threshold(0.5, 0, 6)).labels
        assert found.max() == count
        assert ((found > 0) == (core > 0)).all()
    assert separating.decode(scores, Threshold(0.5, 0, 0)).labels.max() == 1
    distances = [one.default_threshold(300).min_distance_px for one in (plain, separating)]
    assert distances == [0, Binary().default_threshold(300).min_distance_px]
