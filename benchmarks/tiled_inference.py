"""Large images through a segmentation network: ours beside MONAI's sliding window, time, memory and seams.

    python benchmarks/tiled_inference.py --rounds 5

Both sides overlap by the same number of pixels (0.25 and 0.5 of 512), run the same untrained network in the same memory
layout on all cores, and give probabilities. MONAI cuts tiles of 512; ours takes the largest tiles that 2 GB allow, and
the largest in about the memory that MONAI took. Every prediction has a process of its own, the sides in turn; memory is
the peak above what the process had before it. The last rows give the differences from the whole image in one piece, of
both sides with tiles of 512.
"""

import argparse
import ctypes
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

TILE = 512
NETWORKS = {"c-ResUNet": ("resunet", None), "U-Net r18": ("unet", "resnet18")}
SIDES = ("ours", "ours_equal", "monai")
# The pixels of a tile of 512 and a little, for what MONAI holds beside its network.
EQUAL_PIXELS = 1.1 * TILE**2


def make_network(name: str):
    import torch

    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec

    torch.manual_seed(0)
    architecture, encoder = NETWORKS[name]
    network = create_network(NetworkSpec(architecture, encoder))
    images = torch.from_numpy(make_image(512, 512)).permute(2, 0, 1)[None].float() / 255
    # Without statistics of its own every layer would be larger than the one before, and rounding with it.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(images[..., :256, :256])
    return network.eval()


def prepare_ours(name: str, *, tile: int | None = None, memory_gb: float | None = None, equal: bool = False):
    """Return what predicts an image (H, W, 3) of 8 bits."""
    from cell_pipelines.inference.network import TileNetwork
    from cell_pipelines.inference.pixels import UnitPixels
    from cell_pipelines.inference.tiled_scores import predict_scores
    from cell_pipelines.representations.binary import Binary

    network = TileNetwork(make_network(name), Binary(), device="cpu")
    if equal:
        memory_gb = EQUAL_PIXELS / network.fitting_pixels(1.0)

    def predict(image: np.ndarray, overlap: int) -> np.ndarray:
        pixels = UnitPixels(image)
        (scores,), _ = predict_scores(network, pixels, tile=tile, overlap=overlap, memory_gb=memory_gb)
        return scores["cell"] / np.float32(65535)

    return predict


def prepare_monai(name: str, batch: int):
    import torch
    from monai.inferers import SlidingWindowInferer

    from cell_pipelines.models.ultralytics_home import use_all_cores

    use_all_cores()
    network = make_network(name).to(memory_format=torch.channels_last)

    def predict(image: np.ndarray, overlap: int) -> np.ndarray:
        inferer = SlidingWindowInferer(TILE, sw_batch_size=batch, overlap=overlap / TILE, mode="gaussian")
        with torch.inference_mode():
            tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float().div_(255)
            return inferer(tensor, network).sigmoid()[0, 0].numpy()

    return predict


def prepare(side: str, args: argparse.Namespace):
    if side == "monai":
        return prepare_monai(args.network, args.batch)
    return prepare_ours(args.network, memory_gb=args.memory_gb, equal=side == "ours_equal")


def make_image(height: int, width: int) -> np.ndarray:
    """Return noise with bright discs."""
    import cv2

    rng = np.random.default_rng(0)
    image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    for row, column in rng.integers(0, (height, width), (300, 2)).tolist():
        cv2.circle(image, (column, row), int(rng.integers(8, 25)), rng.integers(90, 255, 3).tolist(), -1)
    return image


def run_side(args: argparse.Namespace) -> dict:
    image = make_image(args.height, args.width)
    predict = prepare(args.side, args)
    predict(image[:64, :64], 0)
    # What the C library keeps for later is no memory that this prediction takes.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = resident_mb()
    start, busy = time.perf_counter(), time.process_time()
    predict(image, args.overlap)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    # Linux counts in KiB.
    return {"seconds": seconds, "cpu": busy, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before}


def run_agreement(args: argparse.Namespace) -> dict:
    """Return how far each side is from the whole image in one piece, at most and at the 99.9th percentile."""
    image = make_image(args.height, args.width)
    whole = prepare_ours(args.network, memory_gb=1e3)(image, args.overlap)
    sides = {"ours": prepare_ours(args.network, tile=TILE), "monai": prepare_monai(args.network, 1)}
    far = {side: np.abs(predict(image, args.overlap) - whole) for side, predict in sides.items()}
    return {side: [float(d.max()), float(np.quantile(d, 0.999))] for side, d in far.items()}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(side: str, network: str, size: tuple[int, int], overlap: int, args: argparse.Namespace) -> dict:
    words = [
        sys.executable, __file__, "--side", side, "--network", network, "--height", size[0], "--width", size[1],
        "--overlap", overlap, "--batch", args.batch, "--memory-gb", args.memory_gb,
    ]  # fmt: skip
    output = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def compare(network: str, size: tuple[int, int], overlap: int, args: argparse.Namespace) -> str:
    rounds = [{side: measure(side, network, size, overlap, args) for side in SIDES} for _ in range(args.rounds)]
    best = {side: min(r[side]["seconds"] for r in rounds) for side in SIDES}
    peak = {side: max(r[side]["mb"] for r in rounds) for side in SIDES}
    cells = [f"{network}, {size[1]}x{size[0]}, overlap {overlap}", f"{best['monai']:.2f} s, {peak['monai']:.0f} MB"]
    for side in ("ours", "ours_equal"):
        ratios = [r["monai"]["seconds"] / r[side]["seconds"] for r in rounds]
        busy = np.median([r["monai"]["cpu"] / r[side]["cpu"] for r in rounds])
        cells.append(
            f"{best[side]:.2f} s, {peak[side]:.0f} MB: **{np.median(ratios):.2f} times as fast** "
            f"({min(ratios):.2f} to {max(ratios):.2f}; processor time {busy:.2f}), {peak[side] / peak['monai']:.2f} of the memory"
        )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", default=["1200x1600", "2560x1920"], help="height x width")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--overlaps", nargs="+", type=int, default=[TILE // 4, TILE // 2])
    parser.add_argument("--batch", type=int, default=1, help="tiles at once in MONAI")
    parser.add_argument("--memory-gb", type=float, default=2.0)
    parser.add_argument("--side", choices=[*SIDES, "agreement"])
    for name in ("--height", "--width", "--overlap"):
        parser.add_argument(name, type=int)
    parser.add_argument("--network")
    args = parser.parse_args()
    if args.side:
        print(json.dumps(run_agreement(args) if args.side == "agreement" else run_side(args)))
        return
    sizes = [tuple(int(n) for n in size.split("x")) for size in args.sizes]
    print(f"| what | MONAI, tiles of {TILE} | ours | ours in MONAI's memory |\n|---|---|---|---|")
    for network in args.networks:
        for size in sizes:
            for overlap in args.overlaps:
                print(compare(network, size, overlap, args), flush=True)
    for network in args.networks:
        for overlap in args.overlaps:
            far = measure("agreement", network, sizes[0], overlap, args)
            text = ", ".join(f"{side} {most:.1e} ({usual:.1e})" for side, (most, usual) in far.items())
            print(f"{network}, overlap {overlap}: at most (99.9 %) from the whole: {text}", flush=True)


if __name__ == "__main__":
    main()
