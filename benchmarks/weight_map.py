"""The crowding weight map against the loop it replaces: a distance transform of the whole image for every cell.

python benchmarks/weight_map.py --sizes 1200x1600 1920x2560 --cells 50 200 1000

The naive side runs in full while it has at most `--naive-cells` cells; above that it is measured on so many of them and
multiplied, and the row says so. Ours runs `--repeats` times before and as often after it; compiling is not counted.
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from cell_pipelines.representations.weight_map import crowding_weights

SIGMA = 25.0


def make_cells(shape: tuple[int, int], count: int, seed: int = 0) -> np.ndarray:
    """Draw `count` ellipses of 8 to 16 px radius that do not overlap."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    label = 0
    while label < count:
        row, column = generator.uniform((20, 20), np.array(shape) - 20).astype(int)
        window = labels[row - 18 : row + 19, column - 18 : column + 19]
        if window.shape != (37, 37):
            continue
        axes = tuple(int(a) for a in generator.integers(8, 17, 2))
        drawn = cv2.ellipse(
            np.zeros((37, 37), np.uint8), (18, 18), axes, float(generator.uniform(0, 180)), 0, 360, 1, -1
        )
        if not window[drawn > 0].any():
            label += 1
            window[drawn > 0] = label
    return labels


def naive(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    total = np.where(labels > 0, 1.0, 1.5)
    for label in chosen:
        mask = labels == label
        border = mask & ~binary_erosion(mask, border_value=1)
        total += np.exp(-(distance_transform_edt(~border) ** 2) / (2 * SIGMA**2))
    return total


def timed(function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def measure(shape: tuple[int, int], count: int, repeats: int, limit: int) -> str:
    labels = make_cells(shape, count)
    chosen = np.arange(1, count + 1)[:limit]
    ours = [timed(lambda: crowding_weights(labels, sigma_px=SIGMA))[0] for _ in range(repeats)]
    slow, expected = timed(lambda: naive(labels, chosen))
    slow *= count / len(chosen)
    ours += [timed(lambda: crowding_weights(labels, sigma_px=SIGMA))[0] for _ in range(repeats)]
    if len(chosen) == count:
        said, error = "in full", f"{np.abs(crowding_weights(labels, sigma_px=SIGMA) - expected).max():.1e}"
    else:
        said, error = f"from {len(chosen)} cells", ""
    median = statistics.median(ours)
    times = f"{min(ours) * 1e3:.0f} / {median * 1e3:.0f} | {slow:.1f}, {said}"
    return f"| {shape[0]}x{shape[1]} | {count} | {times} | {slow / median:.0f} | {error} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1200x1600", "1920x2560"], metavar="HEIGHTxWIDTH")
    parser.add_argument("--cells", nargs="+", type=int, default=[50, 200, 1000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--naive-cells", type=int, default=200)
    args = parser.parse_args()
    # Compiled now, or read from the cache.
    crowding_weights(np.eye(8, dtype=np.int32))
    print(f"load {math.nan if not hasattr(os, 'getloadavg') else os.getloadavg()[0]:.1f} before the start")
    print("| image | cells | ours, ms (best / median) | naive, s | times as fast | largest difference |")
    print("|---|---|---|---|---|---|")
    for size in args.sizes:
        height, width = (int(side) for side in size.split("x"))
        for count in args.cells:
            print(measure((height, width), count, args.repeats, args.naive_cells), flush=True)


if __name__ == "__main__":
    main()
