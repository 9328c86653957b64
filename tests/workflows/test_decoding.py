"""Cells of images that are predicted, stored and decoded by blocks are those of the whole image."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inference import blocks
from cell_pipelines.inference.blocks import block_arrays, cut_blocks
from cell_pipelines.inference.predictor import pack_scores
from cell_pipelines.inference.stored import write_arrays
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows import image_scoring
from cell_pipelines.workflows.counting import find_cells
from cell_pipelines.workflows.decoding import decode_stored
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel

OVERLAP = 40


def field(shape, seed):
    """Cells of radius 5 to 9 at random places, many of which touch."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number in range(1, 161):
        row, column, radius = random.integers(0, shape[0]), random.integers(0, shape[1]), random.integers(5, 10)
        labels[((rows - row) ** 2 + (columns - column) ** 2 <= radius**2) & (labels == 0)] = number
    return labels


@dataclass(frozen=True)
class Whole:
    """An image of which only the shape is asked for."""

    shape: tuple[int, int]
    channels: int = 1


def model_with(representation, classes):
    thresholds = Thresholds(dict.fromkeys(classes, Threshold(0.5, 4.0, 4.0)), decoded=True)
    return TrainedModel(Path("m.pt"), "segmentation", tuple(classes), thresholds, MappingProxyType({}), representation)


def store(model, labels, folder, size):
    """Store what a perfect network would put out, for the whole image and by blocks."""
    representation = model.representation
    outputs = [representation.encode(one) for one in labels]
    shape = labels[0].shape

    def predict(part):
        row, column, height, width = part.window
        stride = representation.stride
        window = (
            slice(row // stride, -(-(row + height) // stride)),
            slice(column // stride, -(-(column + width) // stride)),
        )
        return [representation.join([representation.reduce(one[:, *window])], (height, width)) for one in outputs]

    whole, parts = folder / "whole.npz", folder / "blocks.npz"
    scores = [representation.join([representation.reduce(one)], shape) for one in outputs]
    write_arrays(pack_scores(scores), size, whole)
    cut = cut_blocks(shape, overlap=OVERLAP, stride=8)
    write_arrays(block_arrays(cut, Whole(shape), predict), size, parts)
    return len(cut), decode_stored(model, whole), decode_stored(model, parts)


def as_set(cells):
    return sorted(
        (kind, mask.tobytes(), tuple(box), float(score))
        for kind, mask, box, score in zip(cells.category, cells.masks, cells.boxes, cells.scores, strict=True)
    )


@pytest.mark.parametrize("zoom", [1, 1.6, 0.7])
@pytest.mark.parametrize("name", sorted(name for name in REPRESENTATIONS if create_representation(name).is_scored))
def test_cells_by_blocks_are_those_of_the_whole_image_whatever_its_scale(name, zoom, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_SIDE", 0)  # as small as the overlap allows
    shape = (330, 410)
    size = (round(shape[0] * zoom), round(shape[1] * zoom))
    model = model_with(create_representation(name), ["red", "blue"])
    count, (whole_size, whole), (size_by_blocks, by_blocks) = store(
        model, [field(shape, 1), field(shape, 2)], tmp_path, size
    )
    assert count == 6 and whole_size == size_by_blocks == size
    assert len(whole.category) > 150 and (np.diff(by_blocks.category) >= 0).all()
    assert as_set(by_blocks) == as_set(whole)


def test_an_image_without_cells_has_none_by_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_SIDE", 0)
    model = model_with(create_representation("binary"), ["cell"])
    _, _, (_, by_blocks) = store(model, [np.zeros((300, 300), np.int32)], tmp_path, (300, 300))
    assert by_blocks.boxes.shape == (0, 4) and by_blocks.masks == []


def test_cores_of_blocks_cover_each_pixel_once():
    for shape in [(100, 90), (5000, 9001), (4096, 12_345)]:
        covered = np.zeros(shape, np.int8)
        for block in cut_blocks(shape, overlap=64, stride=32):
            (top, left, *_), (row, column, height, width) = block.window, block.core
            covered[top + row : top + row + height, left + column : left + column + width] += 1
        assert (covered == 1).all()


def test_an_image_larger_than_memory_has_the_counts_of_the_same_image_at_once(tmp_path, monkeypatch):
    scene = NucleiScene(height=700, width=640, cells=220, mean_radius_px=10.0, clumping=0.3, noise=0.5, debris=0.0)
    write_image(simulate_nuclei(scene, seed=3).image, tmp_path / "images" / "a.tif")
    images, model = {"a.tif": ImageFile(tmp_path / "images" / "a.tif")}, TrainedModel.open("nuclei")
    inference = InferenceParameters(diameter_px=20, tile=256)
    at_once = find_cells(images, model, tmp_path / "scores", inference, PredictionParameters()).annotations
    monkeypatch.setattr(image_scoring, "_MOST_PIXELS", 1000)
    monkeypatch.setattr(blocks, "_SIDE", 0)
    found = find_cells(images, model, tmp_path / "other", inference, PredictionParameters())
    by_blocks = found.annotations
    with np.load(tmp_path / "other" / found.scores.loc[0, "file"]) as stored:
        assert len(stored["blocks"]) >= 4
    assert at_once.n_objects > 150
    # Tiles lie elsewhere, so single pixels may differ.
    assert abs(by_blocks.n_objects - at_once.n_objects) <= 1
    assert by_blocks.images.to_pylist()[0]["height"] == 700
