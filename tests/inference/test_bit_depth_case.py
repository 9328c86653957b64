"""A network trained on 8 bit finds the same cells in the same scene of any type, or its image carries a warning."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.analysis.training_range import check_image, summarise_images
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.imaging.reading import read_image
from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.trained_model import TrainedModel

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[2] / ".." / "shared" / "cases"))
CASE = CASES / "data" / "bit_depth"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.exhaustive,
    pytest.mark.skipif(not CASE.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder"),
]
CELLS = 8


def give(image):
    return image


def discs(seed):
    """Return a noisy 8-bit image of bright discs, annotated."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96]
    labels = np.zeros((96, 96), np.int32)
    for number in range(1, 9):
        disc = (rows - rng.uniform(9, 87)) ** 2 + (columns - rng.uniform(9, 87)) ** 2 <= rng.uniform(5, 8) ** 2
        if not labels[disc].any():
            labels[disc] = number
    image = np.clip(rng.normal(np.where(labels > 0, 180, 30), 5), 0, 255).astype(np.uint8)
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image(f"{seed}.png", width=96, height=96)
    for box, runs in zip(*labels_to_objects(labels)[1:], strict=True):
        builder.add_object(row, "cell", "mask", box, counts=runs)
    return LabelledImage(f"{seed}.png", partial(give, image), builder.build())


@pytest.fixture(scope="module", params=["percentile", "full_range"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    images = [discs(seed) for seed in range(10)]
    training = SegmentationTraining(
        NetworkSpec("resunet", options={"width": 4}), tiles=Tiles(96, 0, per_epoch=0), batch=4, epochs=15,
        learning_rate=0.01, colour="grey", monitor="val_loss", loss=Choice("dice"), augmentation=Augmentation(),
        normalisation=request.param, device="cpu",
    )  # fmt: skip
    content, _ = train_segmentation(training, images[:8], images[8:], folder)
    path = folder / "a.pt"
    path.write_bytes(content)
    seen = [UnitPixels(image.file(), colour="grey", normalisation=request.param).statistics() for image in images]
    return path, request.param, summarise_images(seen)


def _count(trained, arrays):
    (name,), (scores,) = trained.categories, unpack_scores(arrays)
    return len(trained.representation.decode(scores, trained.thresholds.classes[name]).scores)


def test_the_case(model):
    path, normalisation, training = model
    eight, deep = read_image(CASE / "f50_8bit.png"), read_image(CASE / "f50_12in16.tif")
    predictor, trained = create_predictor(path, device="cpu"), TrainedModel.open(path)
    found = {}
    for name, image in {"8": eight, "12 in 16": deep, "float": eight.astype(np.float32), "unit": eight / 255}.items():
        prediction = predictor.examine(image)
        warned = bool(check_image(prediction.statistics, training, normalisation))
        found[name] = (_count(trained, prediction.arrays), warned)
    assert found["8"] == found["unit"] == (CELLS, False)
    for name in ("12 in 16", "float"):
        count, warned = found[name]
        assert count == CELLS and not warned if normalisation == "percentile" else warned
