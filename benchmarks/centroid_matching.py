"""Matching points one-to-one within 50 px: ours against a dense Hungarian algorithm, matches compared.

The dense side is the plain way with SciPy: a table of all distances, those above the limit made dear, one
`linear_sum_assignment`. Both sides run in this process, in turn.

    python benchmarks/centroid_matching.py
"""

import argparse
import statistics
import time

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from cell_pipelines.metrics.centroids import match_centroids

LIMIT, SPACING = 50.0, 70.0


def scatter(n_points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True points about 70 px apart; nine in ten predicted 15 px off, and as many spurious ones as are missing."""
    rng = np.random.default_rng(seed)
    side = SPACING * n_points**0.5
    true = rng.uniform(0, side, (n_points, 2))
    found = true[rng.random(n_points) < 0.9]
    spurious = rng.uniform(0, side, (n_points - len(found), 2))
    return true, np.vstack([found + rng.normal(0, 15, found.shape), spurious])


def match_densely(true: np.ndarray, predicted: np.ndarray) -> tuple[int, float]:
    distances = cdist(true, predicted)
    rows, columns = linear_sum_assignment(np.where(distances <= LIMIT, distances, 1e6))
    matched = distances[rows, columns]
    matched = matched[matched <= LIMIT]
    return matched.size, float(matched.sum())


def match_ours(true: np.ndarray, predicted: np.ndarray) -> tuple[int, float]:
    matching = match_centroids(true, predicted, max_distance=LIMIT)
    return matching.tp, float(matching.distance[matching.is_true_positive].sum())


def compare(n_points: int, rounds: int) -> None:
    true, predicted = scatter(n_points, seed=0)
    ways = {"ours": match_ours, "dense": match_densely}
    results = {name: way(true, predicted) for name, way in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    repeats = max(1, 20_000 // n_points**2)
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            for _ in range(repeats):
                way(true, predicted)
            times[name].append((time.perf_counter() - start) / repeats)
    best = {name: 1e3 * min(values) for name, values in times.items()}
    median = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    same = results["ours"][0] == results["dense"][0] and np.isclose(results["ours"][1], results["dense"][1])
    print(
        f"| {n_points} points | {best['ours']:.2f} ms ({median['ours']:.2f}) | {best['dense']:.2f} ms "
        f"({median['dense']:.2f}) | **{best['dense'] / best['ours']:.2f} times as fast** "
        f"| {'identical' if same else 'DIFFERENT'}: {results['ours'][0]} matches |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[100, 150, 500, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    print("| what | ours, best (median) | dense, best (median) | ratio of the bests | |\n|---|---|---|---|---|")
    for n_points in arguments.points:
        compare(n_points, arguments.rounds)


if __name__ == "__main__":
    main()
