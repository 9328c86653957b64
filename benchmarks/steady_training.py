"""Compare ways to a steady validation of a segmentation network, in equal processor minutes of training.

    OMP_NUM_THREADS=1 python benchmarks/steady_training.py --images dsb2018 --train 20 --seed 0 --minutes 3 --csv steady.csv

One training of U-Net++ with ResNet-18 is watched by several networks at once, which change nothing of it: its weights as
they are (``raw``), exponential averages of weights and batch statistics (``ema_…``, the number is the decay), the raw
weights with slower batch statistics (``slow_statistics``: momentum 0.02 instead of 0.1) or with statistics computed anew
on eight batches before each validation (``new_statistics``). What changes the training itself, a limit of the gradient's
norm and group normalisation, is a training of its own (``--clip``, ``--group-norm``). Each keeps the epoch with the lowest
validation loss and is evaluated on the same held-back images, at the default threshold. Validation is not counted
in the minutes.
"""

import argparse
import copy
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from starter import Images, read_set
from starter_fine_tuning import labelled
from steady_watchers import Watchers, use_group_norm
from torch import nn

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.metrics.intervals import ratio_interval
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.fitting import create_loaders, create_module, create_parts_of
from cell_pipelines.training.segmentation.network_module import create_optimizer
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import _prepare
from cell_pipelines.workflows.trained_model import TrainedModel

#: The settings of U-Net++ in the study dsb2018.
TRAINING = SegmentationTraining(
    NetworkSpec("unetplusplus", "resnet18", options={"encoder_depth": 3, "decoder_channels": [64, 32, 16]}),
    colour="grey", representation=Choice("binary", {"shrink_px": 1}), loss=Choice("combo", {"alpha": 0.5, "beta": 0.5}),
    weight_map=Choice("border", {"w0": 5.0, "sigma_px": 5.0}), tiles=Tiles(256, 0, per_epoch=64), batch=8,
    augmentation=Augmentation(
        rotation_degrees=180, rotation_probability=0.5, horizontal_flip=0.5, vertical_flip=0.5, zoom_from=0.8,
        zoom_to=1.25, zoom_probability=0.5, brightness=0.3, noise=0.03, noise_probability=0.5,
    ),
    monitor="val_loss", learning_rate=0.003, weight_decay=0.01, schedule=Schedule("one_cycle"), samples_every=0,
    device="cpu",
)  # fmt: skip


def validate(module: Any, network: nn.Module, images: Any) -> tuple[float, float]:
    """Return loss and Dice on whole images."""
    trained, module.network = module.network, network.eval()
    module.start_epoch()
    module.keep_samples = 0
    with torch.no_grad():
        for number, batch in enumerate(images):
            module.validation_step(batch, number)
    module.network = trained
    tp, fp, fn, loss, items = torch.stack(module.validation).sum(dim=0).tolist()
    return loss / items, 2 * tp / max(2 * tp + fp + fn, 1)


def train(
    args: argparse.Namespace, learnt: Images, looked_at: Images, folder: Path
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Train by the clock, keep each watcher's best network in the folder, and return their validation."""
    training = replace(TRAINING, seed=args.seed, gradient_clip=args.clip, tiles=Tiles(args.tile, 0, per_epoch=64))
    job = _prepare(training, labelled(learnt), labelled(looked_at), folder, {}, resume=False)
    representation, loss = create_parts_of(job.training)
    loaders = create_loaders(job, representation, 0)
    module = create_module(job, representation, loss, loaders.steps)
    network, probe = module.network, copy.deepcopy(module.network)
    optimizer = create_optimizer(job.training, network.parameters(), job.learning_rate)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, job.learning_rate, total_steps=10_001)
    watchers = Watchers(network, lambda: iter(loaders.train), few=bool(args.clip or args.group_norm or args.few))
    budget, used, epoch, looks, rows, best = args.minutes * 60, 0.0, 0, 0, [], {}
    while used < budget:
        loaders.sampler.epoch = epoch
        network.train()
        mark = time.process_time()
        for batch in loaders.train:
            loss_now = module._loss(*module._compare(batch))
            optimizer.zero_grad()
            loss_now.backward()
            if args.clip:
                nn.utils.clip_grad_norm_(network.parameters(), args.clip)
            optimizer.step()
            used, mark = used + time.process_time() - mark, time.process_time()
            scheduler.last_epoch = min(10_000, round(10_000 * used / budget)) - 1
            scheduler.step()
            watchers.follow()
            mark = time.process_time()
            if used >= budget:
                break
        epoch += 1
        if used < budget and used < budget * (looks + 1) / args.looks:
            continue
        looks += 1
        for name, state in watchers.states().items():
            probe.load_state_dict(state)
            val_loss, dice = validate(module, probe, loaders.val)
            rows.append({"way": name, "epoch": epoch, "used": used, "val_loss": val_loss, "val_dice": dice})
            if val_loss <= best.get(name, np.inf):
                best[name] = val_loss
                (folder / f"{name}.pt").write_bytes(write_checkpoint(probe, job.description))
    return pd.DataFrame(rows), {**watchers.seconds, "raw": 0.0, "steps": watchers.steps, "looks": looks}


def evaluate(path: Path, images: Images) -> dict[str, Any]:
    """Return counts at IoU 0.5 and 0.7 over all images, and count errors."""
    model, predictor = TrainedModel.open(path), create_predictor(path)
    representation, decoding = model.representation, model.thresholds.classes[model.categories[0]]
    counts, errors = [], []
    for _, image, truth in images:
        (scores,) = unpack_scores(predictor.predict(image))
        labels = representation.decode(scores, decoding).labels
        counts.append(match_instances(truth, labels, thresholds=(0.5, 0.7)))
        errors.append(int(labels.max()) - len(np.unique(truth[truth > 0])))
    total = sum(counts[1:], counts[0])
    return {
        "f1_50": total.f1[0], "f1_70": total.f1[1], "pq": total.panoptic_quality[0],
        "count_mae": float(np.abs(errors).mean()), "count_bias": float(np.mean(errors)),
        "tp": [int(one.tp[0]) for one in counts], "fp": [int(one.fp[0]) for one in counts],
        "fn": [int(one.fn[0]) for one in counts],
    }  # fmt: skip


def tabulate(path: Path) -> str:
    """Return a Markdown table of a CSV: one row per set and way, seeds together, F1 with its interval over images."""
    rows, keys = pd.read_csv(path), ["set", "train", "tile", "minutes", "training", "way"]
    lines = ["| set, images, tile, minutes | training, way | seeds | F1@.5 | F1@.7 | PQ | count MAE | lowest, last Dice |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for key, group in rows.groupby(keys, sort=False):
        counts = [[json.loads(text) for text in group[name]] for name in ("tp", "fp", "fn")]
        score = ratio_interval(np.array(counts, float).reshape(3, -1).T, f1)
        mean = group[["f1_70", "pq", "count_mae", "lowest_dice", "last_dice"]].mean()
        name, images, tile, minutes, training, way = key
        lines.append(
            f"| {name}, {images}, {tile}, {minutes:g} | {training}, {way} | {', '.join(map(str, group['seed']))} "
            f"| {score.estimate:.3f} ({score.low:.3f} to {score.high:.3f}) | {mean['f1_70']:.3f} | {mean['pq']:.3f} "
            f"| {mean['count_mae']:.1f} | {mean['lowest_dice']:.2f}, {mean['last_dice']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="dsb2018")
    parser.add_argument("--train", type=int, default=20)
    parser.add_argument("--val", type=int, default=4)
    parser.add_argument("--test", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--looks", type=int, default=8)
    parser.add_argument("--clip", type=float, default=0.0)
    parser.add_argument("--group-norm", action="store_true")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="only print the table of the CSV")
    args = parser.parse_args()
    if args.table:
        print(tabulate(args.csv))
        return
    images = read_set(args.images, "all")
    held_out = np.random.default_rng(7).permutation(len(images))
    test, rest = held_out[: args.test], held_out[args.test :]
    order = np.random.default_rng(args.seed).permutation(rest)
    learnt, looked_at = order[: args.train], order[args.train : args.train + args.val]
    if args.group_norm:
        use_group_norm()
    kind = "group_norm" if args.group_norm else f"clip_{args.clip:g}" if args.clip else "base"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        history, seconds = train(args, [images[i] for i in learnt], [images[i] for i in looked_at], folder)
        for way, looks in history.groupby("way", sort=False):
            late = looks[looks["used"] > 0.25 * args.minutes * 60]
            row = {
                "set": args.images, "train": args.train, "tile": args.tile, "seed": args.seed, "minutes": args.minutes, "training": kind,
                "way": way, "steps": seconds["steps"], "extra_seconds": seconds.get(way, 0.0),
                "best_epoch": int(looks.loc[looks["val_loss"].idxmin(), "epoch"]), "epochs": int(looks["epoch"].max()),
                "lowest_dice": late["val_dice"].min(), "last_dice": looks["val_dice"].iloc[-1],
                "val_loss": looks["val_loss"].min(), "dices": " ".join(f"{d:.3f}" for d in looks["val_dice"]),
                **evaluate(folder / f"{way}.pt", [images[i] for i in test]),
            }  # fmt: skip
            pd.DataFrame([row]).to_csv(args.csv, mode="a", header=not args.csv.exists(), index=False)
            print({k: v for k, v in row.items() if k not in ("tp", "fp", "fn")}, flush=True)


if __name__ == "__main__":
    main()
