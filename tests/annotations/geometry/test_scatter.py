"""Objects of many or distant pieces: found in masks and polygons alike, as scikit-image's pieces have it."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import draw, measure

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, split_at_columns
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths, run_lengths_box
from cell_pipelines.annotations.geometry.scatter import _connect, find_scattered
from cell_pipelines.annotations.schema import AnnotationSet

SIZE = (60, 90)


def _mask(*discs: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.bool_)
    for row, column, radius in discs:
        mask[draw.disk((row, column), radius, shape=SIZE)] = True
    return mask


def _masks(*masks: npt.NDArray[np.bool_], crowd: bool = False) -> AnnotationSet:
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=SIZE[1], height=SIZE[0])
    for mask in masks:
        counts = mask_to_run_lengths(mask)
        builder.add_object(image, "cell", "mask", run_lengths_box(counts, SIZE[0]), counts=counts, crowd=crowd)
    return builder.build()


ONE = ((30, 20, 8),)
NEAR = ((30, 20, 8), (30, 38, 8))
STRAY = ((30, 20, 8), (5, 80, 1.2))
FAR = ((30, 20, 8), (30, 70, 8))
MANY = tuple((10 + 20 * (i // 4), 10 + 20 * (i % 4), 7) for i in range(8))


@pytest.mark.parametrize(("discs", "expected"), [(ONE, 0), (NEAR, 0), (STRAY, 0), (FAR, 1), (MANY, 1)])
def test_masks_and_polygons_agree(discs: tuple[tuple[float, float, float], ...], expected: int) -> None:
    whole = _mask((15, 15, 6))
    found = find_scattered(_masks(whole, _mask(*discs)))
    assert found.tolist() == [1] * expected
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=SIZE[1], height=SIZE[0])
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    builder.add_polygon(image, "cell", [np.array([c, r]) + radius * circle for r, c, radius in discs])
    assert find_scattered(builder.build()).tolist() == [0] * expected


def test_holes_and_ignored_regions_are_passed_over() -> None:
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=90, height=60)
    square = np.array([[0, 0], [80, 0], [80, 50], [0, 50]], np.float64)
    holes = [square / 10 + [10 * i, 20] for i in range(1, 8)]
    builder.add_polygon(image, "cell", [square, *holes])
    assert not find_scattered(builder.build()).size
    assert not find_scattered(_masks(_mask(*MANY), crowd=True)).size
    assert not find_scattered(AnnotationSet.empty()).size


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.9))
def test_pieces_of_run_lengths_are_those_of_the_drawn_mask(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    masks = [rng.random((9, 11)) < share for _ in range(3)]
    runs = RunLengths.from_arrow(_masks(*(np.pad(mask, ((0, 51), (0, 79))) for mask in masks)).objects["counts"])
    owner, start, stop = all_run_lengths_to_intervals(runs)
    number, column, top, bottom = split_at_columns(start, stop, SIZE[0])
    pieces = _connect(owner[number], column, top, bottom, SIZE[0])
    expected = [int(measure.label(mask, connectivity=2).max()) for mask in masks]
    assert [len(set(pieces[owner[number] == row].tolist())) for row in range(3)] == expected
