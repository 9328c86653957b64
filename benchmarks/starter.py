"""Compare starter models with Otsu's threshold and a watershed on the held-back images of two public sets.

    python benchmarks/starter.py data/starter/06_models/unet.pt --images dsb2018 --split test
    python benchmarks/starter.py nuclei --images bbbc039 --split all --csv starter.csv

Cells match at an IoU of 0.5. Intervals are 95 % bootstrap intervals over images. The classical method is that of
scikit-image's examples; its least distance of centres is the one with the best F1 on the set's own training images, an
advantage that the starters don't have. Models estimate the diameter of cells from each image.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label
from skimage.segmentation import watershed

from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.intensity import to_colour
from cell_pipelines.imaging.reading import list_image_files
from cell_pipelines.inference.prediction import RescalingPredictor
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.metrics.intervals import mean_interval, ratio_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.workflows.trained_model import TrainedModel

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CELL_REAL_DATA", ROOT.parent / "shared" / "data"))
SETS = {
    "dsb2018": ("nuclei_fluorescence_dsb2018", "labels", "label_image"),
    "bbbc039": ("nuclei_fluorescence_16bit_bbbc039", "masks", "instance_channel"),
}
DISTANCES = (3, 5, 7, 10, 14, 20)
Images = list[tuple[str, np.ndarray, np.ndarray]]
#: Returns the labels that are found in an image, given its name and pixels.
Find = Callable[[str, np.ndarray], np.ndarray]


def read_set(name: str, split: str) -> Images:
    """Return name, image and true labels of the images of one side of the study's split, or of all."""
    folder, annotations, format = SETS[name]
    table = pd.read_csv(ROOT / "conf" / "starter" / f"{name}_split.csv", dtype=str)
    chosen = table if split == "all" else table[table["split"] == split]
    files = list_image_files(DATA / folder / "images")
    infos = {image: files[image].info() for image in chosen["image"]}
    index = ImageIndex(ImageRecord(image, info.width, info.height) for image, info in infos.items())
    read = read_annotations(DATA / folder / annotations, index, format=format).annotations
    return [(one.names[0], files[one.names[0]](), objects_to_labels(one)[0]) for one in iterate_images(read)]


def classical(distance: int) -> Find:
    """Return Otsu's threshold with a watershed on the distance from the border."""

    def find(_: str, image: np.ndarray) -> np.ndarray:
        grey = gaussian(to_colour(image, "grey")[..., 0].astype(np.float32), 1, preserve_range=True)
        inside = grey > threshold_otsu(grey)
        depth = ndimage.distance_transform_edt(inside)
        places = peak_local_max(depth, min_distance=distance, labels=label(inside))
        markers = np.zeros(depth.shape, np.int32)
        markers[tuple(places.T)] = np.arange(1, len(places) + 1)
        return watershed(-depth, markers, mask=inside)

    return find


def best_classical(name: str) -> Find:
    """Return the classical method with the least distance of centres that is best on the set's training images."""
    train = read_set(name, "train")
    scores = {distance: summarise(evaluate(classical(distance), train))["f1"] for distance in DISTANCES}
    return classical(max(scores, key=lambda distance: scores[distance]))


def starter(path: Path, given: Mapping[str, float | None] | None = None) -> tuple[Find, list[float | None]]:
    """Return what finds cells with a model, and a list of the diameters by which it rescales images.

    Args:
        path: The model file, or a starter's name.
        given: Diameter of each image's cells in pixels by the image's name; None where the model estimates them.
    """
    model, diameters = TrainedModel.open(path), list[float | None]()
    predictor = create_predictor(model.path)
    assert isinstance(predictor, RescalingPredictor)

    def find(name: str, image: np.ndarray) -> np.ndarray:
        found = predictor.examine_at(image, None if given is None else given[name])
        diameters.append(found.diameter.px if found.diameter else None)
        (scores,) = unpack_scores(found.arrays)
        assert model.representation is not None
        decoding = model.thresholds.classes[model.categories[0]]
        return Rescaled(model.representation, image.shape[:2]).decode(scores, decoding).labels

    return find, diameters


def evaluate(find: Find, images: Images) -> pd.DataFrame:
    """Return one row per image: true and found cells, true positives, false positives, false negatives."""
    rows = []
    for name, image, truth in images:
        labels = find(name, image)
        counts = match_instances(truth, labels, thresholds=(0.5,))
        cells = [len(np.unique(one[one > 0])) for one in (truth, labels)]
        rows.append((name, *cells, int(counts.tp[0]), int(counts.fp[0]), int(counts.fn[0])))
    return pd.DataFrame(rows, columns=["image", "true", "found", "tp", "fp", "fn"])


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """Return F1 and mean absolute count error with their intervals."""
    score = ratio_interval(table[["tp", "fp", "fn"]].to_numpy(float), f1)
    error = mean_interval((table["found"] - table["true"]).abs().to_numpy(float))
    return {
        "images": len(table), "cells": int(table["true"].sum()),
        "f1": score.estimate, "f1_low": score.low, "f1_high": score.high,
        "count_mae": error.estimate, "count_mae_low": error.low, "count_mae_high": error.high,
        "count_bias": float((table["found"] - table["true"]).mean()),
    }  # fmt: skip


def main() -> None:
    """Print the table of one set, and add it to a CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="NAME=FILE, or FILE")
    parser.add_argument("--images", choices=SETS, default="dsb2018")
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--each", type=Path, help="a CSV with one row per image and method")
    chosen = parser.parse_args()
    images = read_set(chosen.images, chosen.split)
    tables = {"Otsu + watershed": evaluate(best_classical(chosen.images), images)}
    for given in chosen.models:
        name, _, file = given.rpartition("=")
        find, diameters = starter(Path(file))
        tables[name or file] = evaluate(find, images).assign(diameter_px=diameters)
    rows = [{"set": chosen.images, "split": chosen.split, "method": name, **summarise(table)}
            for name, table in tables.items()]  # fmt: skip
    result = pd.DataFrame(rows).round(3)
    print(result.to_string(index=False))
    if chosen.csv:
        result.to_csv(chosen.csv, mode="a", header=not chosen.csv.exists(), index=False)
    if chosen.each:
        pd.concat([table.assign(method=name) for name, table in tables.items()]).to_csv(chosen.each, index=False)


if __name__ == "__main__":
    main()
