"""Our training of a segmentation network against a bare PyTorch loop that does the same steps on the same batches.

python benchmarks/segmentation_training.py --rounds 5
python benchmarks/segmentation_training.py --table --rounds 5

The first prints how much longer our steps take: Lightning, learning rate, history, checks of the loss and the wait for
tiles, which are kept in memory and not augmented, are all in it; validation and checkpoints are not. The second prints
seconds per image for the layouts and number formats that a CPU offers, of the bare loop.
"""

import argparse
import logging
import os
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.losses.registry import create_loss
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import use_all_cores
from cell_pipelines.training.reports import EpochReport
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.samples import LabelledImage
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation

NETWORKS = {
    "c-ResUNet 16": NetworkSpec("resunet", out_channels=1),
    "U-Net ResNet-18": NetworkSpec("unet", "resnet18", out_channels=1),
}


def give(image: np.ndarray) -> np.ndarray:
    return image


def images(count: int, size: int) -> list[LabelledImage]:
    """Return noise with squares for cells; what is learnt doesn't matter here."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        builder = AnnotationBuilder(["cell"])
        row = builder.add_image(f"{number}.png", width=size, height=size)
        for x, y in generator.uniform(0, size - 20, (20, 2)):
            square = np.array([[x, y], [x + 20, y], [x + 20, y + 20], [x, y + 20]])
            builder.add_polygon(row, "cell", [square])
        pixels = generator.integers(0, 256, (size, size, 3), dtype=np.uint8)
        made.append(LabelledImage(f"{number}.png", partial(give, pixels), builder.build()))
    return made


def ours(training: SegmentationTraining, samples: list[LabelledImage]) -> float:
    """Return the seconds per image of the last epoch's steps; the first one warms up."""
    rates: list[float] = []

    def keep(report: EpochReport) -> None:
        rates.append(report.row["images_per_second"])

    with tempfile.TemporaryDirectory() as folder:
        train_segmentation(training, samples, samples[:1], Path(folder), on_epoch=keep)
    return 1 / rates[-1]


def bare(
    training: SegmentationTraining, steps: int, *, channels_last: bool = True, bfloat16: bool = False, warm_up: int = 0
) -> float:
    """Return the seconds per image of as many steps with batches that are there from the start."""
    network, loss = create_network(training.network), create_loss(training.loss.name)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.0)
    batch = torch.rand(training.batch, 3, training.tiles.size, training.tiles.size).contiguous(memory_format=layout)
    target = (torch.rand(training.batch, 1, training.tiles.size, training.tiles.size) > 0.7).float()
    weights = torch.ones(training.batch, training.tiles.size, training.tiles.size)
    network.train()
    for step in range(warm_up + steps):
        if step == warm_up:
            start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            logits = network(batch)
        value = loss(logits.float(), target, weights)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return (time.perf_counter() - start) / (steps * training.batch)


def compare(args: argparse.Namespace) -> None:
    samples = images(args.images, args.size)
    for name, spec in NETWORKS.items():
        steps = -(-args.images // args.batch)
        training = SegmentationTraining(
            spec, epochs=2, tiles=Tiles(args.size, 0, jitter=False, per_epoch=0), batch=args.batch, device="cpu",
            loss=Choice("dice"), schedule=Schedule("constant"), augmentation=Augmentation(), samples_every=0,
        )  # fmt: skip
        pairs = []
        for _ in range(args.rounds):
            pairs.append((ours(training, samples), bare(training, steps, warm_up=steps)))
        ratios = sorted(a / b for a, b in pairs)
        best = [min(side) for side in zip(*pairs, strict=True)]
        print(
            f"| {name}, {args.size} px, batch {args.batch}, {steps} steps | bare PyTorch loop | "
            f"**{statistics.median(ratios):.3f} of its time** ({ratios[0]:.3f} to {ratios[-1]:.3f}); best "
            f"{best[0]:.4f} s against {best[1]:.4f} s per image |"
        )


def table(args: argparse.Namespace) -> None:
    kinds = {"float32": (False, False), "float32 channels_last": (True, False), "bfloat16 channels_last": (True, True)}
    print("| network | " + " | ".join(kinds) + " |")
    print("|---|" + "---|" * len(kinds))
    for name, spec in NETWORKS.items():
        training = SegmentationTraining(
            replace(spec), tiles=Tiles(args.size), loss=Choice("dice"), batch=args.batch, device="cpu"
        )
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(args.rounds):
            for kind, (layout, narrow) in kinds.items():
                times[kind].append(bare(training, 2, channels_last=layout, bfloat16=narrow, warm_up=1))
        cells = [f"{min(t):.3f} (median {statistics.median(t):.3f})" for t in times.values()]
        print(f"| {name} {args.size} px | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="seconds per image by layout and number format")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--images", type=int, default=32, help="tiles an epoch of the comparison")
    args = parser.parse_args()
    logging.getLogger("cell_pipelines").setLevel(logging.WARNING)
    if "OMP_NUM_THREADS" not in os.environ:
        use_all_cores()
    print(f"{torch.get_num_threads()} threads; load {os.getloadavg()[0]:.1f}", flush=True)
    (table if args.table else compare)(args)


if __name__ == "__main__":
    main()
