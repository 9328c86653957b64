"""Cells at many thresholds from one probability map: `sweep` against a plain loop over the whole image.

The loop is what one writes with SciPy and scikit-image: holes filled, small objects removed, a watershed on the distance
from its peaks. Both sides take turns in one process; the cells are compared pixel by pixel.

python benchmarks/threshold_sweep.py --shape 1200 1600 --cells 150 --cutoffs 50
"""

import argparse
import statistics
import time
from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed

from cell_pipelines.representations.registry import create_representation
from cell_pipelines.thresholds import Threshold


def draw_probabilities(shape: tuple[int, int], cells: int, radius: float, seed: int) -> np.ndarray:
    """Return what a network might say of round cells, a part of which touch: soft borders, uncertain ones, noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape, dtype=np.float32)
    logits = np.full(shape, -7.0, dtype=np.float32)
    centre = np.zeros(2)
    for index in range(cells):
        size = radius * rng.uniform(0.7, 1.3)
        angle = rng.uniform(0, 2 * np.pi)
        beside = index and rng.random() < 0.3
        step = 1.8 * radius * np.array([np.sin(angle), np.cos(angle)])
        centre = np.clip(centre + step, 0, np.array(shape) - 1) if beside else rng.uniform(0, shape)
        top, left = (max(int(c - 3 * size), 0) for c in centre)
        box = slice(top, int(centre[0] + 3 * size)), slice(left, int(centre[1] + 3 * size))
        distance = np.hypot(rows[box] - centre[0], (columns[box] - centre[1]) * rng.uniform(0.8, 1.2))
        logits[box] = np.maximum(logits[box], np.minimum((size - distance) * 0.7, rng.uniform(1, 7)))
    logits += ndimage.gaussian_filter(rng.normal(0, 6, shape), 2).astype(np.float32)
    return 1 / (1 + np.exp(-logits))


def loop(stored: np.ndarray, decodings: list[Threshold]) -> Iterator[np.ndarray]:
    for decoding in decodings:
        mask = stored >= round(decoding.score * 65535)
        mask = ndimage.binary_fill_holes(mask)
        mask = remove_small_objects(mask, max_size=int(np.ceil(decoding.min_area_px)) - 1)
        distance = ndimage.distance_transform_edt(mask)
        components = ndimage.label(mask)[0]
        peaks = peak_local_max(
            distance, min_distance=int(np.ceil(decoding.min_distance_px)), labels=components, exclude_border=False
        )
        markers = np.zeros(mask.shape, dtype=np.int32)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels = watershed(-distance, markers, mask=mask)
        yield remove_small_objects(labels, max_size=int(np.ceil(decoding.min_area_px)) - 1)


def are_same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Return whether two label images hold the same cells, whatever their numbers."""
    if not np.array_equal(ours > 0, theirs > 0):
        return False
    pairs = np.unique(np.stack([ours[ours > 0], theirs[ours > 0]]), axis=1)
    return bool(pairs.shape[1] == np.unique(pairs[0]).size == np.unique(pairs[1]).size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=2, default=(1200, 1600))
    parser.add_argument("--cells", type=int, default=150)
    parser.add_argument("--radius", type=float, default=25.0)
    parser.add_argument("--cutoffs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    binary = create_representation("binary")
    probabilities = draw_probabilities(tuple(args.shape), args.cells, args.radius, args.seed)
    scores = binary.reduce(probabilities[None])
    sizes = binary.default_threshold(np.pi * args.radius**2)
    decodings = [
        Threshold(float(c), sizes.min_area_px, sizes.min_distance_px) for c in np.linspace(0.02, 0.98, args.cutoffs)
    ]
    counts = []
    for ours, theirs, decoding in zip(
        binary.sweep(scores, decodings), loop(scores["cell"], decodings), decodings, strict=True
    ):
        assert are_same(ours.labels, theirs), f"other cells at threshold {decoding.score}"
        counts.append(len(ours.scores))
    print(f"same cells at all {len(counts)} thresholds: {max(counts)} to {min(counts)}")
    times: dict[str, list[float]] = {"ours": [], "loop": []}
    for _ in range(args.rounds):
        for name, run in (
            ("ours", lambda: binary.sweep(scores, decodings)),
            ("loop", lambda: loop(scores["cell"], decodings)),
        ):
            start = time.perf_counter()
            for _ in run():
                pass
            times[name].append(time.perf_counter() - start)
    best = {name: min(values) for name, values in times.items()}
    ratios = [b / a for a, b in zip(times["ours"], times["loop"], strict=True)]
    print(
        f"| {args.cutoffs} thresholds, {args.shape[0]}x{args.shape[1]}, {args.cells} cells | SciPy and scikit-image, whole image | "
        f"**{statistics.median(ratios):.1f} times as fast** ({min(ratios):.1f} to {max(ratios):.1f}): "
        f"{best['ours']:.3f} s against {best['loop']:.2f} s |"
    )


if __name__ == "__main__":
    main()
