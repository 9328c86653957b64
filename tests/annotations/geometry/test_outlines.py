"""Outlines of masks: the mask comes back to the pixel, and pieces and holes are those that scipy counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.outlines import all_run_lengths_to_rings
from cell_pipelines.annotations.geometry.rasterising import rings_to_mask
from cell_pipelines.annotations.geometry.rings import join_rings, polygon_area, split_ring
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9))


def awkward_masks() -> dict[str, NDArray[np.bool_]]:
    """Masks of 6x7 pixels that have gone wrong elsewhere."""
    names = ("nothing", "everything", "one pixel", "corner", "hole", "diagonal", "falling", "rising", "ring", "islands")
    masks = {name: np.zeros((6, 7), bool) for name in names}
    masks["everything"][:] = True
    masks["one pixel"][2, 3] = True
    masks["corner"][5, 6] = True
    masks["hole"][1:4, 1:4], masks["hole"][2, 2] = True, False
    masks["diagonal"][[0, 1, 2], [0, 1, 2]] = True
    # Pieces that meet themselves at a corner, all around a hole.
    masks["falling"][0:4, 0:4], masks["falling"][1:3, 1:3], masks["falling"][3, 3] = True, False, False
    masks["rising"][0:4, 0:4], masks["rising"][1:3, 1:3], masks["rising"][0, 3] = True, False, False
    masks["ring"][:] = True
    masks["ring"][1:5, 1:6] = False
    masks["islands"][:] = masks["ring"]
    masks["islands"][2:4, 2:5] = True
    return masks


def mask_to_rings(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    return all_run_lengths_to_rings(RunLengths.from_lists([mask_to_run_lengths(mask)]), len(mask)).of(0)


def check_rings(rings: list[NDArray[np.float64]], mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(rings_to_mask(rings, *mask.shape), mask)
    outside_joined = np.pad(~mask, 1, constant_values=True)
    holes = ndimage.label(outside_joined, np.ones((3, 3)))[1] - 1
    assert len(rings) == ndimage.label(mask)[1] + holes
    signed = [float(np.dot(r[:, 0], np.roll(r[:, 1], -1)) - np.dot(r[:, 1], np.roll(r[:, 0], -1))) / 2 for r in rings]
    assert sum(signed) == mask.sum() == polygon_area(rings)
    assert sum(area < 0 for area in signed) == holes
    for ring in rings:
        steps = np.roll(ring, -1, axis=0) - ring
        upright = steps[:, 0] == 0
        assert ((steps != 0).sum(axis=1) == 1).all(), "every edge runs along the pixels"
        assert (upright != np.roll(upright, 1)).all(), "every vertex is a corner"
        assert (ring == ring[0]).all(axis=1).sum() == 1
        np.testing.assert_array_equal(ring, np.round(ring))


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_outlines_of_any_mask_are_exact(mask: NDArray[np.bool_]) -> None:
    check_rings(mask_to_rings(mask), mask)


@pytest.mark.parametrize("name", awkward_masks())
def test_outlines_of_awkward_masks_are_exact(name: str) -> None:
    mask = awkward_masks()[name]
    check_rings(mask_to_rings(mask), mask)
    turned = np.rot90(mask)
    check_rings(mask_to_rings(turned), turned)


def test_touching_cells_share_every_pixel_out() -> None:
    rng = np.random.default_rng(5)
    owner = rng.integers(0, 4, (12, 15))
    drawn = [rings_to_mask(mask_to_rings(owner == number), 12, 15) for number in range(4)]
    np.testing.assert_array_equal(np.sum(drawn, axis=0), 1)


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_one_path_through_all_rings_fills_the_mask_and_comes_apart_again(mask: NDArray[np.bool_]) -> None:
    rings = mask_to_rings(mask)
    path = join_rings(rings)
    np.testing.assert_array_equal(rings_to_mask([path], *mask.shape), mask)
    back = split_ring(path)
    if rings:
        assert [ring.tolist() for ring in back] == [ring.tolist() for ring in rings]


@given(MASKS, MASKS)
@settings(max_examples=50, deadline=None)
def test_runs_give_the_same_rings_one_by_one_and_all_at_once(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> None:
    height = max(one.shape[0], other.shape[0])
    masks = [np.pad(m, ((0, height - m.shape[0]), (0, 0))) for m in (one, other, np.zeros((1, 1), bool), one)]
    counts = [mask_to_run_lengths(mask) for mask in masks]
    together = all_run_lengths_to_rings(RunLengths.from_lists(counts), height)
    for row, mask in enumerate(masks):
        expected = [ring.tolist() for ring in mask_to_rings(mask)]
        assert [ring.tolist() for ring in together.of(row)] == expected


def test_runs_of_no_pixels_make_no_corners() -> None:
    rings = all_run_lengths_to_rings(RunLengths.from_lists([[4, 1, 0, 2, 1, 0, 2]]), 5).of(0)
    check_rings(rings, np.array([[0, 0, 0, 0, 1], [1, 1, 0, 0, 0]], bool).T)
