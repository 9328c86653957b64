r"""Measure what corrections of a model's proposals bring, and how much work they are, with a simulated person.

    OMP_NUM_THREADS=1 python benchmarks/correction_gain.py starter.pt --set dsb2018 --images gain_images.csv \
        --csv correction_gain.csv --figure correction_gain.png

The start model must not have seen the images. Proposals are made, and corrected to the truth, by the functions of the
page (`correcting_user.py`); then the model is fine-tuned on the corrected images, or on what of them was corrected, and
evaluated on the set's test images, at the start
model's thresholds. No other annotation is used: the epoch is that of
the least loss on the corrected images themselves. Images are chosen as `next_images` ranks them, or at random. Of
`next_images` the draws differ in the training's random numbers, at random also in the images. For `t98g`, phase
contrast, the start is first trained on three of its images. Runs that are in `--images` already are not
repeated; each adds one row per test image.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import correction_tables as tables
import numpy as np
import pandas as pd
from correcting_user import SECONDS, CorrectingUser, Work, tabulate_work
from starter import DATA, SETS, Images, evaluate, read_set, starter
from starter_fine_tuning import labelled
from t98g import median_diameter, read_t98g, t98g_files

from cell_pipelines.analysis.active_learning.density import density, density_range
from cell_pipelines.analysis.active_learning.next_images import rank_images
from cell_pipelines.app.corrections import ImageCorrections
from cell_pipelines.app.counting import SCORES, UPLOADS, Count, open_count, run_count
from cell_pipelines.app.jobs import JobStore
from cell_pipelines.app.models import models_folder
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.reading import list_image_files
from cell_pipelines.models.checkpoint_file import read_description
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.pipelines.next_images.nodes import measure_images, score_new
from cell_pipelines.pipelines.next_images.parameters import NextImagesParameters
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.parameters.call_arguments import read_inference
from cell_pipelines.workflows.planning.start import FINE_TUNING_RATE
from cell_pipelines.workflows.trained_model import TrainedModel

_USER = "local"


@dataclass(frozen=True)
class Experiment:
    """What all runs share.

    Attributes:
        folder: Keeps the page's jobs, and the ranking.
        start: The model that proposes.
        pool: Images that may be corrected.
        test: Images that are evaluated.
        diameter: Of the cells in pixels, where it is given; None where models estimate it.
        epochs: Of each training, of 32 tiles.
    """

    folder: Path
    start: Path
    pool: Images
    test: Images
    diameter: float | None
    epochs: int

    def count(self) -> Count:
        """Return the count of the pool by the start, which is made once, as the page makes it."""
        store = JobStore(self.folder / "app")
        jobs = store.jobs(_USER)
        if not jobs:
            target = models_folder(store, _USER) / "start.pt"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.start, target)
            settings = {"model": "mine/start", "diameter": self.diameter}
            jobs = [store.create(_USER, "count", "pool", settings)]
            shutil.copytree(self.folder / "pool", store.folder(jobs[0]) / UPLOADS)
        try:
            return open_count(store, jobs[0])
        except MistakeError:  # not counted yet
            run_count(store, jobs[0])
        return open_count(store, jobs[0])

    def ranking(self, densities: Sequence[float]) -> list[str]:
        """Return the names of the pool's images in the order of `next_images`, which is made once."""
        kept = self.folder / "next_images.csv"
        if not kept.exists():
            parameters, count = NextImagesParameters(), self.count()
            images, folder = dict(count.images), count.folder / SCORES
            scores = score_new(("start",))(images, folder, read_inference(self.diameter), parameters, self.start)
            measured = measure_images(("start",))(scores, images, folder, parameters, self.start)
            weights = parameters.weights.model_dump()
            ranked = rank_images(measured, density_range(densities), weights=weights, diversity=parameters.diversity)
            with atomic_path(kept) as temporary:
                ranked.to_csv(temporary, index=False)
        return list(pd.read_csv(kept)["image"])

    def correct(self, order: Sequence[str], unit: str, amount: int) -> list[Work]:
        """Correct so many images of an order, or places in as many as it takes."""
        count = self.count()  # what another run corrected is forgotten
        shutil.rmtree(count.folder / "corrections", ignore_errors=True)
        truths = {one.name: one.annotations for one in labelled(self.pool)}
        works, left = list[Work](), amount
        for name in order[:amount] if unit == "images" else order:
            user = CorrectingUser(ImageCorrections(count, name), truths[name])
            works.append(user.work(None if unit == "images" else left))
            left -= works[-1].corrected
            if unit == "cells" and left <= 0:
                break
        return works

    def train(self, images: Sequence[LabelledImage], seed: int, start: Path | None = None) -> bytes:
        """Return the fine-tuned model's file with the start's thresholds."""
        own = read_description(start or self.start)
        training = own["training"]
        kept = ("normalisation", "colour", "cell_diameter_px", "weight_decay", "gradient_clip")
        settings = SegmentationTraining(
            network=NetworkSpec.from_dict(own["network"]),
            **{key: training[key] for key in kept},
            representation=Choice(own["representation"]["name"], own["representation"]["options"]),
            loss=Choice(training["loss"], training["loss_options"]),
            augmentation=Augmentation(**{**training["augmentation"], "inversion": 0.0}),
            start_from=str(start or self.start), learning_rate=FINE_TUNING_RATE, tiles=Tiles(160, 0, per_epoch=32),
            monitor="val_loss", samples_every=0, epochs=self.epochs, precision="bfloat16", seed=seed,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            model, _ = train_segmentation(settings, images, images, Path(folder) / "work")
            path = Path(folder) / "model.pt"
            path.write_bytes(model)
            return model if start else TrainedModel.open(path).store(TrainedModel.open(self.start).thresholds)

    def score(self, path: Path) -> pd.DataFrame:
        """Return one row per test image."""
        given = None if self.diameter is None else {name: self.diameter for name, *_ in self.test}
        return evaluate(starter(path, given)[0], self.test)

    def run(self, order: Sequence[str], unit: str, amount: int, draw: int) -> pd.DataFrame:
        """Correct, train and evaluate once; return one row per test image."""
        works, pixels = self.correct(order, unit, amount), {name: image for name, image, _ in self.pool}
        learnt = [LabelledImage(one.annotations.names[0], lambda one=one: pixels[one.annotations.names[0]],
                                one.annotations) for one in works]  # fmt: skip
        began = time.process_time()
        with tempfile.NamedTemporaryFile(suffix=".pt") as file:
            file.write(self.train(learnt, draw))
            file.flush()
            seconds = time.process_time() - began
            table = self.score(Path(file.name))
        return table.assign(**tabulate_work(works), core_seconds=round(seconds, 1), epochs=self.epochs)


def open_experiment(chosen: argparse.Namespace) -> tuple[Experiment, list[float]]:
    """Return the experiment, and the densities of images that the start is known to have learned from."""
    folder: Path = chosen.folder / chosen.set
    if chosen.set == "t98g":
        return _open_t98g(chosen, folder)
    files = {name: file.path for name, file in list_image_files(DATA / SETS[chosen.set][0] / "images").items()}
    pool = read_set(chosen.set, "train")[: chosen.pool]
    _keep_pool(folder, {name: files[name] for name, *_ in pool})
    return Experiment(folder, chosen.start, pool, read_set(chosen.set, "test"), None, chosen.epochs), []


def _open_t98g(chosen: argparse.Namespace, folder: Path) -> tuple[Experiment, list[float]]:
    """Return the experiment with a start that was trained on three of the images, whose diameter of cells is given."""
    learnt, start = read_t98g("prepare"), folder / "start.pt"
    _keep_pool(folder, t98g_files("pool"))
    experiment = Experiment(
        folder, start, read_t98g("pool"), read_t98g("test"), median_diameter(learnt), 2 * chosen.epochs
    )
    if not start.exists():
        with atomic_path(start) as temporary:
            temporary.write_bytes(experiment.train(labelled(learnt), 0, chosen.start))
    densities = [float(density(len(np.unique(labels)) - 1, *labels.shape)) for *_, labels in learnt]
    return replace(experiment, epochs=chosen.epochs), densities


def _keep_pool(folder: Path, files: Mapping[str, Path]) -> None:
    (folder / "pool").mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        if not (folder / "pool" / name).exists():
            shutil.copyfile(file, folder / "pool" / name)


def main() -> None:
    """Do the runs that are missing, and print and write what all show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", type=Path)
    parser.add_argument("--set", choices=("dsb2018", "t98g"), default="dsb2018")
    parser.add_argument("--images", type=Path, required=True, help="a CSV with one row per run and test image, kept")
    parser.add_argument("--folder", type=Path, default=Path("correction_gain"), help="keeps what all runs share")
    parser.add_argument("--pool", type=int, help="so many images to choose from, the first by name; all without it")
    parser.add_argument("--amounts", type=int, nargs="*", default=tables.AMOUNTS["images"], help="numbers of images")
    parser.add_argument("--cells", type=int, nargs="*", default=tables.AMOUNTS["cells"], help="numbers of corrections")
    parser.add_argument("--draws", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--epochs", type=int, default=12, help="of 32 tiles each")
    parser.add_argument("--seconds", nargs="*", default=(), help="KIND=SECONDS of work, " + ", ".join(SECONDS))
    parser.add_argument("--only-tables", action="store_true", help="train nothing")
    parser.add_argument("--csv", type=Path, help="a CSV with one row per run; those that are missing are empty")
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    each = SECONDS | {kind: float(value) for kind, value in (one.split("=") for one in chosen.seconds)}
    done = pd.read_csv(chosen.images) if chosen.images.is_file() else None
    if chosen.only_tables and done is None:
        parser.error(f"{chosen.images} is not there, so there are no runs to tabulate.")
    if not chosen.only_tables:
        done = do_missing(chosen, done, tables.planned_runs(chosen.amounts, chosen.cells, chosen.draws))
    done = tables.with_minutes(done, each)
    runs = tables.tabulate_runs(done)
    for table in (runs, tables.tabulate_conditions(done)):
        print(table.round(3).to_string(index=False), flush=True)
    if chosen.csv:
        tables.with_missing(runs).round(3).to_csv(chosen.csv, index=False)
    if chosen.figure:
        tables.plot(done, chosen.figure)


def do_missing(
    chosen: argparse.Namespace, done: pd.DataFrame | None, planned: Sequence[tuple[str, int, str, int]]
) -> pd.DataFrame:
    """Do each run that was not done yet, and keep its rows before the next."""
    experiment, densities = open_experiment(chosen)
    finished = set() if done is None else set(done[tables.RUN].itertuples(index=False, name=None))
    for unit, amount, order, draw in [("images", 0, "start", 0), *planned]:
        too_many = unit == "images" and amount > len(experiment.pool)
        if too_many or (chosen.set, unit, amount, order, draw) in finished:
            continue
        if order == "start":
            table = experiment.score(experiment.start)
        else:
            by_name = np.random.default_rng(draw).permutation([name for name, *_ in experiment.pool])
            ranked = experiment.ranking(densities) if order == "next_images" else list(by_name)
            table = experiment.run(ranked, unit, amount, draw)
        table = table.assign(set=chosen.set, unit=unit, amount=amount, order=order, draw=draw)
        done = table if done is None else pd.concat([done, table], ignore_index=True)
        with atomic_path(chosen.images) as temporary:
            done.to_csv(temporary, index=False)
        print(tables.tabulate_runs(done).tail(1).round(3).to_string(index=False, header=False), flush=True)
    return done


if __name__ == "__main__":
    main()
