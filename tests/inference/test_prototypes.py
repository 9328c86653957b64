"""Masks drawn within boxes are those that Ultralytics draws over the whole image."""

import numpy as np
import pytest

from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.inference import prototypes as module
from cell_pipelines.inference.prototypes import Prototypes


def random_case(seed, count, size, k=8):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(k, size[0] // 4, size[1] // 4)).astype(np.float32)
    low = rng.uniform(-3, np.array(size[::-1]), (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 40, (count, 2))], axis=1).astype(np.float32)
    return values, rng.normal(size=(count, k)).astype(np.float32), boxes


def drawn(runs, size):
    return np.array([run_lengths_to_mask(runs.of(row), *size) for row in range(len(runs))]).reshape(-1, *size)


@pytest.mark.parametrize(("size", "count"), [((64, 96), 40), ((32, 32), 1), ((128, 64), 0)])
def test_masks_are_those_of_ultralytics_cut_at_the_centre_of_pixels(size, count):
    import torch
    from ultralytics.utils.ops import process_mask_native

    values, weights, boxes = random_case(0, count, size)
    runs = Prototypes(values, size, (1.0, 1.0), (0, 0)).draw(weights, boxes, (0, 0, *size), size)
    # Ultralytics takes a pixel by its corner, and so cuts half a pixel too far to the right and below.
    tensors = (torch.from_numpy(a) for a in (values, weights, boxes - 0.5))
    theirs = process_mask_native(*tensors, size).numpy() > 0
    ours = drawn(runs, size)
    assert ours.shape == theirs.shape
    assert (ours != theirs).mean() < 1e-4 if count else True  # sums around 0 differ in their last digit


def test_a_tile_is_drawn_where_it_lies_in_the_image():
    values, weights, boxes = random_case(1, 20, (64, 64))
    prototypes = Prototypes(values, (64, 64), (1.0, 1.0), (0, 0))
    alone = drawn(prototypes.draw(weights, boxes, (0, 0, 64, 64), (64, 64)), (64, 64))
    placed = drawn(prototypes.draw(weights, boxes, (10, 30, 64, 64), (80, 100)), (80, 100))
    np.testing.assert_array_equal(placed[:, 10:74, 30:94], alone)
    assert placed.sum() == alone.sum()


def test_masks_do_not_depend_on_how_many_are_drawn_at_a_time(monkeypatch):
    values, weights, boxes = random_case(2, 30, (64, 64))
    prototypes = Prototypes(values, (64, 64), (1.0, 1.0), (0, 0))
    together = prototypes.draw(weights, boxes, (0, 0, 64, 64), (64, 64))
    monkeypatch.setattr(module, "_PIXELS_AT_A_TIME", 100)
    one_by_one = prototypes.draw(weights, boxes, (0, 0, 64, 64), (64, 64))
    np.testing.assert_array_equal(together.values, one_by_one.values)
    np.testing.assert_array_equal(together.starts, one_by_one.starts)


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ([3, 5, 4, 6], 1),  # one pixel
        ([3.1, 5.1, 3.4, 5.4], 0),  # no pixel's centre
        ([70, 5, 80, 9], 0),  # outside
        ([-9, -9, 3, 2], 6),  # the part inside
        ([9, 9, 5, 5], 0),  # inside out
        ([0, 0, 64, 64], 64 * 64),
    ],
)
def test_boxes_of_any_place_and_size_give_the_pixels_whose_centres_they_hold(box, pixels):
    prototypes = Prototypes(np.ones((1, 16, 16), np.float32), (64, 64), (1.0, 1.0), (0, 0))
    runs = prototypes.draw(np.ones((1, 1), np.float32), np.array([box], np.float32), (0, 0, 64, 64), (64, 64))
    mask = run_lengths_to_mask(runs.of(0), 64, 64)
    assert mask.sum() == pixels


def test_an_image_brought_to_another_size_in_a_margin_is_read_back():
    yy, xx = np.mgrid[:40, :40] * 4 + 2  # centres of the prototypes' pixels on a canvas of 160
    radius = np.hypot(yy - (20 + 2 * 30), xx - (12 + 2 * 25))
    prototypes = Prototypes((30 - radius)[None].astype(np.float32), (160, 160), (2.0, 2.0), (20, 12))
    box = np.array([[0, 0, 60, 60]], np.float32)
    runs = prototypes.draw(np.ones((1, 1), np.float32), box, (0, 0, 60, 60), (60, 60))
    mask = run_lengths_to_mask(runs.of(0), 60, 60)
    y, x = np.mgrid[:60, :60] + 0.5
    expected = np.hypot(y - 30, x - 25) < 15
    assert (mask & expected).sum() / (mask | expected).sum() > 0.97
