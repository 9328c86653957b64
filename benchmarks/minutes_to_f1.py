r"""Compare what trainings from random weights reach in equal minutes: ours, StarDist's own package and Cellpose's.

    OMP_NUM_THREADS=1 python benchmarks/minutes_to_f1.py --minutes 4 8 16 --csv minutes.csv --figure minutes.png \
        --stardist envs/stardist/bin/python --cellpose envs/cellpose/bin/python

All learn from the 70 training images of the study dsb2018 on one core, choose epoch and thresholds on its 10 validation
images, and are evaluated on its 20 test images by our own matching, which agrees with StarDist's. `--images`, `--train` and
`--val` take another set, or fewer images of its training and validation, drawn by `--seed`, which is the trainings' too. Cells match at an
IoU of 0.5. The other packages keep to their own defaults, each in an environment of its own (`pip install stardist
tensorflow-cpu`, `pip install "cellpose<4"`; Cellpose 4 is a foundation model that a processor can't train). Our
trainings and Cellpose's plan the learning rate for each mark, so each mark is a training of its own; StarDist's is one
training, looked at. Minutes are of the training alone: ours by the clock of an otherwise idle core.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from representation_learning import choose
from representation_learning import settings as recipe
from starter import SETS, Images, read_set
from starter_fine_tuning import labelled
from steady_training import TRAINING

from cell_pipelines.imaging.intensity import to_colour
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.metrics.intervals import ratio_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.trained_model import TrainedModel

OURS = {
    "U-Net++": replace(TRAINING, representation=Choice("binary", {"shrink_px": 1, "most_pass": 0.9})),
    "star-convex U-Net": recipe("star", {}, 1, 0),
}
OTHERS = {"stardist": "StarDist (TensorFlow)", "cellpose": "Cellpose 3"}
_HERE = Path(__file__).parent
Labels = list[np.ndarray]


def draw(images: Images, number: int | None, seed: int) -> Images:
    """Return so many images of these, drawn by the seed; all of them for None."""
    order = np.random.default_rng(seed).permutation(len(images))
    return images if number is None else [images[place] for place in order[:number]]


def write_images(parts: Mapping[str, Images], path: Path) -> None:
    """Write grey images and labels of all sides as the other packages' scripts read them."""
    arrays: dict[str, Any] = {}
    for part, images in parts.items():
        arrays[f"{part}_images"] = [to_colour(image, "grey")[..., 0] for _, image, _ in images]
        arrays[f"{part}_labels"] = [labels.astype(np.int32) for *_, labels in images]
    np.savez(path, **{name: _as_objects(values) for name, values in arrays.items()})


def _as_objects(values: Labels) -> np.ndarray:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held


def run_other(name: str, python: str, source: Path, minutes: Sequence[float]) -> dict[float, Labels]:
    """Return the labels of the test images at each mark, by another package in its own environment."""
    target = source.with_name(f"{name}.npz")
    script = str(_HERE / f"minutes_{name}.py")
    subprocess.run([python, script, str(source), str(target), *map(str, minutes)], check=True)
    found = np.load(target)
    tests = len({key.rsplit("_")[1] for key in found})
    return {mark: [found[f"{mark}_{place}"] for place in range(tests)] for mark in map(float, minutes)}


def run_ours(training: SegmentationTraining, parts: Mapping[str, Images], minutes: float, folder: Path) -> Labels:
    """Return the labels of the test images after a training of so many minutes, at thresholds of the validation."""
    timed = replace(training, minutes=minutes, device="cpu")
    model, history = train_segmentation(timed, labelled(parts["train"]), labelled(parts["val"]), folder / "work")
    print(f"{minutes:g} minutes: {len(history)} validations, {history['epoch'].max()} epochs", flush=True)
    path = folder / "model.pt"
    path.write_bytes(model)
    opened, predictor = TrainedModel.open(path), create_predictor(path)
    assert opened.representation is not None
    chosen = choose(opened, path, parts["val"])
    every = [unpack_scores(predictor.predict(image))[0] for _, image, _ in parts["test"]]
    return [opened.representation.decode(one, chosen).labels for one in every]


def evaluate(tool: str, minutes: float, found: Labels, test: Images) -> dict[str, Any]:
    """Return one row of the table."""
    matched = [
        match_instances(truth, labels, thresholds=(0.5, 0.7)) for labels, (*_, truth) in zip(found, test, strict=True)
    ]
    total = sum(matched[1:], matched[0])
    each = np.array([(int(one.tp[0]), int(one.fp[0]), int(one.fn[0])) for one in matched], float)
    score = ratio_interval(each, f1)
    errors = [
        len(np.unique(labels[labels > 0])) - len(np.unique(truth[truth > 0]))
        for labels, (*_, truth) in zip(found, test, strict=True)
    ]
    return {
        "tool": tool, "minutes": minutes, "f1_50": score.estimate, "f1_50_low": score.low, "f1_50_high": score.high,
        "f1_70": float(total.f1[1]), "panoptic_quality": float(total.panoptic_quality[0]),
        "count_mae": float(np.abs(errors).mean()), "count_bias": float(np.mean(errors)),
    }  # fmt: skip


def plot(table: pd.DataFrame, file: Path) -> None:
    """Draw F1 over the minutes with intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    colours = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00")
    for place, (tool, rows) in enumerate(table.groupby("tool", sort=False)):
        ends = np.abs(rows[["f1_50_low", "f1_50_high"]].to_numpy().T - rows["f1_50"].to_numpy())
        at = rows["minutes"] * 1.02**place  # beside each other
        axes.errorbar(at, rows["f1_50"], yerr=ends, color=colours[place], marker="o", capsize=3, label=tool)
    axes.set(xlabel="minutes of one core", ylabel="F1 at IoU 0.5 (test images)", xscale="log")
    marks = sorted(table["minutes"].unique())
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train what is asked for, and add its rows to the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[4, 8, 16])
    parser.add_argument("--ours", nargs="*", choices=OURS, default=list(OURS))
    parser.add_argument("--images", choices=SETS, default="dsb2018")
    parser.add_argument("--train", type=int, help="number of training images; all of the set's otherwise")
    parser.add_argument("--val", type=int, help="of validation images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="auto", help="of our trainings")
    for name, title in OTHERS.items():
        parser.add_argument(f"--{name}", metavar="PYTHON", help=f"python of an environment with {title}")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    numbers = {"train": chosen.train, "val": chosen.val, "test": None}
    parts = {part: draw(read_set(chosen.images, part), number, chosen.seed) for part, number in numbers.items()}
    setting = {"images": chosen.images, "train": len(parts["train"]), "val": len(parts["val"]), "seed": chosen.seed}
    with tempfile.TemporaryDirectory() as place:
        folder, source = Path(place), Path(place) / "images.npz"
        write_images(parts, source)
        for tool in chosen.ours:
            for mark in chosen.minutes:
                training = replace(OURS[tool], precision=chosen.precision, seed=chosen.seed)
                row = evaluate(tool, mark, run_ours(training, parts, mark, folder), parts["test"])
                _add(setting | row, chosen.csv)
        for name, title in OTHERS.items():
            if python := getattr(chosen, name):
                for mark, found in run_other(name, python, source, chosen.minutes).items():
                    _add(setting | evaluate(title, mark, found, parts["test"]), chosen.csv)
    table = pd.read_csv(chosen.csv)
    print(table.round(3).to_string(index=False))
    if chosen.figure:
        plot(table, chosen.figure)


def _add(row: Mapping[str, Any], csv: Path) -> None:
    pd.DataFrame([row]).round(4).to_csv(csv, mode="a", header=not csv.exists(), index=False)


if __name__ == "__main__":
    main()
