r"""Train star-convex polygons for some epochs on few images and print how well they find the others' cells.

    OMP_NUM_THREADS=1 python benchmarks/star_learning.py bbbc039 --epochs 7 --change '{"stride": 1, "batch": 8}'
    OMP_NUM_THREADS=1 python benchmarks/star_learning.py --steps

The first trains on 8 images drawn by the seed, chooses the epoch on 2, and evaluates the rest by StarDist's own matching at
four thresholds, with the least area that the training images give. `--change` holds settings of `RECIPE`. Minutes are
those of the processor. The second prints what a training step of 8 tiles of 256 px costs.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.draw import ellipse
from stardist.matching import matching_dataset
from starter import SETS, Images, read_set
from starter_fine_tuning import labelled

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.losses.registry import create_loss
from cell_pipelines.models.complexity import measure_complexity
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.representations.star import Star
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.trained_model import TrainedModel

#: The model `stardist` of the study dsb2018.
RECIPE: dict[str, Any] = {
    "architecture": "unet", "encoder": "resnet18", "stride": 2, "batch": 4, "optimizer": "adamw",
    "options": {"encoder_depth": 4, "decoder_channels": [128, 64, 32, 32]}, "learning_rate": 0.002,
    "weight_decay": 0.01, "schedule": "one_cycle",
}  # fmt: skip
AUGMENTATION = Augmentation(
    rotation_degrees=180, rotation_probability=0.5, horizontal_flip=0.5, vertical_flip=0.5, zoom_from=0.8,
    zoom_to=1.25, zoom_probability=0.5, brightness=0.3, noise=0.03, noise_probability=0.5,
)  # fmt: skip
THRESHOLDS = (0.3, 0.4, 0.5, 0.6)


def settings(change: dict[str, Any], epochs: int, seed: int) -> SegmentationTraining:
    """Return the settings of a training: the recipe with some changes."""
    recipe = {**RECIPE, **change}
    network = NetworkSpec(recipe["architecture"], recipe["encoder"], options=recipe["options"])
    kept = {name: recipe[name] for name in ("batch", "optimizer", "learning_rate", "weight_decay")}
    return SegmentationTraining(
        network=network, colour="grey", representation=Choice("star", {"n_rays": 32, "stride": recipe["stride"]}),
        loss=Choice("star"), tiles=Tiles(256, 0, per_epoch=64), augmentation=AUGMENTATION, monitor="val_loss",
        schedule=Schedule(recipe["schedule"]), samples_every=0, epochs=epochs, seed=seed, **kept,
    )  # fmt: skip


def evaluate(path: Path, images: Images) -> list[tuple[float, ...]]:
    """Return threshold, F1 at IoU 0.5 and 0.7, panoptic quality, mean absolute count error and bias."""
    model, predictor = TrainedModel.open(path), create_predictor(path)
    assert model.representation is not None
    decoding = model.thresholds.classes[model.categories[0]]
    stored = [unpack_scores(predictor.predict(image))[0] for _, image, _ in images]
    truth = [labels.astype(np.int32) for _, _, labels in images]
    rows = []
    for score in THRESHOLDS:
        found = [model.representation.decode(one, replace(decoding, score=score)).labels for one in stored]
        half, strict = (matching_dataset(truth, found, thresh=iou, show_progress=False) for iou in (0.5, 0.7))
        errors = np.array([len(np.unique(a)) - len(np.unique(b)) for a, b in zip(found, truth, strict=True)])
        rows.append((score, half.f1, strict.f1, half.panoptic_quality, np.abs(errors).mean(), errors.mean()))
    return rows


def learn(chosen: argparse.Namespace) -> None:
    """Train, evaluate and print."""
    images = read_set(chosen.images, "all")
    order = np.random.default_rng(chosen.seed).permutation(len(images))
    drawn = [images[place] for place in order]
    train, val, test = drawn[: chosen.train], drawn[chosen.train : chosen.train + 2], drawn[chosen.train + 2 :]
    training = settings(json.loads(chosen.change), chosen.epochs, chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        model, _ = train_segmentation(training, labelled(train), labelled(val), Path(folder) / "work")
        print(f"{(time.process_time() - began) / 60:.2f} minutes of the processor")
        path = Path(folder) / "model.pt"
        path.write_bytes(model)
        rows = evaluate(path, test)
    print("threshold  F1@.5  F1@.7  PQ     MAE    bias")
    for row in rows:
        print(f"{row[0]:9}  {row[1]:.3f}  {row[2]:.3f}  {row[3]:.3f}  {row[4]:.1f}  {row[5]:+.1f}")


def count_steps() -> None:
    """Print the processor time of a step and of its targets, and what a network costs."""
    generator, labels = np.random.default_rng(0), np.zeros((256, 256), np.int32)
    for label in range(1, 60):
        pixels = ellipse(*generator.uniform(0, 256, 2), *generator.uniform(7, 13, 2), shape=labels.shape)
        if not labels[pixels].any():
            labels[pixels] = label
    Star().encode(labels)
    for name, encoder, options in (
        ("unet", "resnet18", RECIPE["options"]),
        ("resunet", None, {}),
        ("stardist_unet", None, {}),
    ):
        for stride in (1, 2):
            network = create_network(NetworkSpec(name, encoder, 1, 33, stride, options=options)).train()
            network = network.to(memory_format=torch.channels_last)
            began = time.process_time()
            target = torch.from_numpy(np.stack([Star(stride=stride).encode(labels) for _ in range(8)]))
            targets = time.process_time() - began
            step, flops = time_step(network, target), measure_complexity(network, (1, 1, 256, 256)).flops
            print(f"{name}, stride {stride}: {step:.2f} s, targets {targets:.2f} s, {flops / 1e9:.1f} GFLOPs a tile")


def time_step(network: torch.nn.Module, target: torch.Tensor) -> float:
    """Return the least processor time of three steps after one that warms up."""
    optimizer, loss = torch.optim.AdamW(network.parameters(), lr=1e-3), create_loss("star")
    images, times = torch.rand(8, 1, 256, 256).contiguous(memory_format=torch.channels_last), []
    for _ in range(4):
        began = time.process_time()
        optimizer.zero_grad()
        loss(network(images), target, None).backward()
        optimizer.step()
        times.append(time.process_time() - began)
    return min(times[1:])


def main() -> None:
    """Train once, or time steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", choices=SETS, default="bbbc039")
    parser.add_argument("--train", type=int, default=8, help="images to learn from")
    parser.add_argument("--epochs", type=int, default=13)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--change", default="{}", help="settings of the recipe as JSON")
    parser.add_argument("--steps", action="store_true", help="time steps instead")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.steps:
        count_steps()
    else:
        learn(chosen)


if __name__ == "__main__":
    main()
