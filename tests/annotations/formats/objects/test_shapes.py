"""Shapes of annotation tools: ellipses, turned boxes and masks in part of an image."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.formats.objects.shapes import ellipse_ring, mask_shape, rotated_box_shape
from cell_pipelines.annotations.geometry.run_lengths import mask_box, run_lengths_to_mask


@given(st.integers(0, 2**32 - 1), st.integers(-9, 20), st.integers(-9, 20))
@settings(max_examples=50, deadline=None)
def test_a_mask_in_part_of_an_image_lies_where_it_should(seed: int, left: int, top: int) -> None:
    crop = np.random.default_rng(seed).random((6, 5)) < 0.7
    whole = np.zeros((60, 60), bool)
    whole[top + 20 : top + 26, left + 20 : left + 25] = crop
    expected = whole[20:35, 20:38]
    if not expected.any():
        with pytest.raises(ValueError, match="empty"):
            mask_shape(crop, (left, top), (18, 15))
        return
    shape = mask_shape(crop, (left, top), (18, 15))
    assert shape.counts is not None
    assert (run_lengths_to_mask(shape.counts, 15, 18) == expected).all()
    assert shape.box == mask_box(expected)
    assert bool(shape.change) == (expected.sum() < crop.sum())


def test_an_ellipse_has_nearly_its_area_wherever_it_turns() -> None:
    for rotation in (0, 30, 90, 200):
        ring = ellipse_ring((50, 40), (20, 10), rotation)
        assert shapely.Polygon(ring).area == pytest.approx(np.pi * 200, rel=2e-3)
        np.testing.assert_allclose(ring.mean(axis=0), [50, 40])
    assert len(ellipse_ring((0, 0), (1, 1), vertices=12)) == 12
    with pytest.raises(ValueError, match="radii"):
        ellipse_ring((0, 0), (0, 1))


def test_a_box_that_is_not_turned_stays_a_box_and_a_turned_one_keeps_its_area() -> None:
    assert rotated_box_shape((1, 2, 5, 9), 360.0, (0, 0)).box == (1, 2, 5, 9)
    for rotation in (1, 45, 90, -30):
        assert shapely.Polygon(rotated_box_shape((1, 2, 5, 9), rotation, (7, 7)).rings[0]).area == pytest.approx(28)
