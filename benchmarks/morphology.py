"""Morphology of many cells: ours beside scikit-image's `regionprops_table` with the same properties, time and memory.

    python benchmarks/morphology.py --images 100 --cells 2000

Both measure the same cells of the same images one after the other in turns, image by image, so that a busy machine is
busy for both; theirs from label images, ours from annotations as the pipeline has them. Then ours runs with several
processes, and in a process of its own for a quarter of the images and for all, to see whether memory grows.
"""

import argparse
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

PROPERTIES = (
    "label", "area", "bbox", "centroid", "perimeter_crofton", "axis_major_length", "axis_minor_length", "eccentricity",
    "orientation", "solidity", "feret_diameter_max", "extent", "intensity_mean", "intensity_median", "intensity_std",
    "intensity_min", "intensity_max",
)  # fmt: skip
SAME = {
    "area_px2": "area", "perimeter_px": "perimeter_crofton", "axis_major_length_px": "axis_major_length",
    "solidity": "solidity", "feret_diameter_max_px": "feret_diameter_max", "intensity_mean_channel_0": "intensity_mean",
    "intensity_median_channel_0": "intensity_median",
}  # fmt: skip
SPACING = 26


def make_image(number: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and grey values of a field of bent, elliptic cells of 50 to 400 pixels."""
    rng = np.random.default_rng(number)
    across = int(np.ceil(np.sqrt(cells)))
    labels = np.zeros((across * SPACING, across * SPACING), dtype=np.int32)
    rows, columns = np.mgrid[:SPACING, :SPACING] - (SPACING - 1) / 2
    for cell in range(cells):
        angle, bend = rng.uniform(0, np.pi), rng.uniform(0, 0.04)
        x = rows * np.cos(angle) + columns * np.sin(angle)
        y = columns * np.cos(angle) - rows * np.sin(angle) + bend * (x**2 - 20)
        row, column = divmod(cell, across)
        tile = labels[row * SPACING :, column * SPACING :][:SPACING, :SPACING]
        tile[(x / rng.uniform(5, 12)) ** 2 + (y / rng.uniform(4, 9)) ** 2 <= 1] = cell + 1
    image = rng.poisson(np.where(labels > 0, 900, 200)).astype(np.uint16)
    return labels, image


def annotate(labels: np.ndarray) -> object:
    from cell_pipelines.annotations.building import AnnotationBuilder
    from cell_pipelines.annotations.geometry.label_images import labels_to_objects

    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("image.tif", height=labels.shape[0], width=labels.shape[1])
    _, boxes, runs = labels_to_objects(labels)
    for box, counts in zip(boxes, runs, strict=True):
        builder.add_object(row, "cell", "mask", box, counts=counts)
    return builder.build()


def save(images: int, cells: int, folder: Path) -> None:
    for number in range(images):
        labels, image = make_image(number, cells)
        (folder / f"{number:05d}.pickle").write_bytes(pickle.dumps((labels, image, annotate(labels))))


def measure_one(path: Path) -> int:
    """Read an image with its annotations and measure it, as a process of the pipeline does."""
    from cell_pipelines.analysis.morphology.measuring import measure_cells

    _, image, cells = pickle.loads(path.read_bytes())
    return len(measure_cells(cells, image))


def compare(paths: list[Path]) -> dict[str, float]:
    """Return the seconds of both sides, image by image in turns, and the greatest relative difference."""
    from skimage.measure import regionprops_table

    from cell_pipelines.analysis.morphology.measuring import measure_cells

    total = {"ours": 0.0, "theirs": 0.0, "difference": 0.0, "cells": 0.0}
    measure_one(paths[0])
    for path in paths:
        labels, image, annotated = pickle.loads(path.read_bytes())
        start = time.perf_counter()
        ours = measure_cells(annotated, image)
        between = time.perf_counter()
        theirs = regionprops_table(labels, image, properties=PROPERTIES)
        total["theirs"] += time.perf_counter() - between
        total["ours"] += between - start
        total["cells"] += len(ours)
        for mine, their in SAME.items():
            worst = float((np.abs(ours[mine] - theirs[their]) / np.maximum(theirs[their], 1e-9)).max())
            total["difference"] = max(total["difference"], worst)
    return total


def run_processes(paths: list[Path], processes: int) -> float:
    """Return the seconds that so many processes take to read and measure all images, started and warm."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(measure_one, [paths[0]] * 4 * processes))
        start = time.perf_counter()
        list(pool.map(measure_one, paths))
        return time.perf_counter() - start


def peak_mb(folder: Path, count: int) -> float:
    """Return the peak memory of an isolated process that measures so many images one after the other."""
    command = [sys.executable, __file__, "--alone", str(folder), "--images", str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        for path in sorted(chosen.alone.iterdir())[: chosen.images]:
            measure_one(path)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # Linux counts in KiB.
        return
    few = max(1, chosen.images // 4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(chosen.images, chosen.cells, folder)
        paths = sorted(folder.iterdir())
        total = compare(paths)
        one, several = run_processes(paths, 1), run_processes(paths, chosen.processes)
        memory = [peak_mb(folder, count) for count in (few, chosen.images)]
    theirs = total["theirs"]
    print(f"greatest relative difference {total['difference']:.1e}; processes read the images, too")
    print("| cells | regionprops_table s | ours s (ratio) | 1 process s (ratio) | "
          f"{chosen.processes} processes s (ratio) | MB, {few} images | MB, {chosen.images} images |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    timed = [f"{seconds:.2f} ({theirs / seconds:.0f}x)" for seconds in (total["ours"], one, several)]
    print(f"| {total['cells']:.0f} | {theirs:.1f} | {' | '.join(timed)} | {memory[0]:.0f} | {memory[1]:.0f} |")


if __name__ == "__main__":
    main()
