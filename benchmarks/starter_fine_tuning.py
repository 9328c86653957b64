"""Compare fine-tuning from a starter with training from scratch, on few images of DSB 2018 and with equal work.

    python benchmarks/starter_fine_tuning.py data/starter/06_models/unet.pt --csv fine_tuning.csv

The starter must not have seen DSB 2018 (`--params="sample_data.leave_out=[dsb2018]"`). Both trainings have the same
network, images, tiles and epochs, so they take equally long; the 10 validation images choose the epoch, the 20 test
images are evaluated. From scratch the learning rate is the study's, from the starter a third of it.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from starter import evaluate, read_set, starter, summarise

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.models.checkpoint_file import read_description
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation

SIZES = (5, 10, 20)


def labelled(images: list[tuple[str, np.ndarray, np.ndarray]]) -> list[LabelledImage]:
    """Return images and true labels as a training takes them."""
    found = []
    for name, image, labels in images:
        builder = AnnotationBuilder(["nucleus"])
        row = builder.add_image(name, width=labels.shape[1], height=labels.shape[0])
        _, boxes, counts = labels_to_objects(labels)
        for box, runs in zip(boxes.tolist(), counts, strict=True):
            builder.add_object(row, "nucleus", "mask", box, counts=runs)
        found.append(LabelledImage(name, lambda image=image: image, builder.build()))
    return found


def settings(path: Path, epochs: int, *, from_starter: bool) -> SegmentationTraining:
    """Return the settings of the starter's own training, shorter."""
    training = read_description(path)["training"]
    kept = ("normalisation", "colour", "cell_diameter_px", "weight_decay", "gradient_clip")
    return SegmentationTraining(
        network=NetworkSpec.from_dict(training["network"]),
        **{key: training[key] for key in kept},
        representation=Choice(training["representation"], training["representation_options"]),
        loss=Choice(training["loss"], training["loss_options"]),
        augmentation=Augmentation(**{**training["augmentation"], "inversion": 0.0}),
        start_from=str(path) if from_starter else None,
        learning_rate=0.001 if from_starter else 0.003,
        tiles=Tiles(160, 0),
        monitor="val_loss",
        samples_every=0,
        epochs=epochs,
        precision="bfloat16",
    )


def main() -> None:
    """Print one row per number of images and start, and write them to a CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("starter", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--csv", type=Path)
    chosen = parser.parse_args()
    train, val, test = (read_set("dsb2018", split) for split in ("train", "val", "test"))
    order = np.random.default_rng(0).permutation(len(train))
    rows = [{"images": 0, "start": "starter", "seconds": 0.0, **score(chosen.starter, test)}]
    for size in chosen.sizes:
        learnt = labelled([train[place] for place in order[:size]])
        for name in ("starter", "scratch"):
            began = time.perf_counter()
            training = settings(chosen.starter, chosen.epochs, from_starter=name == "starter")
            with tempfile.TemporaryDirectory() as folder:
                model, _ = train_segmentation(training, learnt, labelled(val), Path(folder) / "work")
                seconds = time.perf_counter() - began
                (Path(folder) / "model.pt").write_bytes(model)
                result = score(Path(folder) / "model.pt", test)
            rows.append({"images": size, "start": name, "seconds": round(seconds), **result})
            print(pd.DataFrame(rows).to_string(index=False), flush=True)
            if chosen.csv:
                pd.DataFrame(rows).round(3).to_csv(chosen.csv, index=False)


def score(path: Path, test: list[tuple[str, np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Return F1 and count error of a model on the test images, with intervals."""
    found = summarise(evaluate(starter(path)[0], test))
    return {key: value for key, value in found.items() if key not in ("images", "cells")}


if __name__ == "__main__":
    main()
