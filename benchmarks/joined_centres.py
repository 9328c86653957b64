r"""Decode a foreground network's cells with several least distances of centres and shares of a pass that joins two.

    OMP_NUM_THREADS=1 python benchmarks/joined_centres.py model.pt --images bbbc039 --seen train.txt

Least distances are multiples of the one that follows from the cells' average size (0.4 of the diameter); 1 as the share
joins nothing. Threshold 0.5 and the default least area. Printed are F1 at an IoU of 0.5 and the mean absolute count
error of the images that the network did not learn from.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from starter import SETS, read_set

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.representations.binary import Binary
from cell_pipelines.workflows.trained_model import TrainedModel

FACTORS, PASSES = (0.3, 0.5, 0.75, 1.0, 1.5), (0.8, 0.85, 0.9, 0.95, 1.0)


def evaluate(model: Path, name: str, split: str, seen: set[str]) -> pd.DataFrame:
    """Return F1 and count error of each distance and share."""
    opened, predictor = TrainedModel.open(model), create_predictor(model)
    default = Binary().default_threshold(float(opened.record["mean_area_px"]))
    images = [(labels, unpack_scores(predictor.predict(image))[0]) for image_name, image, labels in read_set(name, split)
              if image_name not in seen]  # fmt: skip
    rows = []
    for factor in FACTORS:
        threshold = replace(default, min_distance_px=factor * default.min_distance_px)
        for share in PASSES:
            found = [Binary(most_pass=share).decode(scores, threshold).labels for _, scores in images]
            pairs = [(truth, labels) for (truth, _), labels in zip(images, found, strict=True)]
            counts = [match_instances(truth, labels, thresholds=(0.5,)) for truth, labels in pairs]
            errors = [len(np.unique(truth[truth > 0])) - int(labels.max()) for truth, labels in pairs]
            total = sum(counts[1:], counts[0])
            rows.append((factor, share, float(total.f1[0]), float(np.abs(errors).mean())))
    return pd.DataFrame(rows, columns=["distance", "most_pass", "f1", "count_mae"])


def main() -> None:
    """Print one table for F1 and one for the count error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", choices=SETS, default="dsb2018")
    parser.add_argument("--split", default="all")
    parser.add_argument("--seen", type=Path, help="names of images that the network learnt from, one a line")
    chosen = parser.parse_args()
    seen = set(chosen.seen.read_text(encoding="utf-8").split()) if chosen.seen else set()
    table = evaluate(chosen.model, chosen.images, chosen.split, seen)
    for value in ("f1", "count_mae"):
        print(value)
        print(table.pivot(index="distance", columns="most_pass", values=value).round(3).to_string())


if __name__ == "__main__":
    main()
