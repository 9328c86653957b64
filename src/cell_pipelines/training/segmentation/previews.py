"""Tiles as a segmentation network will see them, to be looked at before hours are spent on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.registry import create_representation
from cell_pipelines.training.segmentation.samples import LabelledImage, Preparation, prepare_samples
from cell_pipelines.training.segmentation.settings import SegmentationTraining
from cell_pipelines.training.segmentation.tile_dataset import Cutting, Draw, TileDataset


def draw_tiles(
    training: SegmentationTraining, images: Sequence[LabelledImage], count: int
) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]]:
    """Return some tiles of the first epoch, at random from a few images.

    Args:
        training: How tiles are cut and varied.
        images: Training images.
        count: Tiles, and most images that are read.

    Returns:
        For each tile the image (S, S, C) in [0, 1] and the labels (K, S, S) of its categories.
    """
    generator = np.random.default_rng(training.seed)
    some = sorted(generator.choice(len(images), min(count, len(images)), replace=False).tolist())
    categories = training.categories or ()
    preparation = Preparation(
        categories,
        training.colour,
        training.normalisation,
        resize=training.resize,
        cell_diameter_px=training.cell_diameter_px,
    )
    samples = prepare_samples([images[i] for i in some], preparation)
    representation: Any = create_representation(training.representation.name, **training.representation.options)
    tiles = training.tiles
    cutting = Cutting(
        tiles.size, tiles.overlap, jitter=tiles.jitter, augmentation=training.augmentation, seed=training.seed
    )
    dataset = TileDataset(samples, representation, cutting)
    chosen = np.resize(generator.permutation(len(dataset)), count).tolist()
    cuts = [dataset.cut(Draw(tile, 0, number)) for number, tile in enumerate(chosen)]
    return [(image.numpy().transpose(1, 2, 0), labels.numpy()) for image, labels, _ in cuts]
