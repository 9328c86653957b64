r"""Say what it brings to look at an image several times: turned and mirrored, or at several scales.

    OMP_NUM_THREADS=1 python benchmarks/several_looks.py model.pt --csv looks.csv

Ways: outputs averaged over the eight turns and mirror images; maps averaged over scales of the image; cells of the image
itself that cells found at a scale of 1.25 agree with (IoU of 0.25 or 0.5). The model has learnt from the study dsb2018's
training images; thresholds are the defaults, and those that the threshold search chooses on its validation images, for
averages by the averages. Differences to a single look are over its test images, with 95 % bootstrap intervals of pairs.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from representation_learning import SIZES, summarise
from stardist.matching import matching
from starter import read_set

from cell_pipelines.analysis.evaluation.map_thresholds import Candidates, count_at_thresholds, search
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings
from cell_pipelines.inference.prediction import Predictor
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.intervals import bootstrap_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.representations.base import Representation, Scores
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.thresholds import Threshold
from cell_pipelines.workflows.trained_model import TrainedModel

UP, DOWN = 1.25, 0.8
AVERAGES = {"1 and 1.25": ("plain", "up"), "0.8 and 1": ("down", "plain"), "0.8, 1 and 1.25": ("down", "plain", "up")}
Looks = dict[str, Scores]


@cache
def open_predictor(path: Path, *, averaged: bool) -> Predictor:
    """Return the model, with or without test-time augmentation."""
    return create_predictor(path, test_time_augmentation=averaged, precision="bfloat16")


def look(path: Path, image: np.ndarray, seconds: dict[str, list[float]]) -> Looks:
    """Return the scores of each way of looking at an image, and add the processor seconds of each."""
    looks: Looks = {}
    for way, scale in (("plain", 1.0), ("turned", 1.0), ("up", UP), ("down", DOWN)):
        predictor = open_predictor(path, averaged=way == "turned")
        began = time.process_time()
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)
        looks[way] = unpack_scores(predictor.predict(seen))[0]
        seconds.setdefault(way, []).append(time.process_time() - began)
    if all(one.dtype == np.uint16 and one.ndim == 2 for one in looks["plain"].values()):
        looks |= {way: _average([looks[one] for one in parts], image.shape[1::-1]) for way, parts in AVERAGES.items()}
    return looks


def _average(scores: list[Scores], size: Any) -> Scores:
    maps = {name: [cv2.resize(one[name].astype(np.float32), size) for one in scores] for name in scores[0]}
    return {name: np.rint(np.mean(each, axis=0)).astype(np.uint16) for name, each in maps.items()}


def choose(
    kind: Representation, default: Threshold, looks: list[Looks], truth: list[np.ndarray], way: str
) -> Threshold:
    """Return what the threshold search chooses on validation images."""

    def count(grids: dict[str, list[Threshold]]) -> dict[str, Any]:
        pairs = zip(looks, truth, strict=True)
        each = [count_at_thresholds(kind, one[way], labels, grids["cell"], ChoiceSettings()) for one, labels in pairs]
        return {"cell": np.stack(each)}

    return search({"cell": Candidates(default, **SIZES)}, count, ChoiceSettings())["cell"][0]


def agree(labels: np.ndarray, others: np.ndarray, least: float) -> np.ndarray:
    """Return those cells (H, W) that have an IoU of `least` with one of the others, numbered anew."""
    shape = int(labels.max()) + 1, int(others.max()) + 1
    joint = np.bincount(np.ravel_multi_index((labels.ravel(), others.ravel()), shape), minlength=shape[0] * shape[1])
    joint = joint.reshape(shape)
    iou = joint / np.maximum(joint.sum(axis=1, keepdims=True) + joint.sum(axis=0) - joint, 1)
    kept = iou[:, 1:].max(axis=1, initial=0) >= least
    kept[0] = False
    return (np.cumsum(kept) * kept).astype(np.int32)[labels]


def find(kind: Representation, looks: Looks, thresholds: dict[str, Threshold], shape: Any) -> Iterator[tuple[str, Any]]:
    """Yield each way and its cells (H, W)."""
    for way, threshold in thresholds.items():
        yield way, kind.decode(looks[way], threshold).labels
    own = thresholds["plain"]
    larger = replace(own, min_area_px=own.min_area_px * UP**2, min_distance_px=own.min_distance_px * UP)
    single, others = kind.decode(looks["plain"], own).labels, Rescaled(kind, shape).decode(looks["up"], larger).labels
    yield from ((f"agree {least}", agree(single, others, least)) for least in (0.25, 0.5))


def evaluate(path: Path, images: str) -> pd.DataFrame:
    """Return one row per test image and way, with default and with chosen thresholds."""
    model, seconds, rows = TrainedModel.open(path), dict[str, list[float]](), []
    kind: Any = model.representation
    kind = replace(kind, most_pass=0.9) if hasattr(kind, "most_pass") else kind
    default = kind.default_threshold(float(model.record["mean_area_px"]))
    val = [(look(path, image, seconds), labels.astype(np.int32)) for _, image, labels in read_set(images, "val")]
    ways = [way for way in val[0][0] if way not in ("up", "down")]
    chosen = {way: choose(kind, default, *map(list, zip(*val, strict=True)), way) for way in ways}
    for name, image, labels in read_set(images, "test"):
        looks = look(path, image, seconds)
        for source, thresholds in (("default", dict.fromkeys(ways, default)), ("search", chosen)):
            for way, found in find(kind, looks, thresholds, image.shape[:2]):
                half, strict = (matching(labels.astype(np.int32), found, thresh=iou) for iou in (0.5, 0.7))
                row = {"kind": source, "way": way, "image": name, "cells": half.n_true, "found": half.n_pred}
                row |= {f"{key}5": getattr(half, key) for key in ("tp", "fp", "fn")}
                row |= {f"{key}7": getattr(strict, key) for key in ("tp", "fp", "fn")}
                rows.append(row | {"iou": half.mean_matched_score * half.tp, "seconds": np.nan, "minutes": np.nan})
    print({way: round(float(np.mean(each)), 2) for way, each in seconds.items()}, "seconds an image")
    return pd.DataFrame(rows).assign(model=path.name)


def compare(table: pd.DataFrame, way: str, iou: str) -> str:
    """Return by how much F1 of a way differs from that of a single look."""
    names = [f"{key}{iou}" for key in ("tp", "fp", "fn")]
    one, other = (table[table["way"] == name].sort_values("image")[names].to_numpy(float) for name in (way, "plain"))
    both = bootstrap_interval(np.hstack([one, other]), _difference)
    return f"{both.estimate:+.3f} ({both.low:+.3f} to {both.high:+.3f})"


def _difference(sums: np.ndarray) -> np.ndarray:
    return f1(*np.moveaxis(sums[..., :3], -1, 0)) - f1(*np.moveaxis(sums[..., 3:], -1, 0))


def main() -> None:
    """Evaluate one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", choices=("dsb2018", "bbbc039"), default="dsb2018")
    parser.add_argument("--csv", type=Path, help="one row per image and way, added")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    table = evaluate(chosen.model, chosen.images)
    if chosen.csv:
        table.to_csv(chosen.csv, mode="a", header=not chosen.csv.exists(), index=False)
    print(summarise(table).drop(columns=["s per image", "minutes"]).to_string(index=False))
    for source, own in table.groupby("kind"):
        for way in own["way"].unique()[1:]:
            print(f"{source}, {way}: F1@.5 {compare(own, way, '5')}, F1@.7 {compare(own, way, '7')}")


if __name__ == "__main__":
    main()
