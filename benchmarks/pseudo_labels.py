r"""Compare a student of confident pseudo-labels with a network that learns from the labelled images alone as long.

    OMP_NUM_THREADS=1 python benchmarks/pseudo_labels.py --labelled 5 --seed 0 --csv pseudo_labels.csv

Of the 70 training images of the study dsb2018 a few keep their labels, drawn by the seed. A teacher learns from these; of
the other images, the cells that it is sure of are labels, and whatever else may be a cell by it is an ignored region,
without weight. The student starts from the teacher and learns from both. Beside it another network learns from the
labelled images for as many minutes of one core as teacher, labels and student take together. The 10 validation images
choose the epochs, the 20 test images are evaluated at the default thresholds.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from representation_learning import settings, summarise
from scipy import ndimage
from several_looks import compare
from stardist.matching import matching
from starter import Images, read_set
from starter_fine_tuning import labelled

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.representations.maps import FULL
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.planning.start import FINE_TUNING_RATE
from cell_pipelines.workflows.trained_model import TrainedModel

# Pixels from this foreground on that belong to no pseudo-label are ignored, but for so many pixels around these.
_DOUBTFUL, _MARGIN_PX = 0.2, 2


def learn_from(path: Path, images: Images, least: float) -> Iterator[tuple[LabelledImage, np.ndarray]]:
    """Yield unlabelled images with what a model is sure of as labels, and found, right and true cells, ignored share."""
    model, predictor = TrainedModel.open(path), create_predictor(path)
    decoding, kind = model.thresholds.classes[model.categories[0]], model.representation
    assert kind is not None
    for name, image, truth in images:
        scores = unpack_scores(predictor.predict(image))[0]
        found = kind.decode(scores, replace(decoding, min_area_px=0.0))
        areas = np.bincount(found.labels.ravel(), minlength=len(found.scores) + 1)[1:]
        sure = np.append(False, (found.scores >= least) & (areas >= decoding.min_area_px))
        labels = (np.cumsum(sure) * sure).astype(np.int32)[found.labels]
        near = ndimage.binary_dilation(labels > 0, iterations=_MARGIN_PX)
        doubtful = (scores["foreground"] >= _DOUBTFUL * FULL) & ~near | (found.labels > 0) & (labels == 0)
        right = matching(truth.astype(np.int32), labels, thresh=0.5)
        yield annotate(name, image, labels, doubtful), np.array([right.n_pred, right.tp, right.n_true, doubtful.mean()])


def annotate(name: str, image: np.ndarray, labels: np.ndarray, ignored: np.ndarray) -> LabelledImage:
    """Return an image with cells and an ignored region."""
    builder = AnnotationBuilder(["nucleus"])
    row = builder.add_image(name, width=labels.shape[1], height=labels.shape[0])
    for drawn, crowd in ((labels, False), (ignored.astype(np.int32), True)):
        _, boxes, counts = labels_to_objects(drawn)
        for box, runs in zip(boxes.tolist(), counts, strict=True):
            builder.add_object(row, "nucleus", "mask", box, counts=runs, crowd=crowd)
    return LabelledImage(name, lambda: image, builder.build())


def train(images: list[LabelledImage], val: Images, epochs: int, path: Path, start: Path | None = None) -> Path:
    """Train the representation `distance` as `representation_learning.py` does, write and return the model."""
    seed = int(path.stem.rsplit("_", 1)[1])
    training = settings("distance", {} if start is None else {"learning_rate": FINE_TUNING_RATE}, epochs, seed)
    training = replace(training, start_from=None if start is None else str(start))
    path.write_bytes(train_segmentation(training, images, labelled(val), path.with_suffix(""))[0])
    return path


def evaluate(way: str, path: Path, test: Images) -> Iterator[dict[str, Any]]:
    """Yield one row per test image."""
    model, predictor = TrainedModel.open(path), create_predictor(path)
    assert model.representation is not None
    for name, image, labels in test:
        scores = unpack_scores(predictor.predict(image))[0]
        found = model.representation.decode(scores, model.thresholds.classes[model.categories[0]]).labels
        half, strict = (matching(labels.astype(np.int32), found, thresh=iou) for iou in (0.5, 0.7))
        row = {"way": way, "image": name, "cells": half.n_true, "found": half.n_pred, "seconds": np.nan}
        row |= {f"{key}5": getattr(half, key) for key in ("tp", "fp", "fn")}
        row |= {f"{key}7": getattr(strict, key) for key in ("tp", "fp", "fn")}
        yield row | {"iou": half.mean_matched_score * half.tp}


def run(chosen: argparse.Namespace, folder: Path) -> pd.DataFrame:
    """Train all three and return one row per test image and network."""
    images, val, test = (read_set("dsb2018", split) for split in ("train", "val", "test"))
    drawn = [images[place] for place in np.random.default_rng(chosen.seed).permutation(len(images))]
    known, unknown, ends = labelled(drawn[: chosen.labelled]), drawn[chosen.labelled :], [time.process_time()]
    teach, study, alone = chosen.epochs
    paths = {way: folder / f"{way}_{chosen.seed}.pt" for way in ("teacher", "student", "alone")}
    train(known, val, teach, paths["teacher"])
    ends.append(time.process_time())
    more, numbers = zip(*learn_from(paths["teacher"], unknown, chosen.sure), strict=True)
    print("pseudo-labels, right ones, true cells: {:.0f}, {:.0f}, {:.0f}".format(*np.sum(numbers, axis=0)[:3]))
    print(f"ignored pixels: {np.mean(numbers, axis=0)[3]:.3f}", flush=True)
    train([*known, *more], val, study, paths["student"], paths["teacher"])
    ends.append(time.process_time())
    train(known, val, alone, paths["alone"])
    ends.append(time.process_time())
    taken = {"teacher": ends[1] - ends[0], "student": ends[2] - ends[0], "alone": ends[3] - ends[2]}
    tables = [pd.DataFrame(evaluate(way, path, test)).assign(minutes=taken[way] / 60) for way, path in paths.items()]
    return pd.concat(tables).assign(kind="distance", labelled=chosen.labelled, seed=chosen.seed, sure=chosen.sure)


def main() -> None:
    """Compare for one number of images and one seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=int, default=5, help="images that keep their labels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", nargs=3, type=int, default=[5, 5, 11], help="teacher, student, alone")
    parser.add_argument("--sure", type=float, default=0.9, help="from this score on a cell is a pseudo-label")
    parser.add_argument("--csv", type=Path, help="one row per image, added")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        table = run(chosen, Path(folder))
    if chosen.csv:
        table.to_csv(chosen.csv, mode="a", header=not chosen.csv.exists(), index=False)
    print(summarise(table).drop(columns="s per image").to_string(index=False))
    pairs = table.assign(way=table["way"].replace("alone", "plain"))
    print(f"student against alone: F1@.5 {compare(pairs, 'student', '5')}, F1@.7 {compare(pairs, 'student', '7')}")


if __name__ == "__main__":
    main()
