r"""Compare fine-tuning from a starter with training from scratch, on few images of DSB 2018 and in equal minutes.

    OMP_NUM_THREADS=1 python benchmarks/starter_fine_tuning.py data/starter/06_models/unet.pt \
        --images fine_tuning_images.csv --csv fine_tuning.csv --figure fine_tuning.png

The starter must not have seen DSB 2018 (`--params="sample_data.leave_out=[dsb2018]"`). Both trainings have the same
network, images, tiles and epochs, as many as take the given minutes of one core; they differ in where they start and in
the learning rate: from the starter that of `cell-pipelines train`, from scratch that of the starter's own study. Each
seed draws other images and other random numbers. The 10 validation images choose the epoch, the 20 test images are
evaluated, at default thresholds: all models with the diameters that the starter estimates (`f1`), and each model with
those that it estimates itself (`f1_own`). Runs that are in `--images` already are not repeated.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from starter import Images, evaluate, read_set, starter

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.metrics.intervals import bootstrap_interval, ratio_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.models.checkpoint_file import read_description
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.planning.start import FINE_TUNING_RATE

SIZES, SEEDS = (5, 10, 20), (0, 1, 2)
_RUN = ["images", "start", "seed"]
_COUNTS = ["tp", "fp", "fn"]
# Epochs that are timed to choose how many take the minutes.
_TIMED_EPOCHS = 3


@dataclass(frozen=True)
class Comparison:
    """What all runs share.

    Attributes:
        starter: The model file to start from.
        train: Images to draw from.
        val: Images that choose the epoch.
        test: Images that are evaluated.
        diameters: Of the cells of each test image in pixels, as the starter estimates them.
    """

    starter: Path
    train: Images
    val: Images
    test: Images
    diameters: Mapping[str, float | None]

    def settings(self, epochs: int, seed: int, *, from_starter: bool) -> SegmentationTraining:
        """Return the settings of the starter's own training, shorter."""
        training = read_description(self.starter)["training"]
        kept = ("normalisation", "colour", "cell_diameter_px", "weight_decay", "gradient_clip")
        return SegmentationTraining(
            network=NetworkSpec.from_dict(training["network"]),
            **{key: training[key] for key in kept},
            representation=Choice(training["representation"], training["representation_options"]),
            loss=Choice(training["loss"], training["loss_options"]),
            augmentation=Augmentation(**{**training["augmentation"], "inversion": 0.0}),
            start_from=str(self.starter) if from_starter else None,
            learning_rate=FINE_TUNING_RATE if from_starter else training["learning_rate"],
            tiles=Tiles(160, 0),
            monitor="val_loss",
            samples_every=0,
            epochs=epochs,
            precision="bfloat16",
            seed=seed,
        )

    def epochs_for(self, minutes: float) -> int:
        """Return how many epochs take so many minutes of one core, from the time of the first few."""
        ends: list[float] = []
        settings = self.settings(_TIMED_EPOCHS, 0, from_starter=True)
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            chosen, report = labelled(self.train[: max(SIZES)]), lambda _: ends.append(time.process_time())
            train_segmentation(settings, chosen, labelled(self.val), Path(folder) / "work", on_epoch=report)
        each = (ends[-1] - ends[0]) / (len(ends) - 1)
        return max(round((60 * minutes - (ends[0] - each - began)) / each), 1)

    def run(self, images: int, start: str, seed: int, epochs: int) -> pd.DataFrame:
        """Train once and return one row per test image."""
        order = np.random.default_rng(seed).permutation(len(self.train))
        learnt = labelled([self.train[place] for place in order[:images]])
        settings = self.settings(epochs, seed, from_starter=start == "starter")
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            model, _ = train_segmentation(settings, learnt, labelled(self.val), Path(folder) / "work")
            minutes = (time.process_time() - began) / 60
            path = Path(folder) / "model.pt"
            path.write_bytes(model)
            table = self.score(path)
        return table.assign(images=images, start=start, seed=seed, epochs=epochs, core_minutes=round(minutes, 2))

    def score(self, path: Path) -> pd.DataFrame:
        """Return one row per test image: counts with the starter's diameters, and with the model's own (`_own`)."""
        given = evaluate(starter(path, self.diameters)[0], self.test)
        own = evaluate(starter(path)[0], self.test)
        return given.join(own[["found", *_COUNTS]].add_suffix("_own"))


def labelled(images: Images) -> list[LabelledImage]:
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


def compare(starter_path: Path) -> tuple[Comparison, pd.DataFrame]:
    """Return what all runs share, and the rows of the starter itself, which learned from no image."""
    train, val, test = (read_set("dsb2018", split) for split in ("train", "val", "test"))
    find, diameters = starter(starter_path)
    untouched = evaluate(find, test)
    both = untouched.join(untouched[["found", *_COUNTS]].add_suffix("_own"))
    given = dict(zip(untouched["image"], diameters, strict=True))
    rows = both.assign(images=0, start="starter", seed=0, epochs=0, core_minutes=0.0)
    return Comparison(starter_path, train, val, test, given), rows


def tabulate_runs(images: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: F1 with its interval over test images, and count errors."""
    rows = []
    for key, run in images.groupby(_RUN, sort=False):
        named: dict[str, Any] = dict(zip(_RUN, key, strict=True))
        named |= {"epochs": run["epochs"].iloc[0], "core_minutes": run["core_minutes"].iloc[0]}
        for end in ("", "_own"):
            named |= _f1(run, end) | {f"count_mae{end}": (run[f"found{end}"] - run["true"]).abs().mean()}
        rows.append(named)
    return pd.DataFrame(rows)


def tabulate_starts(images: pd.DataFrame) -> pd.DataFrame:
    """Return one row per number of images and start: F1 of all seeds together, and its least and largest of one seed.

    Intervals are over test images; the counts of one image by all seeds are drawn together.
    """
    runs, rows = tabulate_runs(images), []
    for (number, start), group in images.groupby(["images", "start"], sort=True):
        row: dict[str, Any] = {"images": number, "start": start, "seeds": group["seed"].nunique()}
        own = runs[(runs["images"] == number) & (runs["start"] == start)]
        for end in ("", "_own"):
            row |= _f1(group, end) | {f"least{end}": own[f"f1{end}"].min(), f"largest{end}": own[f"f1{end}"].max()}
        rows.append(row)
    return pd.DataFrame(rows)


def tabulate_gains(images: pd.DataFrame) -> pd.DataFrame:
    """Return by how much F1 differs, image by image: from the starter and from scratch, each from no training."""
    rows = []
    none = images[images["images"] == 0].set_index("image")
    for (number, start), group in images[images["images"] > 0].groupby(["images", "start"], sort=True):
        before = none.loc[group["image"], _COUNTS].to_numpy(float)
        both = np.hstack([group[_COUNTS].to_numpy(float), before])
        found = bootstrap_interval(both, _difference, units=group["image"].to_numpy())
        rows.append({"images": number, "start": start, "gain": found.estimate, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def _difference(totals: np.ndarray) -> Any:
    return f1(*np.moveaxis(totals[..., :3], -1, 0)) - f1(*np.moveaxis(totals[..., 3:], -1, 0))


def _f1(rows: pd.DataFrame, end: str) -> dict[str, float]:
    counts = rows[[f"{name}{end}" for name in _COUNTS]].to_numpy(float)
    found = ratio_interval(counts, f1, units=rows["image"].to_numpy())
    return {f"f1{end}": found.estimate, f"f1{end}_low": found.low, f"f1{end}_high": found.high}


def plot(images: pd.DataFrame, file: Path) -> None:
    """Draw F1 over the number of images: all seeds with the interval over test images, and each seed as a dot."""
    from matplotlib.figure import Figure

    starts, runs = tabulate_starts(images), tabulate_runs(images)
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    for start, colour, title in (("starter", "#0072B2", "from the starter"), ("scratch", "#D55E00", "from scratch")):
        rows, dots = starts[starts["start"] == start], runs[runs["start"] == start]
        ends = np.abs(rows[["f1_low", "f1_high"]].to_numpy().T - rows["f1"].to_numpy())
        # Beside each other, so that no interval hides another.
        aside = 0.15 if start == "scratch" else -0.15
        axes.errorbar(rows["images"] + aside, rows["f1"], yerr=ends, color=colour, marker="o", capsize=4, label=title)
        axes.plot(dots["images"] + aside, dots["f1"], ".", color=colour, alpha=0.5)
    axes.set(xlabel="training images of dsb2018", ylabel="F1 at IoU 0.5 (20 test images)", ylim=(None, 1))
    axes.set_xticks(sorted(images["images"].unique()))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Do the runs that are missing, and print and write what all show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("starter", type=Path)
    parser.add_argument("--images", type=Path, required=True, help="a CSV with one row per run and test image, kept")
    parser.add_argument("--minutes", type=float, default=3.0, help="of one core, for each training")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--csv", type=Path, help="a CSV with one row per run")
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    comparison, untouched = compare(chosen.starter)
    done = pd.read_csv(chosen.images) if chosen.images.is_file() else untouched
    trained = done[done["images"] > 0]
    epochs = int(trained["epochs"].iloc[0]) if len(trained) else comparison.epochs_for(chosen.minutes)
    finished = set(done[_RUN].itertuples(index=False, name=None))
    for seed, size, start in product(chosen.seeds, chosen.sizes, ("starter", "scratch")):
        if (size, start, seed) not in finished:
            done = pd.concat([done, comparison.run(size, start, seed, epochs)], ignore_index=True)
            done.to_csv(chosen.images, index=False)
            print(tabulate_runs(done).tail(1).round(3).to_string(index=False, header=False), flush=True)
    for table in (tabulate_runs(done), tabulate_starts(done), tabulate_gains(done)):
        print(table.round(3).to_string(index=False), flush=True)
    if chosen.csv:
        tabulate_runs(done).round(3).to_csv(chosen.csv, index=False)
    if chosen.figure:
        plot(done, chosen.figure)


if __name__ == "__main__":
    main()
