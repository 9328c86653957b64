"""Training: our road against bare `model.train`, as shipped and with our two settings for the CPU.

Seconds a run of the same few epochs of the same data, each in a process of its own, in turn. "As shipped"
leaves one core idle; "tuned" uses all cores and channels-last memory as ours does, so that what is left is
the cost of our pipeline's own work (callbacks, the checkpoint that survives a kill, the history).

    python benchmarks/training.py --data data/bccd/05_model_input/yolo/data.yaml
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SETTINGS = {
    "imgsz": 320, "batch": 8, "nbs": 8, "optimizer": "AdamW", "lr0": 0.001, "patience": 50, "seed": 0, "cache": True,
}  # fmt: skip


def run(side: str, data: Path, epochs: int, folder: Path) -> float:
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics, use_all_cores

    prepare_ultralytics()
    from ultralytics import YOLO

    settings = {**SETTINGS, "epochs": epochs}
    if side == "ours":
        from cell_pipelines.training.detection.settings import YoloTraining
        from cell_pipelines.training.detection.train import train_yolo

        start = time.perf_counter()
        train_yolo(
            YoloTraining(weights="yolov8n.yaml", from_scratch=True, settings=settings, device="cpu"), data, folder
        )
        return time.perf_counter() - start
    model = YOLO("yolov8n.yaml")
    if side == "tuned":
        import torch

        def tune(trainer: object) -> None:
            use_all_cores()
            for network in (trainer.model, trainer.ema.ema):
                network.to(memory_format=torch.channels_last)

        model.add_callback("on_train_start", tune)
    start = time.perf_counter()
    model.train(
        data=str(data), project=str(folder), name="run", device="cpu", amp=False, plots=False, verbose=False,
        **settings,
    )  # fmt: skip
    return time.perf_counter() - start


def measure(side: str, data: Path, epochs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--data", data, "--epochs", epochs, "--side", side, "--folder", folder]
        output = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True).stdout
    return float(output.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=["ours", "shipped", "tuned"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.side:
        print(run(args.side, args.data.absolute(), args.epochs, args.folder))
        return
    rounds = [
        {side: measure(side, args.data, args.epochs) for side in ("ours", "shipped", "tuned")}
        for _ in range(args.rounds)
    ]
    for side in ("ours", "shipped", "tuned"):
        print(f"{side:8s} {median(r[side] for r in rounds):7.1f} s for {args.epochs} epochs (median of {args.rounds})")
    for side in ("shipped", "tuned"):
        ratios = [r["ours"] / r[side] for r in rounds]
        print(f"ours / {side}: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
