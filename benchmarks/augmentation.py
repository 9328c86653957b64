"""Measure what kinds of augmentation, batch, rate and sampling bring, by short trainings that have half of them each.

    OMP_NUM_THREADS=1 python benchmarks/augmentation.py --csv augmentation.csv --runs 0 32
    OMP_NUM_THREADS=1 python benchmarks/augmentation.py --csv augmentation.csv --table

A folded Hadamard design (Plackett and Burman, 1946, doi:10.1093/biomet/33.4.305): of 32 trainings each kind is on in 16,
and each pair of kinds is on together in 8, so all trainings say something about every kind, and no effect is mixed with
an interaction of two others. A training has 10 images of one set and 2 for validation, tiles of 128 px and bfloat16, the
recipe of dsb2018 besides; it is evaluated at its default threshold on images that none of the trainings saw: of its own
set, and of the other one, another laboratory's. Four draws of images and seeds are balanced likewise.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import hadamard
from scipy.stats import t as student
from skimage.segmentation import relabel_sequential
from starter import Images, read_set
from starter_fine_tuning import labelled

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.sampling import Oversampling
from cell_pipelines.training.segmentation.settings import Choice, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation
from cell_pipelines.workflows.planning.own_study import AUGMENTATION
from cell_pipelines.workflows.trained_model import TrainedModel

KINDS: dict[str, dict[str, Any]] = {
    "contrast": {"contrast": 0.7},
    "blur": {"blur_px": 2.0, "blur_probability": 0.3},
    "copy-paste": {"copy_paste": 8, "copy_paste_probability": 0.5},
    "wide zoom": {"zoom_from": 0.5, "zoom_to": 2.0, "zoom_probability": 0.7},
    "gamma": {"gamma": 0.7},
    "elastic": {"elastic_px": 3.0, "elastic_wavelength_px": 40.0, "elastic_probability": 0.3},
    "inversion": {"inversion": 0.1},
}
FACTORS = ("set", *KINDS, "batch 4", "density", "rate 0.006", "draw", "seed")
SETS = ("bbbc039", "dsb2018")
TEST = {"dsb2018": 20, "bbbc039": 6}
_TRAIN, _VAL = 10, 2
_MEASURES = ("own_50", "own_70", "other_50", "other_70")


def design() -> pd.DataFrame:
    """Return one row per training, one column per factor: -1 or 1; the first 16 are balanced by themselves."""
    half = hadamard(16)[:, ::-1]
    columns = np.vstack([half, -half])[:, : len(FACTORS)]
    return pd.DataFrame(columns, columns=list(FACTORS))


def read_sets() -> dict[str, tuple[Images, Images]]:
    """Return test images and others of both sets; those of BBBC039 are quarters, to be evaluated in less time."""
    found = {}
    for name in SETS:
        images = read_set(name, "all")
        if name == "bbbc039":
            parts = [(file, image[:256, :344], labels[:256, :344]) for file, image, labels in images if labels.any()]
            images = [(file, image, relabel_sequential(labels)[0]) for file, image, labels in parts]
        order = np.random.default_rng(7).permutation(len(images))
        chosen = [images[place] for place in order]
        found[name] = (chosen[: TEST[name]], chosen[TEST[name] :])
    return found


def settings(on: Sequence[str], seed: int, tiles: int) -> SegmentationTraining:
    """Return the settings of a training with these kinds."""
    augmentation = dict(AUGMENTATION)
    for kind in on:
        augmentation |= KINDS.get(kind, {})
    return SegmentationTraining(
        network=NetworkSpec("unet", "tu-resnet18", options={"encoder_depth": 3, "decoder_channels": [64, 32, 16]}),
        colour="grey", representation=Choice("binary", {"shrink_px": 1}), loss=Choice("combo"),
        weight_map=Choice("border", {"w0": 5.0, "sigma_px": 5.0}), tiles=Tiles(128, 0, per_epoch=tiles // 4),
        oversampling=Oversampling(density=float("density" in on)), augmentation=Augmentation(**augmentation), epochs=4,
        monitor="val_loss", batch=4 if "batch 4" in on else 8, learning_rate=0.006 if "rate 0.006" in on else 0.003,
        weight_decay=0.01, samples_every=0, precision="bfloat16", seed=seed,
    )  # fmt: skip


def evaluate(path: Path, images: Images) -> list[float]:
    """Return F1 at IoU 0.5 and 0.7 of all cells of the images."""
    model, predictor, counts = TrainedModel.open(path), create_predictor(path), np.zeros((2, 3))
    assert model.representation is not None
    for _, image, truth in images:
        (scores,) = unpack_scores(predictor.predict(image))
        found = model.representation.decode(scores, model.thresholds.classes[model.categories[0]]).labels
        matched = match_instances(truth, found, thresholds=(0.5, 0.7))
        counts += np.column_stack([matched.tp, matched.fp, matched.fn])
    return [float(value) for value in f1(*counts.T)]


def run(sets: dict[str, tuple[Images, Images]], row: "pd.Series[Any]", tiles: int) -> dict[str, Any]:
    """Train once and return the factors, processor seconds of the training, and F1 on both sets' test images."""
    own, other = SETS[int(row["set"] > 0)], SETS[int(row["set"] < 0)]
    seed = int(row["draw"] > 0) + 2 * int(row["seed"] > 0)
    others = sets[own][1]
    order = np.random.default_rng(seed).permutation(len(others))
    learnt, checked = ([others[place] for place in part] for part in (order[:_TRAIN], order[_TRAIN : _TRAIN + _VAL]))
    on = [kind for kind in FACTORS[1:-2] if row[kind] > 0]
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        model, _ = train_segmentation(
            settings(on, seed, tiles), labelled(learnt), labelled(checked), Path(folder) / "w"
        )
        seconds = time.process_time() - began
        path = Path(folder) / "model.pt"
        path.write_bytes(model)
        scores = [*evaluate(path, sets[own][0]), *evaluate(path, sets[other][0])]
    return {**row.to_dict(), "tiles": tiles, "seconds": seconds, **dict(zip(_MEASURES, scores, strict=True))}


def tabulate(runs: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each factor changes each measure, by least squares, with the half width of 95 %."""
    used = [name for name in FACTORS if runs[name].nunique() > 1]
    matrix = np.column_stack([np.ones(len(runs)), runs[used].to_numpy(float)])
    rows: dict[str, Any] = {"": used}
    for measure in _MEASURES:
        values = runs[measure].to_numpy(float)
        effects, _, rank, _ = np.linalg.lstsq(matrix, values, rcond=None)
        left = len(values) - int(rank)
        spread = np.sqrt(np.sum((values - matrix @ effects) ** 2) / left) if left else np.nan
        rows[measure] = 2 * effects[1:]
        rows[f"{measure}_half_width"] = 2 * spread * np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix)))[1:] * (
            student.ppf(0.975, left) if left else np.nan)  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Do some of the trainings, or print the table of all that were done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, required=True, help="one row per training, kept")
    parser.add_argument("--runs", type=int, nargs=2, default=(0, 32), metavar=("FROM", "TO"))
    parser.add_argument("--tiles", type=int, default=400, help="of each training")
    parser.add_argument("--table", action="store_true")
    chosen = parser.parse_args()
    if not chosen.table:
        sets = read_sets()
        for _, row in design().iloc[slice(*chosen.runs)].iterrows():
            done = pd.DataFrame([run(sets, row, chosen.tiles)])
            done.to_csv(chosen.csv, mode="a", header=not chosen.csv.is_file(), index=False)
            print(done.to_string(index=False, header=False), flush=True)
    print(tabulate(pd.read_csv(chosen.csv)).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
