import numpy as np
import pytest
import torch

from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation, Movement, change_intensities, draw_movement
from cell_pipelines.training.segmentation.previews import draw_tiles
from cell_pipelines.training.segmentation.resizing import median_diameter_px, size_for_diameter
from cell_pipelines.training.segmentation.samples import LabelledImage, Preparation, prepare_sample
from cell_pipelines.training.segmentation.settings import SegmentationTraining, Tiles


def square(shape, *places, side=10):
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(places, start=1):
        labels[row : row + side, column : column + side] = number
    return labels


def test_the_median_cell_of_each_image_gets_the_diameter(make_annotation):
    labels = square((60, 90), (5, 5), (30, 30))
    image = np.where(labels > 0, 200, 20).astype(np.uint8)
    annotation = make_annotation("a.png", {"cell": labels})
    found = median_diameter_px(annotation, np.ones(2, bool))
    assert found == pytest.approx(2 * np.sqrt(100 / np.pi))
    preparation = Preparation(("cell",), "grey", "percentile", cell_diameter_px=2 * found)
    sample = prepare_sample(LabelledImage("a.png", lambda: image, annotation), preparation)
    assert sample.image.shape == (120, 180, 1)
    assert np.bincount(sample.labels.ravel())[1:] == pytest.approx([400, 400], rel=0.05)


def test_tiles_that_are_shown_are_rescaled_as_those_of_the_training(make_annotation):
    labels = square((60, 90), (5, 5), (30, 30))
    annotation = make_annotation("a.png", {"cell": labels})
    image = LabelledImage("a.png", lambda: np.where(labels > 0, 200, 20).astype(np.uint8), annotation)
    settings = SegmentationTraining(
        network=NetworkSpec("resunet"), categories=("cell",), tiles=Tiles(64, 0, jitter=False),
        augmentation=Augmentation(), cell_diameter_px=40 / np.sqrt(np.pi),
    )  # fmt: skip
    tiles = draw_tiles(settings, [image], 8)
    assert max(np.bincount(shown.ravel())[1:].max() for _, shown in tiles if shown.any()) == pytest.approx(
        400, rel=0.05
    )


def test_cells_that_the_border_cuts_tell_no_size_where_others_do(make_annotation):
    annotation = make_annotation("a.png", {"cell": square((60, 90), (30, 30))})
    with_cut = np.where(square((60, 90), (30, 30)) > 0, 3, 0).astype(np.int32)
    with_cut[:3, 5:15], with_cut[:3, 25:35] = 1, 2
    cut = make_annotation("a.png", {"cell": with_cut})
    assert median_diameter_px(cut, np.ones(3, bool)) == median_diameter_px(annotation, np.ones(1, bool))


def test_an_image_without_cells_keeps_its_size(make_annotation):
    empty = make_annotation("a.png", {"cell": np.zeros((40, 50), np.int32)})
    assert median_diameter_px(empty, np.zeros(0, bool)) is None
    assert size_for_diameter(empty, np.zeros(0, bool), 20) == (40, 50)


def test_dark_and_bright_change_places_in_the_share_asked_for_and_nothing_else_is_drawn_anew():
    plain, inverting = Augmentation(brightness=0.3), Augmentation(brightness=0.3, inversion=0.5, gamma=0.5)
    drawn = [[draw_movement(one, 32, np.random.default_rng(seed)) for seed in range(200)] for one in (plain, inverting)]
    assert [one.brightness for one in drawn[0]] == [one.brightness for one in drawn[1]]
    assert 60 < sum(one.inverted for one in drawn[1]) < 140 and not any(one.inverted for one in drawn[0])
    assert all(1 / 1.5 <= one.power <= 1.5 for one in drawn[1]) and {one.power for one in drawn[0]} == {1.0}


def test_inversion_and_gamma_are_those_of_the_movement():
    image, generator = torch.tensor([[[0.0, 0.25, 1.0]]]), np.random.default_rng(0)
    assert change_intensities(image, Movement(inverted=True), generator).flatten().tolist() == [1.0, 0.75, 0.0]
    assert change_intensities(image, Movement(power=0.5), generator).flatten().tolist() == [0.0, 0.5, 1.0]
