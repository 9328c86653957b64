"""Stars on a coarser grid: targets are StarDist's own, cells come back, and tiles and odd sizes change nothing."""

import numpy as np
import pytest
from stardist.geometry import polygons_to_label, star_dist
from stardist.matching import matching
from stardist.nms import non_maximum_suppression
from stardist.utils import edt_prob

from cell_pipelines.representations.registry import DECODED_ONLY, REPRESENTATIONS
from cell_pipelines.representations.star import Star
from cell_pipelines.thresholds import Threshold

from .test_star import convex_cells, noisy_outputs, whole

SHAPES = [(110, 130), (109, 127), (61, 40)]


def cells(shape: tuple[int, int]) -> np.ndarray:
    return convex_cells()[: shape[0], : shape[1]]


def decode(star: Star, labels: np.ndarray) -> np.ndarray:
    scores = star.join([star.reduce(star.encode(labels))], labels.shape)
    return star.decode(scores, Threshold(0.5)).labels


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_target_is_that_of_stardists_own_training(stride: int, shape: tuple[int, int]) -> None:
    labels = cells(shape)
    target = Star(n_rays=16, grid=stride, stride=stride).encode(labels)
    expected = star_dist(labels, 16, grid=(stride, stride))
    assert target.dtype == np.float32 and target.shape == (17, -(-shape[0] // stride), -(-shape[1] // stride))
    np.testing.assert_array_equal(target[1:], np.moveaxis(expected, -1, 0))
    np.testing.assert_array_equal(target[0], edt_prob(labels[::stride, ::stride]))


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_cells_are_those_that_stardist_makes_of_its_target(stride: int, shape: tuple[int, int]) -> None:
    labels, star = cells(shape), Star(grid=stride, stride=stride)
    target, probability = star.encode(labels), edt_prob(labels[::stride, ::stride])
    # Of equally good candidates either may be the first; here none are.
    slope = np.linspace(1, 0.99, probability.size, dtype=np.float32).reshape(probability.shape)
    target[0] *= slope
    found = star.decode(star.join([star.reduce(target)], shape), Threshold(0.5)).labels
    points, scores, distances = non_maximum_suppression(
        star_dist(labels, 32, grid=(stride, stride)), probability * slope, grid=(stride, stride), b=None,
        nms_thresh=0.4, prob_thresh=np.nextafter(np.float32(0.5), np.float32(0)),
    )  # fmt: skip
    theirs = polygons_to_label(distances, points, shape, prob=scores)
    assert len(np.unique(theirs)) > 3
    pairs = np.unique(np.stack([theirs.ravel(), found.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(theirs)) == len(np.unique(found))
    result = matching(labels, decode(star, labels), thresh=0.6)
    assert result.fp == result.fn == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("grid", [2, 4, 6])
def test_outputs_on_the_grid_hold_the_candidates_of_outputs_for_every_pixel(shape: tuple[int, int], grid: int) -> None:
    outputs = noisy_outputs()[:, : shape[0], : shape[1]]
    expected = whole(Star(grid=grid), outputs)
    found = Star(grid=grid, stride=2)
    found = found.join([found.reduce(outputs[:, ::2, ::2])], shape)
    assert len(expected["points"]) > 1
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "margin", "grid"), [(64, 16, 2), (38, 6, 2), (37, 6, 2), (52, 20, 4), (200, 0, 2)])
def test_tiles_hold_exactly_the_candidates_of_the_whole_image(
    shape: tuple[int, int], size: int, margin: int, grid: int
) -> None:
    """Tiles begin where their outputs do; their cores may begin and end between two outputs."""
    star, outputs = Star(grid=grid, stride=2), noisy_outputs()[:, : shape[0], : shape[1]]
    parts = []
    for top in range(0, shape[0], size):
        for left in range(0, shape[1], size):
            row, column = (max(start - margin, 0) // 2 * 2 for start in (top, left))
            seen = outputs[:, row : top + size + margin, column : left + size + margin][:, ::2, ::2]
            core = (top - row, left - column, min(size, shape[0] - top), min(size, shape[1] - left))
            parts.append(star.reduce(seen, origin=(row, column), core=core))
    found, expected = star.join(parts[::-1], shape), star.join([star.reduce(outputs[:, ::2, ::2])], shape)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_an_image_of_one_cell_and_cells_between_the_grid() -> None:
    star, labels = Star(stride=2), np.full((31, 30), 7, np.int32)
    assert np.count_nonzero(decode(star, labels)) > 0.9 * labels.size
    # A cell of a single pixel that no output belongs to can't be learnt, and hurts nothing.
    labels = np.zeros((9, 9), np.int32)
    labels[3, 3] = 1
    assert not star.encode(labels).any() and star.encode(labels).shape == (33, 5, 5)
    board = np.where(np.indices((364, 364)).sum(0) % 2 == 0, np.arange(364 * 364).reshape(364, 364) + 1, 0)
    np.testing.assert_array_equal(Star(n_rays=4, stride=2).encode(board.astype(np.int32))[1:], 0.5)


@pytest.mark.parametrize(
    ("options", "named"), [({"stride": 0}, "stride"), ({"stride": 3}, "stride"), ({"grid": 2, "stride": 4}, "grid")]
)
def test_a_stride_that_the_grid_does_not_have_is_refused(options: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=f"`{named}` must be"):
        Star(**options)
    with pytest.raises(ValueError, match=r"`origin` must hold multiples of `stride` \(2\), got \(3, 0\)"):
        Star(stride=2).reduce(np.zeros((33, 4, 4), np.float32), origin=(3, 0))


def test_every_representation_says_its_stride_and_maps_have_every_pixel() -> None:
    for name, kind in (REPRESENTATIONS | DECODED_ONLY).items():
        assert kind().stride == 1, name
