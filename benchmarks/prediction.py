"""Prediction of 2560x1920 images: ours against `yolo predict` as shipped, same weights, same boxes.

Each side runs in a process of its own, in turn, so that neither inherits the other's threads; the figure is
seconds per image after one warm-up image, reading included.

    python benchmarks/prediction.py --weights data/demo/06_models/yolo.pt --size 1280
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CONFIDENCE, IOU = 0.25, 0.7


def run_ours(weights: Path, folder: Path, size: int, margin: float = 0.0) -> dict:
    from cell_pipelines.imaging.reading import read_image
    from cell_pipelines.inference.detection import BoxPredictor
    from cell_pipelines.workflows.parallel import load_ahead

    predictor = BoxPredictor(weights, image_size=size, confidence=CONFIDENCE, iou=IOU, margin=margin, device="cpu")
    paths = sorted(folder.glob("*.png"))
    predictor.predict(read_image(paths[0]))
    start = time.perf_counter()
    boxes = [predictor.predict(image).boxes.tolist() for _, image in load_ahead(read_image, paths)]
    return {"seconds": (time.perf_counter() - start) / len(paths), "boxes": boxes}


def run_theirs(weights: Path, folder: Path, size: int) -> dict:
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics import YOLO

    model = YOLO(str(weights))
    paths = sorted(folder.glob("*.png"))
    arguments = {"imgsz": size, "conf": CONFIDENCE, "iou": IOU, "device": "cpu", "verbose": False, "max_det": 30_000}
    model.predict(str(paths[0]), **arguments)
    start = time.perf_counter()
    boxes = [r.boxes.xyxy.tolist() for r in model.predict(str(folder), stream=True, **arguments)]
    return {"seconds": (time.perf_counter() - start) / len(paths), "boxes": boxes}


def make_images(folder: Path, count: int) -> None:
    from cell_pipelines.imaging.reading import write_image
    from cell_pipelines.simulation.emission import show_emission
    from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead

    scene = LiveDeadScene(height=1920, width=2560, cells=500, mean_radius_px=22)
    for i in range(count):
        write_image(show_emission(simulate_live_dead(scene, i).blue, "blue"), folder / f"{i:02d}.png")


def measure(side: str, weights: Path, folder: Path, size: int) -> dict:
    words = [
        sys.executable,
        __file__,
        "--weights",
        str(weights),
        "--size",
        str(size),
        "--side",
        side,
        "--folder",
        folder,
    ]
    output = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=1280)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=["ours", "theirs"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.side:
        side = run_ours if args.side == "ours" else run_theirs
        print(json.dumps(side(args.weights, args.folder, args.size)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder), args.images)
        pairs = [
            (
                measure("ours", args.weights, Path(folder), args.size),
                measure("theirs", args.weights, Path(folder), args.size),
            )
            for _ in range(args.rounds)
        ]
    ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in pairs]
    ours, theirs = (min(p[i]["seconds"] for p in pairs) for i in (0, 1))
    far = max(
        float(np.abs(np.array(a).reshape(-1, 4) - np.array(b).reshape(-1, 4)).max(initial=0))
        for a, b in zip(pairs[0][0]["boxes"], pairs[0][1]["boxes"], strict=True)
    )
    boxes = sum(map(len, pairs[0][0]["boxes"]))
    print(f"ours {ours:.3f} s per image, yolo predict {theirs:.3f} s per image (best of {args.rounds})")
    print(f"ratio {np.median(ratios):.2f} (median; {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"{boxes} boxes on both sides, at most {far:.3f} px apart")


if __name__ == "__main__":
    main()
