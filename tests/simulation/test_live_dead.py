"""Tests of simulated live-dead fields: exact annotation, whatever the scene."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.simulation.live_dead import LiveDeadField, LiveDeadScene, simulate_live_dead

SCENES = {
    "default": LiveDeadScene(),
    "crowded": LiveDeadScene(height=200, width=333, cells=400, mean_radius_px=8.0, clumping=0.9, dead_fraction=0.6),
    "tiny cells": LiveDeadScene(cells=300, mean_radius_px=3.0, radius_spread=0.5, dead_fraction=0.5),
    "huge cells": LiveDeadScene(height=64, width=48, cells=6, mean_radius_px=40.0, clumping=1.0, dead_fraction=0.5),
    "one dead cell": LiveDeadScene(height=16, width=16, cells=1, mean_radius_px=5.0, dead_fraction=1.0),
    "nothing": LiveDeadScene(height=90, width=70, cells=0),
}


@pytest.fixture(params=SCENES, scope="module")
def field(request: pytest.FixtureRequest) -> LiveDeadField:
    return simulate_live_dead(SCENES[request.param], seed=7)


def found_boxes(labels: np.ndarray) -> np.ndarray:
    boxes = [[cols.start, rows.start, cols.stop, rows.stop] for rows, cols in ndimage.find_objects(labels)]
    return np.array(boxes, dtype=float).reshape(-1, 4)


def same(first: LiveDeadField, second: LiveDeadField) -> bool:
    names = [part.name for part in fields(first)]
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)


def test_boxes_bound_the_labels_exactly(field: LiveDeadField) -> None:
    assert np.array_equal(field.blue_boxes, found_boxes(field.blue_labels))
    assert np.array_equal(field.red_boxes, found_boxes(field.red_labels))


def test_ids_run_without_a_gap(field: LiveDeadField) -> None:
    for labels, boxes in ((field.blue_labels, field.blue_boxes), (field.red_labels, field.red_boxes)):
        assert np.array_equal(np.unique(labels[labels > 0]), np.arange(1, len(boxes) + 1))


def test_shapes_and_types_are_as_promised(field: LiveDeadField) -> None:
    assert field.blue.shape == field.red.shape == field.blue_labels.shape == field.red_labels.shape
    assert field.blue.dtype == field.red.dtype == np.uint8
    assert field.blue_labels.dtype == field.red_labels.dtype == np.int32
    assert field.blue_boxes.dtype == field.red_boxes.dtype == np.float64
    assert field.dead.dtype == np.bool_ and field.dead.shape == (len(field.blue_boxes),)
    assert field.red_nucleus.shape == (len(field.red_boxes),)


def test_the_red_cells_are_the_dead_nuclei(field: LiveDeadField) -> None:
    assert np.array_equal(field.red_nucleus, np.flatnonzero(field.dead) + 1)


def test_each_red_cell_overlaps_its_blue_nucleus(field: LiveDeadField) -> None:
    for red, blue in enumerate(field.red_nucleus, 1):
        assert np.any((field.red_labels == red) & (field.blue_labels == blue))


def test_a_red_cell_lies_less_than_two_pixels_from_its_nucleus() -> None:
    scene = LiveDeadScene(height=600, width=600, cells=60, clumping=0.0, dead_fraction=1.0)
    field = simulate_live_dead(scene, seed=0)
    inside = np.all((field.blue_boxes > 3) & (field.blue_boxes < 597), axis=1)
    away = (field.blue_boxes - field.red_boxes)[inside]
    assert inside.sum() > 40 and np.abs(away).max() <= 3.0  # 2 px and rounding to whole pixels


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert same(simulate_live_dead(LiveDeadScene(), 3), simulate_live_dead(LiveDeadScene(), 3))


def test_different_seeds_give_different_fields() -> None:
    first, second = (simulate_live_dead(LiveDeadScene(), seed) for seed in (3, 4))
    assert not np.array_equal(first.blue, second.blue)
    assert not np.array_equal(first.blue_labels, second.blue_labels)


def test_the_camera_does_not_move_the_cells() -> None:
    plain = simulate_live_dead(LiveDeadScene(), 3)
    other = simulate_live_dead(LiveDeadScene(noise=3.0, background=0.3, bit_depth=16, debris=0.0), 3)
    assert np.array_equal(plain.blue_labels, other.blue_labels)
    assert np.array_equal(plain.red_boxes, other.red_boxes)


def test_sixteen_bits_show_the_same_picture_more_finely() -> None:
    fine, coarse = (simulate_live_dead(LiveDeadScene(bit_depth=bits), 3).blue for bits in (16, 8))
    assert fine.dtype == np.uint16
    assert np.allclose(fine / 257.0, coarse, atol=0.51)


def test_no_cells_leave_a_noisy_background_in_both_channels() -> None:
    field = simulate_live_dead(LiveDeadScene(cells=0), seed=0)
    for image in (field.blue, field.red):
        assert 10 < image.mean() < 40 and 0.5 < image.std() < 10
    assert field.blue_boxes.shape == field.red_boxes.shape == (0, 4)
    assert not field.blue_labels.any() and field.dead.shape == (0,)


def test_thousands_of_cells_fit_into_a_large_field() -> None:
    scene = LiveDeadScene(height=1000, width=1200, cells=3000, mean_radius_px=6.0)
    field = simulate_live_dead(scene, seed=0)
    assert len(field.blue_boxes) > 2950
    assert np.array_equal(field.blue_boxes, found_boxes(field.blue_labels))


@pytest.mark.parametrize("dead_fraction", [0.0, 0.2, 0.75, 1.0])
def test_the_dead_fraction_is_about_right(dead_fraction: float) -> None:
    scene = LiveDeadScene(height=700, width=700, cells=1000, mean_radius_px=6.0, dead_fraction=dead_fraction)
    dead = simulate_live_dead(scene, seed=0).dead
    assert len(dead) > 950
    assert dead.mean() == pytest.approx(dead_fraction, abs=0.05)


def test_cells_are_brighter_than_the_background_around_them() -> None:
    field = simulate_live_dead(LiveDeadScene(height=500, width=500, cells=60, unevenness=0.0), seed=1)
    for image, labels in ((field.blue, field.blue_labels), (field.red, field.red_labels)):
        means = ndimage.mean(image, labels, index=np.arange(1, labels.max() + 1))
        assert np.all(means > image[labels == 0].mean() + image[labels == 0].std())


def test_live_nuclei_bleed_weakly_into_the_red_channel() -> None:
    scene = LiveDeadScene(dead_fraction=0.0, bleed_through=0.1, unevenness=0.0, vignetting=0.0)
    field = simulate_live_dead(scene, seed=2)
    cells = field.blue_labels > 0
    blue, red = (image[cells].mean() - image[~cells].mean() for image in (field.blue, field.red))
    assert red == pytest.approx(0.1 * blue, rel=0.2)
    without = simulate_live_dead(replace(scene, bleed_through=0.0), seed=2).red
    assert without[cells].mean() == pytest.approx(without[~cells].mean(), rel=0.03)


def test_a_scene_tells_all_that_is_wrong_with_it() -> None:
    with pytest.raises(ValueError) as error:
        LiveDeadScene(cells=-1, dead_fraction=1.5, noise=float("nan"))
    assert str(error.value) == (
        "`cells` must be a whole number from 0 to 100000, got -1. "
        "`dead_fraction` must be a number from 0 to 1, got 1.5. "
        "`noise` must be a number from 0.001 to 10, got nan."
    )


def test_a_seed_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="`seed` must be a whole number from 0 to .*, got -1"):
        simulate_live_dead(LiveDeadScene(), seed=-1)


@pytest.mark.parametrize("wrong", [{"height": 100.5}, {"cells": True}, {"clumping": "much"}, {"bit_depth": 12}])
def test_a_scene_refuses_what_is_not_a_fitting_number(wrong: dict) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^`{name}` must be .*, got "):
        LiveDeadScene(**wrong)
