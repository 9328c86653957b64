import numpy as np
import pytest
import torch

from cell_pipelines.training.segmentation.augmentation import (
    Augmentation,
    Movement,
    change_intensities,
    draw_movement,
    move_tile,
)

EVERYTHING = Augmentation(
    rotation_degrees=180, horizontal_flip=0.5, vertical_flip=0.5, zoom_from=0.7, zoom_to=1.5, shift=0.2,
    elastic_px=4, noise=0.1, brightness=0.3,
)  # fmt: skip


def moved(movement, size=32, channels=1):
    """Move an image that shows its own labels: bright in the cell, on a ground of 0."""
    side = movement.side(size)
    rows, columns = np.mgrid[:side, :side] - side / 2
    labels = torch.from_numpy(((rows - 3) ** 2 + (columns + 5) ** 2 < 60).astype(np.int32))[None]
    image = labels.float().expand(channels, side, side).contiguous()
    return move_tile(image, labels, torch.ones(1, side, side), movement, size)


def test_as_it_stands_nothing_happens():
    movement = draw_movement(Augmentation(), 16, np.random.default_rng(0))
    assert movement.side(16) == 16
    image = torch.rand(2, 16, 16)
    labels, weights = torch.randint(0, 5, (1, 16, 16), dtype=torch.int32), torch.rand(1, 16, 16)
    for before, after in zip((image, labels, weights), move_tile(image, labels, weights, movement, 16), strict=True):
        torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert change_intensities(image, movement, np.random.default_rng(0)) is image


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(6))
def test_image_and_labels_move_alike(seed, channels):
    movement = draw_movement(EVERYTHING, 32, np.random.default_rng(seed))
    image, labels, weights = moved(movement, channels=channels)
    assert image.shape == (channels, 32, 32)
    assert labels.dtype == torch.int32
    assert set(labels.unique().tolist()) <= {0, 1}
    # Read between pixels the image differs from its labels on the outline only, by half a pixel at most.
    assert (((image > 0.5) != (labels > 0)).float().mean()) < 0.01
    assert (weights > 0).all(), "the window is large enough to fill the tile"


def test_a_quarter_turn_is_that_of_numpy():
    movement = Movement(angle=90)
    labels = torch.arange(16 * 16, dtype=torch.int32).reshape(1, 16, 16)
    side = movement.side(16)
    margin = (side - 16) // 2
    padded = torch.nn.functional.pad(labels, (margin,) * 4)
    image, turned, _ = move_tile(padded.float(), padded, torch.ones(1, side, side), movement, 16)
    np.testing.assert_array_equal(turned[0].numpy(), np.rot90(labels[0].numpy(), -1))
    np.testing.assert_allclose(image[0].numpy(), np.rot90(labels[0].numpy(), -1), atol=1e-2)


def test_flips_are_those_of_numpy():
    labels = torch.arange(64, dtype=torch.int32).reshape(1, 8, 8)
    for flips, expected in (((True, False), labels.flip(1)), ((False, True), labels.flip(2))):
        _, flipped, _ = move_tile(labels.float(), labels, torch.ones(1, 8, 8), Movement(flips=flips), 8)
        torch.testing.assert_close(flipped, expected)


def test_zooming_in_makes_cells_larger_by_its_square():
    _, small, _ = moved(Movement())
    _, large, _ = moved(Movement(zoom=1.5))
    assert large.sum() / small.sum() == pytest.approx(2.25, rel=0.1)


def test_bending_moves_no_pixel_further_than_allowed():
    augmentation = Augmentation(elastic_px=5, elastic_wavelength_px=8)
    movement = draw_movement(augmentation, 64, np.random.default_rng(3))
    side = movement.side(64)
    columns = torch.arange(side, dtype=torch.float32).expand(1, side, side).contiguous()
    image, _, _ = move_tile(columns, columns.int(), torch.ones(1, side, side), movement, 64)
    margin = (side - 64) // 2
    difference = (image[0] - columns[0, margin:-margin, margin:-margin]).abs()
    assert 0.5 < difference.max() <= 5.5


def test_the_same_seed_gives_the_same_and_another_something_else():
    tiles = [
        change_intensities(moved(movement)[0], movement, np.random.default_rng(1))
        for movement in (draw_movement(EVERYTHING, 32, np.random.default_rng(s)) for s in (4, 4, 5))
    ]
    torch.testing.assert_close(tiles[0], tiles[1], rtol=0, atol=0)
    assert not torch.equal(tiles[0], tiles[2])


def test_nothing_is_drawn_from_the_global_generator():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    movement = draw_movement(EVERYTHING, 32, np.random.default_rng(0))
    change_intensities(moved(movement)[0], movement, np.random.default_rng(0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_intensities_stay_between_0_and_1_and_noise_is_as_large_as_asked():
    image = torch.full((3, 100, 100), 0.5)
    noisy = change_intensities(image, Movement(noise=0.1), np.random.default_rng(0))
    assert float((noisy - 0.5).std()) == pytest.approx(0.1, rel=0.05)
    bright = change_intensities(image, Movement(brightness=3), np.random.default_rng(0))
    assert float(bright.max()) == 1


def test_probabilities_are_kept():
    augmentation = Augmentation(rotation_degrees=90, rotation_probability=0.25, vertical_flip=0.5)
    drawn = [draw_movement(augmentation, 8, np.random.default_rng(seed)) for seed in range(2000)]
    assert np.mean([m.angle != 0 for m in drawn]) == pytest.approx(0.25, abs=0.04)
    assert np.mean([m.flips[0] for m in drawn]) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    ("options", "name"),
    [({"rotation_probability": 2}, "rotation_probability"), ({"zoom_from": 2}, "zoom_from"),
     ({"noise": -1}, "noise"), ({"brightness": float("nan")}, "brightness")],
)  # fmt: skip
def test_what_can_t_be_is_refused(options, name):
    with pytest.raises(ValueError, match=name):
        Augmentation(**options)
