"""Count the nuclei of a generated image of a gigapixel, and compare cells with those of parts that are predicted whole.

`python benchmarks/gigapixel.py --folder /tmp/gigapixel --side 32768 --format tiff` writes the image once, counts it by
`cell-pipelines count` in a process of its own, whose largest memory is taken, and then counts crops at once.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cell_pipelines.api import count
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.metrics.centroids import match_centroids
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

TILE = 1024
SCENE = NucleiScene(height=TILE, width=TILE, cells=260, mean_radius_px=16.0, clumping=0.3, noise=0.5, debris=0.0)
# Cells nearer to a crop's border are seen otherwise there.
MARGIN_PX = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--side", type=int, default=32_768, help="in pixels, a multiple of 1,024")
    parser.add_argument("--format", choices=("tiff", "zarr"), default="tiff")
    parser.add_argument("--diameter", type=float, default=32.0)
    parser.add_argument("--crops", type=int, default=4)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    images, counted = arguments.folder / f"images_{arguments.format}", arguments.folder / f"counted_{arguments.format}"
    path = images / ("large.ome.zarr" if arguments.format == "zarr" else "large.tif")
    if not path.exists():
        {"tiff": write_tiff, "zarr": write_zarr}[arguments.format](path, arguments.side)
    row = {"format": arguments.format, "pixels": arguments.side**2, **run_count(images, counted, arguments.diameter)}
    cells = pd.read_csv(counted / "cells.csv")
    row |= {"cells": len(cells), **compare(path, cells, arguments)}
    print(json.dumps(row, indent=2))
    if arguments.csv:
        pd.DataFrame([row]).to_csv(arguments.csv, index=False, lineterminator="\n")


def fields() -> list[np.ndarray]:
    return [simulate_nuclei(SCENE, seed=seed).image for seed in range(8)]


def strips(side: int):
    """Yield tiles of a large image row by row, a random one of eight fields turned in one of four ways each."""
    random, kinds = np.random.default_rng(0), fields()
    for _ in range((side // TILE) ** 2):
        yield np.ascontiguousarray(np.rot90(kinds[random.integers(8)], random.integers(4)))


def write_tiff(path: Path, side: int) -> None:
    import tifffile

    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            strips(side), shape=(side, side), dtype=fields()[0].dtype, tile=(TILE, TILE), compression="zlib",
            photometric="minisblack",
        )  # fmt: skip


def write_zarr(path: Path, side: int) -> None:
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=3)
    array = group.create_array("0", shape=(side, side), chunks=(TILE, TILE), dtype=fields()[0].dtype)
    for number, tile in enumerate(strips(side)):
        row, column = divmod(number, side // TILE)
        array[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = tile
    axes = [{"name": name, "type": "space"} for name in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0]}]
    levels = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": levels}


def run_count(images: Path, folder: Path, diameter: float) -> dict[str, float]:
    command = [
        "-m", "cell_pipelines", "count", str(images), "--out", str(folder), "--diameter", str(diameter),
    ]  # fmt: skip
    begin = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "memory_mb": round(used.ru_maxrss / 1024), "cpu_s": round(used.ru_utime + used.ru_stime),
        "clock_s": round(time.perf_counter() - begin),
    }  # fmt: skip


def compare(path: Path, cells: pd.DataFrame, arguments: argparse.Namespace) -> dict[str, int]:
    """Return how many cells of crops that are predicted at once are those of the large image."""
    random, totals = np.random.default_rng(1), {"crop_cells": 0, "same_cells": 0, "same_area": 0, "cells_there": 0}
    crop_folder = arguments.folder / "crop"
    for _ in range(arguments.crops):
        side = 2048
        # On the grid of the network at this scale, so that both are sampled alike.
        row, column = (256 * random.integers(0, (arguments.side - side) // 256, 2)).tolist()
        write_image(ImageFile(path).region(row, column, side, side), crop_folder / "crop.tif")
        crop = count(crop_folder / "crop.tif", diameter=arguments.diameter).cells
        crop = crop.assign(center_x_px=crop["center_x_px"] + column, center_y_px=crop["center_y_px"] + row)
        inner = [
            one[
                one["center_x_px"].between(column + MARGIN_PX, column + side - MARGIN_PX)
                & one["center_y_px"].between(row + MARGIN_PX, row + side - MARGIN_PX)
            ]
            for one in (crop, cells)
        ]
        points = [one[["center_y_px", "center_x_px"]].to_numpy(dtype=float) for one in inner]
        matched = match_centroids(points[0], points[1], max_distance=1.0)
        areas = [one["area_px2"].to_numpy() for one in inner]
        pairs = matched.true_index >= 0
        close = np.isclose(areas[1][pairs], areas[0][matched.true_index[pairs]], rtol=0.02, atol=3)
        for name, number in zip(totals, (len(points[0]), pairs.sum(), close.sum(), len(points[1])), strict=True):
            totals[name] += int(number)
    return totals


if __name__ == "__main__":
    main()
