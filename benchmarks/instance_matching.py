"""Matching two label images at ten IoU thresholds: ours against `stardist.matching.matching`, counts compared.

Both sides run in this process, in turn; the best and the median of the rounds are printed, and the ratio of the bests.

    python benchmarks/instance_matching.py
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import numpy as np

from cell_pipelines.metrics.instances import IOU_THRESHOLDS, match_instances

CASES = {500: (1200, 1600), 2000: (1920, 2560)}


def draw(shape: tuple[int, int], n_cells: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Discs on a grid, and the same discs moved and resized a little, a tenth of them lost and as many spurious."""
    rng = np.random.default_rng(seed)
    true, predicted = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    columns = math.ceil(math.sqrt(n_cells * shape[1] / shape[0]))
    rows = math.ceil(n_cells / columns)
    step = np.array([shape[0] / rows, shape[1] / columns])
    radius = 0.45 * step.min()
    for cell in range(n_cells):
        centre = (np.array(divmod(cell, columns)) + 0.5) * step
        if cell % 10 != 3:
            disc(true, centre, radius, cell + 1)
        if cell % 10 != 7:
            disc(predicted, centre + rng.normal(0, 0.15 * radius, 2), radius * rng.uniform(0.85, 1.15), cell + 1)
    return true, predicted


def disc(labels: np.ndarray, centre: np.ndarray, radius: float, label: int) -> None:
    low = np.maximum((centre - radius).astype(int), 0)
    high = np.minimum((centre + radius).astype(int) + 2, labels.shape)
    row, column = np.ogrid[low[0] : high[0], low[1] : high[1]]
    inside = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2
    labels[low[0] : high[0], low[1] : high[1]][inside] = label


def time_in_turn(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # loading and compiling are not counted
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return times


def compare(n_cells: int, rounds: int) -> None:
    from stardist.matching import matching

    true, predicted = draw(CASES.get(n_cells, (2400, 3200)), n_cells, seed=0)
    counts = match_instances(true, predicted)
    expected = matching(true, predicted, thresh=IOU_THRESHOLDS)
    same = all(
        (tp, fp, fn) == (e.tp, e.fp, e.fn)
        for tp, fp, fn, e in zip(counts.tp, counts.fp, counts.fn, expected, strict=True)
    )
    times = time_in_turn(
        {
            "ours": lambda: match_instances(true, predicted),
            "stardist": lambda: matching(true, predicted, thresh=IOU_THRESHOLDS),
        },
        rounds,
    )
    best = {name: 1e3 * min(values) for name, values in times.items()}
    median = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    print(
        f"| {n_cells} cells, {true.shape[0]} x {true.shape[1]} | {best['ours']:.1f} ms ({median['ours']:.1f}) "
        f"| {best['stardist']:.1f} ms ({median['stardist']:.1f}) | **{best['stardist'] / best['ours']:.1f} times as fast** "
        f"| {'identical' if same else 'DIFFERENT'} counts, {counts.tp[0]} of {n_cells} at 0.5 |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    print("| what | ours, best (median) | StarDist, best (median) | ratio of the bests | |\n|---|---|---|---|---|")
    for n_cells in arguments.cells:
        compare(n_cells, arguments.rounds)


if __name__ == "__main__":
    main()
