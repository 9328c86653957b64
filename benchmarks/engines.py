"""Count images with each engine that runs a network on the processor: time beside PyTorch in float32, and counts.

`python benchmarks/engines.py --models nuclei unetpp.pt --images FOLDER --csv engines.csv`; processor seconds of one thread, the
engines in turns over the images, each image once to warm up. `auto` is what `inference.engine=auto` takes.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from cell_pipelines.imaging.reading import list_image_files
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.workflows import engine_choice
from cell_pipelines.workflows.engine_choice import choose_engine, describe_engine
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

ENGINES = (
    ("pytorch", "float32"), ("pytorch", "bfloat16"), ("onnxruntime", "float32"), ("openvino", "float32"),
    ("openvino", "bfloat16"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--csv", type=Path, required=True)
    arguments = parser.parse_args()
    images = dict(list(list_image_files(arguments.images).items())[: arguments.most])
    table = pd.concat([measure(name, images) for name in arguments.models], ignore_index=True)
    table.to_csv(arguments.csv, index=False, lineterminator="\n")
    print(table.to_string(index=False))


def measure(name: str, images: dict) -> pd.DataFrame:
    model, diameter = TrainedModel.open(name), {}
    if model.record.get("cell_diameter_px"):
        diameter = {"diameter_px": float(model.record["cell_diameter_px"])}
    predictors = {
        (engine, precision): create_predictor(model.path, engine=engine, precision=precision, device="cpu", **diameter)
        for engine, precision in ENGINES
    }
    seconds, counts = ({one: [] for one in ENGINES} for _ in range(2))
    for file in images.values():
        image = file()
        for predictor in predictors.values():
            predictor.predict(image)
        for one, predictor in predictors.items():
            begin = time.process_time()
            arrays = predictor.predict(image)
            seconds[one].append(time.process_time() - begin)
            decoder = Rescaled(model.representation, image.shape[:2])
            scores = dict(zip(model.categories, unpack_scores(arrays), strict=True))
            counts[one].append(
                sum(len(decoder.decode(s, model.thresholds.classes[c]).scores) for c, s in scores.items())
            )
    engine_choice._LEAST_PIXELS = 0  # however few images there are
    with tempfile.TemporaryDirectory() as folder:
        chosen = choose_engine(images, model, Path(folder), InferenceParameters(engine="auto", **diameter))
    first = ENGINES[0]
    return pd.DataFrame(
        [
            {
                "model": Path(name).stem,
                "engine": f"{one[0]} {one[1]}",
                "seconds": round(sum(seconds[one]), 2),
                "times_as_fast": round(sum(seconds[first]) / sum(seconds[one]), 2),
                "cells": sum(counts[one]),
                "images_with_same_count": int(np.equal(counts[one], counts[first]).sum()),
                "largest_difference": int(np.abs(np.subtract(counts[one], counts[first])).max()),
                "images": len(images),
                "auto": describe_engine(dict(chosen)) == f"{one[0]} {one[1]}",
            }
            for one in ENGINES
        ]
    )


if __name__ == "__main__":
    main()
