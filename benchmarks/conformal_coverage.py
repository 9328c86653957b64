"""Measure how often intervals of counts contain the truth: split conformal prediction on simulated images.

python benchmarks/conformal_coverage.py --repetitions 4000
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from cell_pipelines.metrics.conformal import calibrate_counts

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
LEVEL = 0.9


def density(rng: np.random.Generator, count: int) -> np.ndarray:
    """Mean numbers of cells, from nearly empty to crowded images."""
    return rng.lognormal(3, 1, count)


def missed_and_false(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each cell is missed with 8 %, and some are false positives: errors grow as the root of the count."""
    true = rng.poisson(density(rng, count))
    return true, rng.binomial(true, 0.92) + rng.poisson(0.06 * true + 0.2)


def overdispersed(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The share that is missed differs from image to image: errors grow as the count."""
    true = rng.poisson(density(rng, count))
    return true, rng.binomial(true, rng.beta(18, 2, count)) + rng.poisson(0.3, count)


def heavy_tailed(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """One image of twenty fails altogether."""
    true, predicted = missed_and_false(rng, count)
    return true, np.where(rng.random(count) < 0.05, predicted // 3, predicted)


EXCHANGEABLE: dict[str, Draw] = {
    "cells missed and false positives": missed_and_false,
    "overdispersed": overdispersed,
    "one image in twenty fails": heavy_tailed,
}


def exchangeable(repetitions: int, rng: np.random.Generator) -> Iterator[tuple]:
    for name, draw in EXCHANGEABLE.items():
        for images in (5, 10, 20, 50, 200):
            for scale in ("constant", "sqrt", "linear"):
                hits, sparse, crowded, widths = [], [], [], []
                for _ in range(repetitions):
                    true, predicted = draw(rng, images + 5)
                    found = calibrate_counts(true[5:], predicted[5:], level=LEVEL, scale=scale)
                    low, high = found.ends(predicted[:5])
                    held = (low <= true[:5]) & (true[:5] <= high)
                    hits += [*held]
                    widths += [*(high - low)]
                    sparse += [*held[predicted[:5] < 12]]
                    crowded += [*held[predicted[:5] >= 35]]
                yield name, images, scale, hits, sparse, crowded, np.median(widths)


def series(repetitions: int, rng: np.random.Generator) -> Iterator[tuple]:
    """Series of 6 images that share how much is missed; the image evaluated is of a new one."""
    for groups in (5, 10, 20, 50):
        for by_group in (False, True):
            hits, widths = [], []
            for _ in range(repetitions):
                share = np.repeat(rng.beta(12, 2, groups + 1), 6)
                true = rng.poisson(density(rng, share.size))
                predicted = rng.binomial(true, share)
                number = np.repeat(np.arange(groups + 1), 6)
                found = calibrate_counts(
                    true[6:], predicted[6:], level=LEVEL, scale="sqrt", groups=number[6:] if by_group else None
                )
                low, high = found.ends(predicted[:1])
                hits.append(low[0] <= true[0] <= high[0])
                widths.append(high[0] - low[0])
            yield groups, by_group, hits, np.median(widths)


def scored(rng: np.random.Generator, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores of each image's true cells and of what else is proposed."""
    return [(rng.beta(4, 2, rng.poisson(m)), rng.beta(1.3, 6, rng.poisson(1.5 * m + 1))) for m in density(rng, count)]


def tuned(repetitions: int, rng: np.random.Generator) -> Iterator[tuple]:
    """The threshold is chosen on the calibration images themselves, on others of the same number, or on half of them."""
    cutoffs = np.linspace(0.05, 0.95, 50)

    def counts(images: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        true = np.array([len(t) for t, _ in images])
        tp = np.stack([(t[:, None] >= cutoffs).sum(axis=0) for t, _ in images])
        return true, tp, tp + np.stack([(f[:, None] >= cutoffs).sum(axis=0) for _, f in images])

    def choose(true: np.ndarray, tp: np.ndarray, predicted: np.ndarray, objective: str) -> int:
        if objective == "count_mae":
            return int(np.abs(predicted - true[:, None]).mean(axis=0).argmin())
        return int((2 * tp.sum(axis=0) / (true.sum() + predicted.sum(axis=0)).clip(1)).argmax())

    for objective in ("f1_iou", "count_mae"):
        for images in (10, 20, 50):
            held: dict[str, list] = {"the same images": [], "others": [], "one half each": []}
            widths: dict[str, list] = {name: [] for name in held}
            for _ in range(repetitions):
                sides = [counts(scored(rng, n)) for n in (images, images, 5)]
                for name in held:
                    half = images // 2 if name == "one half each" else None
                    chosen_on = [part[:half] for part in sides[1 if name == "others" else 0]]
                    place = choose(*chosen_on, objective)
                    start = half or 0
                    found = calibrate_counts(sides[0][0][start:], sides[0][2][start:, place], level=LEVEL)
                    low, high = found.ends(sides[2][2][:, place])
                    held[name] += [*((low <= sides[2][0]) & (sides[2][0] <= high))]
                    widths[name] += [*(high - low)]
            for name, hits in held.items():
                yield objective, images, name, hits, np.median(widths[name])


def percent(hits: list) -> str:
    share = np.mean(hits)
    return f"{100 * share:.1f} ± {196 * np.sqrt(share * (1 - share) / len(hits)):.1f}" if hits else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    print(f"Nominal {100 * LEVEL:.0f} %; an infinite interval holds every count.\n")
    print("| errors | calibration images | scale | held, % | below 12 cells | from 35 cells | median width |")
    print("|---|---|---|---|---|---|---|")
    for name, images, scale, hits, sparse, crowded, width in exchangeable(args.repetitions, rng):
        print(f"| {name} | {images} | {scale} | {percent(hits)} | {percent(sparse)} | {percent(crowded)} | {width:g} |")
    print("\n| series of 6 images | exchangeable | held in a new series, % | median width |\n|---|---|---|---|")
    for groups, by_group, hits, width in series(args.repetitions, rng):
        print(f"| {groups} | {'groups' if by_group else 'images'} | {percent(hits)} | {width:g} |")
    print("\n| threshold by | images | chosen on | held, % | median width |\n|---|---|---|---|---|")
    for objective, images, name, hits, width in tuned(args.repetitions, rng):
        print(f"| {objective} | {images} | {name} | {percent(hits)} | {width:g} |")


if __name__ == "__main__":
    main()
