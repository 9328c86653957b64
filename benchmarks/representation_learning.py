r"""Train a network for some epochs with each representation and print how well it finds the cells of other images.

    OMP_NUM_THREADS=1 python benchmarks/representation_learning.py flows star --images dsb2018 --epochs 15 --csv each.csv
    OMP_NUM_THREADS=1 python benchmarks/representation_learning.py star --change '{"batch": 8, "precision": "float32"}'
    OMP_NUM_THREADS=1 python benchmarks/representation_learning.py --round-trip --images dsb2018
    OMP_NUM_THREADS=1 python benchmarks/representation_learning.py --steps

Images are those of the set's own split, or `--train` of all, drawn by the seed, then two for validation, and the rest.
Cells are found at the default thresholds, at those that the threshold search chooses on the validation images, and once
more with test-time augmentation at the default ones. `--change` holds settings of `RECIPE`. Intervals are 95 % bootstrap
intervals over images; minutes are those of the processor. `--round-trip` decodes the targets of all true cells, as a network
without errors would give them, at the default threshold without a least area. The last prints what a training step of 8 tiles of 256 px costs
with stars.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from skimage.draw import ellipse
from stardist.matching import matching, matching_dataset
from starter import SETS, Images, read_set
from starter_fine_tuning import labelled

from cell_pipelines.analysis.evaluation.map_thresholds import Candidates, count_at_thresholds, search
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.losses.registry import create_loss
from cell_pipelines.metrics.intervals import ratio_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.models.complexity import measure_complexity
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.representations.star import Star
from cell_pipelines.thresholds import Threshold
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.trained_model import TrainedModel

_BORDER = Choice("border", {"w0": 5.0, "sigma_px": 5.0})
#: Representation, loss, weights and last width of the decoder, as the study dsb2018 has them.
KINDS: dict[str, tuple[Choice, Choice, Choice, int]] = {
    "binary": (Choice("binary", {"shrink_px": 1}), Choice("combo"), _BORDER, 16),
    "three_class": (Choice("three_class"), Choice("cross_entropy_dice"), _BORDER, 16),
    "distance": (Choice("distance", {"most_pass": 0.9}), Choice("weighted_bce"), Choice("none"), 16),
    "star": (Choice("star", {"n_rays": 32, "stride": 2}), Choice("star"), Choice("none"), 32),
    "flows": (Choice("flows"), Choice("flows"), Choice("none"), 16),
}
RECIPE: dict[str, Any] = {
    "architecture": "unet", "encoder": "resnet18", "batch": 4, "optimizer": "adamw", "learning_rate": 0.002,
    "weight_decay": 0.01, "schedule": "one_cycle", "precision": "bfloat16", "widths": [128, 64, 32],
}  # fmt: skip
AUGMENTATION = Augmentation(
    rotation_degrees=180, rotation_probability=0.5, horizontal_flip=0.5, vertical_flip=0.5, zoom_from=0.8,
    zoom_to=1.25, zoom_probability=0.5, brightness=0.3, noise=0.03, noise_probability=0.5,
)  # fmt: skip
SIZES = {"min_areas": (0.1, 0.25, 0.5, 1.0), "min_distances": (0.5, 0.75, 1.0, 1.5)}


def settings(kind: str, change: Mapping[str, Any], epochs: int, seed: int) -> SegmentationTraining:
    """Return the settings of a training: the recipe with some changes."""
    recipe, (representation, loss, weights, width) = {**RECIPE, **change}, KINDS[kind]
    options = {"encoder_depth": len(recipe["widths"]) + 1, "decoder_channels": [*recipe["widths"], width]}
    representation = Choice(representation.name, {**representation.options, **recipe.get("representation", {})})
    kept = {name: recipe[name] for name in ("batch", "optimizer", "learning_rate", "weight_decay", "precision")}
    return SegmentationTraining(
        network=NetworkSpec(recipe["architecture"], recipe["encoder"], options=options), colour="grey",
        representation=representation, loss=loss, weight_map=weights, tiles=Tiles(256, 0, per_epoch=64),
        augmentation=AUGMENTATION, monitor="val_loss", schedule=Schedule(recipe["schedule"]), samples_every=0,
        epochs=epochs, seed=seed, **kept,
    )  # fmt: skip


def choose(model: TrainedModel, path: Path, images: Images) -> Threshold:
    """Return what the threshold search chooses on validation images."""
    default, predictor = model.thresholds.classes[model.categories[0]], create_predictor(path)
    stored = [(unpack_scores(predictor.predict(image))[0], labels.astype(np.int32)) for _, image, labels in images]

    def count(grids: Mapping[str, Sequence[Threshold]]) -> dict[str, Any]:
        assert model.representation is not None
        kind = model.representation
        each = [count_at_thresholds(kind, one, labels, grids["cell"], ChoiceSettings()) for one, labels in stored]
        return {"cell": np.stack(each)}

    return search({"cell": Candidates(default, **SIZES)}, count, ChoiceSettings())["cell"][0]


def evaluate(model: TrainedModel, path: Path, val: Images, test: Images) -> Iterator[dict[str, Any]]:
    """Yield one row per image and way of finding cells."""
    default = model.thresholds.classes[model.categories[0]]
    plain, averaged = (create_predictor(path, test_time_augmentation=on) for on in (False, True))
    ways = {"default": (plain, default), "search": (plain, choose(model, path, val)), "averaged": (averaged, default)}
    assert model.representation is not None
    for way, (predictor, decoding) in ways.items():
        for name, image, labels in test:
            began = time.process_time()
            found = model.representation.decode(unpack_scores(predictor.predict(image))[0], decoding).labels
            seconds = time.process_time() - began
            half, strict = (matching(labels.astype(np.int32), found, thresh=iou) for iou in (0.5, 0.7))
            row = {"way": way, "image": name, "seconds": seconds, "cells": half.n_true, "found": half.n_pred}
            row |= {f"{key}5": getattr(half, key) for key in ("tp", "fp", "fn")}
            row |= {f"{key}7": getattr(strict, key) for key in ("tp", "fp", "fn")}
            yield row | {"iou": half.mean_matched_score * half.tp}


def learn(kind: str, chosen: argparse.Namespace) -> pd.DataFrame:
    """Train, evaluate and return one row per image and way."""
    if chosen.train:
        images = read_set(chosen.images, "all")
        drawn = [images[place] for place in np.random.default_rng(chosen.seed).permutation(len(images))]
        train, val, test = drawn[: chosen.train], drawn[chosen.train : chosen.train + 2], drawn[chosen.train + 2 :]
    else:
        train, val, test = (read_set(chosen.images, split) for split in ("train", "val", "test"))
    training = settings(kind, json.loads(chosen.change), chosen.epochs[kind], chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        content, _ = train_segmentation(training, labelled(train), labelled(val), Path(folder) / "work")
        minutes, path = (time.process_time() - began) / 60, Path(folder) / "model.pt"
        path.write_bytes(content)
        if chosen.keep:
            (chosen.keep / f"{chosen.images}_{kind}.pt").write_bytes(content)
        table = pd.DataFrame(evaluate(TrainedModel.open(path), path, val, test))
    return table.assign(set=chosen.images, kind=kind, seed=chosen.seed, minutes=minutes)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per representation and way of finding cells."""
    rows = []
    for (kind, way), own in table.groupby(["kind", "way"], sort=False):
        scores = {}
        for name, columns, ratio in (
            ("F1@.5", ["tp5", "fp5", "fn5"], f1),
            ("F1@.7", ["tp7", "fp7", "fn7"], f1),
            ("PQ", ["iou", "tp5", "fp5", "fn5"], _panoptic),
        ):
            one = ratio_interval(own[columns].to_numpy(float), ratio)
            scores[name] = f"{one.estimate:.3f} ({one.low:.3f} to {one.high:.3f})"
        errors = own["found"] - own["cells"]
        counts = {"count MAE": round(errors.abs().mean(), 1), "bias": round(errors.mean(), 1)}
        cost = {"s per image": round(own["seconds"].mean(), 2), "minutes": round(own["minutes"].mean(), 2)}
        rows.append({"representation": kind, "thresholds": way, **scores, **counts, **cost})
    return pd.DataFrame(rows)


def _panoptic(iou: Any, tp: Any, fp: Any, fn: Any) -> Any:
    return iou / np.maximum(tp + (fp + fn) / 2, 0.5)


def go_round(images: Images) -> pd.DataFrame:
    """Return one row per representation: what its own targets of all images decode to, and milliseconds per image."""
    truth = [labels.astype(np.int32) for *_, labels in images]
    areas = np.concatenate([np.bincount(labels.ravel())[1:] for labels in truth])
    rows = []
    for name, (choice, *_) in KINDS.items():
        kind = create_representation(choice.name, **choice.options)
        decoding = replace(kind.default_threshold(areas[areas > 0].mean()), min_area_px=0.0)
        targets, encoded = _timed(kind.encode, truth)
        stored = [kind.join([kind.reduce(one)], labels.shape) for one, labels in zip(targets, truth, strict=True)]
        found, decoded = _timed(lambda one, kind=kind, at=decoding: kind.decode(one, at).labels, stored)
        half, strict = (matching_dataset(truth, found, thresh=iou, show_progress=False) for iou in (0.5, 0.9))
        rows.append((name, half.f1, strict.f1, half.fp, half.fn, 1e3 * encoded, 1e3 * decoded))
    return pd.DataFrame(rows, columns=["representation", "F1@.5", "F1@.9", "FP", "FN", "encode ms", "decode ms"])


def _timed(function: Callable[[Any], Any], items: Sequence[Any]) -> tuple[list[Any], float]:
    """Return what a function gives for each item, and the processor seconds of one, compilation not counted."""
    function(items[0])
    began = time.process_time()
    results = [function(one) for one in items]
    return results, (time.process_time() - began) / len(items)


def count_steps() -> None:
    """Print the processor time of a step and of its targets, and what a network costs."""
    generator, labels = np.random.default_rng(0), np.zeros((256, 256), np.int32)
    for label in range(1, 60):
        pixels = ellipse(*generator.uniform(0, 256, 2), *generator.uniform(7, 13, 2), shape=labels.shape)
        if not labels[pixels].any():
            labels[pixels] = label
    Star().encode(labels)
    options = {"encoder_depth": 4, "decoder_channels": [*RECIPE["widths"], 32]}
    for name, encoder, own in (("unet", "resnet18", options), ("resunet", None, {}), ("stardist_unet", None, {})):
        for stride in (1, 2):
            network = create_network(NetworkSpec(name, encoder, 1, 33, stride, options=own)).train()
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
    """Train with each representation, or time steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--images", choices=SETS, default="bbbc039")
    parser.add_argument("--train", type=int, default=0, help="images to learn from; 0 for the set's own split")
    parser.add_argument("--epochs", nargs="+", type=int, default=[13], help="one number, or one for each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--change", default="{}", help="settings of the recipe as JSON")
    parser.add_argument("--csv", type=Path, help="one row per image, added")
    parser.add_argument("--keep", type=Path, help="folder for the models")
    parser.add_argument("--round-trip", action="store_true", help="decode targets instead")
    parser.add_argument("--steps", action="store_true", help="time steps instead")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.steps:
        return count_steps()
    if chosen.round_trip:
        return print(go_round(read_set(chosen.images, "all")).round(4).to_string(index=False))
    epochs = chosen.epochs * len(chosen.kinds) if len(chosen.epochs) == 1 else chosen.epochs
    chosen.epochs = dict(zip(chosen.kinds, epochs, strict=True))
    for kind in chosen.kinds:
        table = learn(kind, chosen)
        if chosen.csv:
            table.to_csv(chosen.csv, mode="a", header=not chosen.csv.exists(), index=False)
        print(summarise(table).to_string(index=False), flush=True)
    return None


if __name__ == "__main__":
    main()
