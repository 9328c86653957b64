"""Lines that are switched lie where the cells lie, and there are as many as there are cells."""

import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.report.page.layers import box_layers, instance_layers, outlines, to_path

NONE = np.zeros(0, dtype=np.bool_)


def _labels() -> np.ndarray:
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[5:15, 10:30] = 1
    labels[20:30, 40:50] = 2
    return labels


def test_a_line_follows_the_centre_of_the_outermost_pixels() -> None:
    (line,) = outlines(_labels(), 2)[0]
    assert line[:, 0].min() == 10.5
    assert line[:, 0].max() == 29.5
    assert line[:, 1].min() == 5.5
    assert line[:, 1].max() == 14.5


def test_every_cell_is_in_one_of_found_and_missed_and_every_prediction_in_found_or_false() -> None:
    labels = _labels()
    layers = instance_layers(labels, labels, found=np.array([True, False]), correct=np.array([True, False]))
    assert [layer.label for layer in layers] == ["Truth 2", "Missed 1", "Found 1", "False 1"]
    by_kind = {layer.kind: layer.path for layer in layers}
    assert by_kind["truth"].count("z") == 2
    assert by_kind["found"] in by_kind["truth"]
    assert by_kind["false"].count("z") == 1
    assert by_kind["false"].count("M") == 3, "an outline and the two strokes of a cross"


def test_an_image_without_cells_has_layers_without_lines() -> None:
    empty = np.zeros((8, 8), dtype=np.int32)
    for layers in (
        instance_layers(empty, empty, found=NONE, correct=NONE),
        box_layers(np.zeros((0, 4)), np.zeros((0, 4)), (8, 8), found=NONE, correct=NONE),
    ):
        assert [(layer.label[-1], layer.path) for layer in layers] == [("0", "")] * 4


def test_a_label_without_a_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="flag for each label"):
        instance_layers(_labels(), _labels(), found=np.array([True]), correct=np.array([True, True]))


def test_a_box_is_drawn_along_its_edges() -> None:
    layers = box_layers(np.array([[2.0, 3, 7, 9]]), np.zeros((0, 4)), (20, 20), found=np.array([False]), correct=NONE)
    assert layers[0].path == layers[1].path == "M2 3l5 0 0 6 -5 0z"


def test_a_cell_hidden_by_another_has_no_line_but_is_counted() -> None:
    labels = np.zeros((9, 9), dtype=np.int32)
    labels[2:5, 2:5] = 2
    layers = instance_layers(labels, np.zeros_like(labels), found=np.array([False, True]), correct=NONE)
    assert layers[0].label == "Truth 2"
    assert layers[0].path.count("z") == 1


def _drawn(path: str, shape: tuple[int, int], scale: int) -> np.ndarray:
    """Fill the closed lines of a path by an independent reader of it, enlarged."""
    canvas = np.zeros((shape[0] * scale, shape[1] * scale), np.uint8)
    for start, steps in re.findall(r"M([^l]+)l([^z]+)z", path):
        points = np.cumsum([*_pairs(start), *_pairs(steps)], axis=0)
        cv2.fillPoly(canvas, [np.rint(points * scale).astype(np.int32)], 1)
    return canvas


def _pairs(steps: str) -> list[np.ndarray]:
    values = [float(value) for value in steps.split()]
    return [np.array(values[i : i + 2]) for i in range(0, len(values), 2)]


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 30), st.integers(6, 30), st.integers(0, 90), st.integers(0, 1000))
def test_a_thinned_outline_covers_the_cell_but_for_its_rim(a: int, b: int, angle: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros((90, 90), np.uint8)
    centre = tuple(int(v) for v in rng.integers(35, 55, 2))
    cv2.ellipse(labels, centre, (a, b), angle, 0, 360, 1, -1)
    path = to_path(outlines(labels.astype(np.int32), 1)[0])
    filled = _drawn(path, labels.shape, 4)
    wanted = np.repeat(np.repeat(labels, 4, axis=0), 4, axis=1)
    rim = cv2.dilate(wanted, np.ones((9, 9))) - cv2.erode(wanted, np.ones((9, 9)))
    assert not ((filled != wanted) & (rim == 0)).any()
