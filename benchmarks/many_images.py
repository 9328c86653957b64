"""Convert and count many generated images: memory, time and size of the page beside a quarter as many, and runs that are killed.

`python benchmarks/many_images.py --folder /tmp/many --images 20000 --kills 5 --csv many_images.csv` writes the images once. Processor
times are of each command with its children; memory is sampled each second and told for each quarter of an unbroken run.
"""

import argparse
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from cell_pipelines.imaging.reading import write_image
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

SCENE = NucleiScene(height=256, width=256, cells=25, mean_radius_px=9.0, clumping=0.3, noise=0.5, debris=0.0)
DIAMETER_PX = 18
RESULTS = "demo/08_reporting/new"
PARTS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    rows = []
    for images in (arguments.images // PARTS, arguments.images):
        write_images(arguments.folder / str(images), images)
        rows.append({"what": "convert", "images": images, **convert(arguments.folder, images)})
        show(rows, arguments.csv)
        rows.append({"what": "predict", "images": images, **predict(arguments.folder, images)})
        show(rows, arguments.csv)
    if arguments.kills:
        name, number = f"predict, killed {arguments.kills} times", arguments.images
        killed = predict_killed(arguments.folder, number, arguments.kills, rows[-1]["clock_s"])
        rows.append({"what": name, "images": number, **killed})
        show(rows, arguments.csv)


def show(rows: list[dict], path: Path | None) -> None:
    table = pd.DataFrame(rows)
    print(table.to_string(index=False), flush=True)
    if path:
        table.to_csv(path, index=False, lineterminator="\n")


def write_images(folder: Path, number: int) -> None:
    """Write images and label images, each of a scene of its own."""
    if folder.exists():
        return
    for seed in range(number):
        scene = simulate_nuclei(SCENE, seed=seed)
        write_image(scene.image, folder / "images" / f"{seed:06d}.tif")
        write_image(scene.labels.astype(np.uint16), folder / "labels" / f"{seed:06d}.tif")


def convert(folder: Path, images: int) -> dict:
    place = folder / f"converted_{images}"
    source = folder / str(images)
    row = measure(
        ["-m", "cell_pipelines", "convert", str(source / "labels"), str(place), "--images", str(source / "images"),
         "--format", "coco", "--source-format", "label_image"],
    )  # fmt: skip
    return row | {"result_mb": megabytes(place)}


def predict(folder: Path, images: int) -> dict:
    place = folder / f"predicted_{images}"
    row = measure(command_for(folder, images), environment(place))
    counts = pd.read_csv(place / RESULTS / "counts.csv")
    return row | {
        "rows": len(counts), "cells": int(counts["total"].sum()),
        "page_kb": round((place / RESULTS / "report.html").stat().st_size / 1024),
    }  # fmt: skip


def predict_killed(folder: Path, images: int, kills: int, clock_s: float) -> dict:
    """Kill a run at random moments, start it again each time, and compare its counts with those of the unbroken one."""
    place, random = folder / f"killed_{images}", np.random.default_rng(0)
    cpu_s = 0.0
    for lasted in random.uniform(0.02, 0.4, kills) * clock_s:
        process = subprocess.Popen([sys.executable, *command_for(folder, images)], env=environment(place))
        time.sleep(lasted)
        process.kill()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"killed after {lasted:.0f} s with {stored(place)} images stored", flush=True)
    row = measure(command_for(folder, images), environment(place))
    tables = [pd.read_csv(one / RESULTS / "counts.csv") for one in (folder / f"predicted_{images}", place)]
    pd.testing.assert_frame_equal(*tables)
    if tables[1]["image"].duplicated().any():
        raise AssertionError("an image stands twice in the counts.")
    return row | {
        "cpu_s": round(row["cpu_s"] + cpu_s), "rows": len(tables[1]), "cells": int(tables[1]["total"].sum()),
        "page_kb": round((place / RESULTS / "report.html").stat().st_size / 1024),
    }  # fmt: skip


def stored(place: Path) -> int:
    return sum(1 for _ in (place / "demo" / "07_model_output").rglob("*.npz"))


def command_for(folder: Path, images: int) -> list[str]:
    source = folder / str(images) / "images"
    parameters = f"images={source},model=nuclei,inference.diameter_px={DIAMETER_PX}"
    return ["-m", "kedro", "run", "--pipelines=prediction", f"--params={parameters}"]


def environment(place: Path) -> dict[str, str]:
    place.mkdir(exist_ok=True)
    return os.environ | {
        "CELL_DATA_ROOT": str(place), "CELL_ARTIFACT_ROOT": str(place / "artifacts"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlflow.db",
    }  # fmt: skip


def measure(command: list[str], env: dict[str, str] | None = None) -> dict:
    """Run a command of Python; return its processor and clock time, and its largest memory in each quarter of the time."""
    begin, before, sizes = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN), list[float]()
    process = subprocess.Popen([sys.executable, *command], env=env)
    watcher = threading.Thread(target=lambda: sizes.extend(sampled_memory(process.pid)))
    watcher.start()
    if code := process.wait():
        raise SystemExit(code)
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    quarters = [round(max(part)) for part in np.array_split(sizes, PARTS) if len(part)]
    return {
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime),
        "clock_s": round(time.perf_counter() - begin), "memory_mb_by_quarter": " ".join(map(str, quarters)),
    }  # fmt: skip


def sampled_memory(pid: int) -> Iterator[float]:
    """Yield the resident memory of a process in megabytes each second until it ends."""
    while True:
        try:
            size = psutil.Process(pid).memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            return
        if not size:  # it has ended and was not waited for yet
            return
        yield size
        time.sleep(1)


def megabytes(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20, 1)


if __name__ == "__main__":
    main()
