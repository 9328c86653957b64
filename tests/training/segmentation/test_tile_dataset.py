import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.training.segmentation import tile_dataset
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import Preparation, prepare_sample
from cell_pipelines.training.segmentation.tile_dataset import Cutting, Draw, TileDataset, ValidationDataset, cut_window

BINARY = create_representation("binary")


@pytest.fixture
def sample(make_image):
    return prepare_sample(make_image(0, shape=(50, 70)), Preparation(("cell",), "grey"))


def test_tiles_without_augmentation_are_windows_of_the_image(sample):
    dataset = TileDataset([sample], BINARY, Cutting(32, jitter=False))
    covered = np.zeros((50, 70), bool)
    for number, tile in enumerate(dataset.tiles):
        item = dataset[Draw(number, 0, number)]
        window = (slice(tile.row, tile.row + 32), slice(tile.column, tile.column + 32))
        covered[window] = True
        np.testing.assert_allclose(item["image"][0].numpy() * 255, sample.image[*window, 0], atol=1e-4)
        np.testing.assert_array_equal(item["target"][0, 0].numpy() > 0, sample.labels[0][window] > 0)
        assert (item["weights"] == 1).all()
        assert item["tile"] == number
    assert covered.all()


@settings(max_examples=40, deadline=None)
@given(st.integers(-90, 90), st.integers(-90, 90), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9))
def test_beyond_the_image_it_is_mirrored_without_weight(row, column, side, height, width):
    from cell_pipelines.annotations.schema import OBJECT_SCHEMA
    from cell_pipelines.training.segmentation.samples import Sample

    image = np.arange(height * width, dtype=np.float32).reshape(height, width, 1)
    labels = image[None, ..., 0].astype(np.uint16) + 1
    sample = Sample("a", image, labels, np.ones_like(labels, bool), OBJECT_SCHEMA.empty_table(), np.zeros(0, np.int64))
    pixels, maps, weights = cut_window(sample, (row, column, side, side))
    padded = np.pad(image[..., 0], 200, mode="reflect")[200 + row :, 200 + column :][:side, :side]
    np.testing.assert_array_equal(pixels[..., 0], padded)
    there = np.pad(np.ones((height, width)), 200)[200 + row :, 200 + column :][:side, :side]
    np.testing.assert_array_equal(weights[0], there)
    np.testing.assert_array_equal(maps[0] > 0, there > 0)


def test_a_small_image_is_filled_up_without_weight(make_image):
    sample = prepare_sample(make_image(0, shape=(20, 30), count=2), Preparation(("cell",), "grey"))
    dataset = TileDataset([sample], BINARY, Cutting(64, augmentation=Augmentation(rotation_degrees=180)))
    for number in range(5):
        item = dataset[Draw(0, 0, number)]
        assert item["image"].shape == (1, 64, 64)
        assert 0.8 * 600 < int((item["weights"] > 0).sum()) < 1.2 * 600
        assert not item["target"][0, 0][item["weights"][0] == 0].any()


def test_a_tile_follows_from_its_draw_alone(sample):
    cutting = Cutting(32, augmentation=Augmentation(rotation_degrees=90, noise=0.1, elastic_px=2, shift=0.1))
    first, second = (TileDataset([sample], BINARY, cutting) for _ in range(2))
    second[Draw(1, 3, 9)]
    for a, b in zip(first.cut(Draw(0, 1, 2)), second.cut(Draw(0, 1, 2)), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.cut(Draw(0, 1, 2))[0], first.cut(Draw(0, 2, 2))[0])


def test_jitter_stays_inside_the_image(sample):
    dataset = TileDataset([sample], BINARY, Cutting(32))
    starts = {tuple(dataset.cut(Draw(0, 0, number))[0][0, 0, :4].tolist()) for number in range(8)}
    assert len(starts) > 1
    assert all((dataset.cut(Draw(tile, 0, 0))[2] == 1).all() for tile in range(len(dataset)))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_target_is_that_of_the_moved_labels(name, sample):
    representation = create_representation(name)
    dataset = TileDataset([sample], representation, Cutting(32, augmentation=Augmentation(rotation_degrees=180)))
    item, (_, labels, _) = dataset[Draw(0, 0, 5)], dataset.cut(Draw(0, 0, 5))
    np.testing.assert_array_equal(item["target"][0].numpy(), representation.encode(labels[0].numpy()))
    assert item["target"].dtype == torch.float32


def test_validation_counts_every_pixel_once_also_in_parts(sample, monkeypatch):
    whole = ValidationDataset([sample], BINARY)
    assert len(whole) == 1
    assert whole[0]["weights"].sum() == 50 * 70
    monkeypatch.setattr(tile_dataset, "MAX_WHOLE_PIXELS", 900)
    monkeypatch.setattr(tile_dataset, "_MARGIN", 7)
    parts = ValidationDataset([sample], BINARY, devices=4)
    assert len(parts) % 4 == 0
    items = [parts[number] for number in range(len(parts))]
    assert sum(item["counts"] * float(item["weights"].sum()) for item in items) == 50 * 70
    cells = sum(item["counts"] * float((item["target"][0, 0] * item["weights"][0]).sum()) for item in items)
    assert cells == np.count_nonzero(sample.labels)
