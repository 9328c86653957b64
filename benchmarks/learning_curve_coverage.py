"""Measure how often intervals of learning curves contain the truth, on simulated trainings of known laws.

The first table asks eight laws for their value at twice the images: a power law alone, as reported until version 0.1,
beside the average of laws. The second and third show the average where trainings share images, and on other sizes.

python benchmarks/learning_curve_coverage.py --repetitions 300
"""

import argparse

import numpy as np
from simulated.trainings import CURVES, simulate_trainings

from cell_pipelines.analysis.learning_curve.averaged_curve import fit_learning_curve
from cell_pipelines.analysis.learning_curve.power_law import fit_power_law

LIMIT, AMPLITUDE, EXPONENT = 0.95, 0.8, 0.6
SIX, THREE = (5, 12, 25, 63, 126, 252), (10, 50, 200)
# Sizes, seeds, spread of trainings at the most images, power by which it falls with images, luck of images over it.
CASES = {
    "6 sizes x 3, independent": (SIX, 3, 0.01, 0.0, 0.0),
    "3 sizes x 3, independent": (THREE, 3, 0.01, 0.0, 0.0),
    "3 sizes x 2, independent": (THREE, 2, 0.01, 0.0, 0.0),
    "6 sizes x 1, independent": (SIX, 1, 0.01, 0.0, 0.0),
    "6 sizes x 3, sd as n^-0.5": (SIX, 3, 0.01, 0.5, 0.0),
    "6 sizes x 3, nested, shared full set": (SIX, 3, 0.005, 0.0, 1.0),
    "3 sizes x 3, nested, shared full set": (THREE, 3, 0.005, 0.0, 1.0),
}


def law(images: np.ndarray) -> np.ndarray:
    return LIMIT - AMPLITUDE * images**-EXPONENT


def luck_of_images(n: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Covariance of the means of nested subsets, 1 for the full set, which all seeds share."""
    same = seeds[:, None] == seeds[None]
    return np.where(same, n.max() / np.maximum.outer(n, n), 1.0)


def run(case: tuple, repetitions: int, rng: np.random.Generator) -> list[str]:
    sizes, seeds, spread, power, luck = case
    n, seed = np.repeat(np.array(sizes, float), seeds), np.tile(np.arange(seeds), len(sizes))
    root = np.linalg.cholesky(luck_of_images(n, seed) + 1e-9 * np.eye(n.size)) * spread * luck
    samples = np.where(n == n.max(), "all", np.char.add(np.char.add(n.astype(str), "/"), seed.astype(str)))
    asked = np.array([n.max(), 2 * n.max(), 4 * n.max(), np.inf])
    truth = np.append(law(asked[:3]), LIMIT)
    cells = []
    for given in (samples, None) if luck else (None,):
        held, widths = np.zeros(4), []
        for _ in range(repetitions):
            noise = rng.normal(size=n.size) * spread * (n / n.max()) ** -power + root @ rng.normal(size=n.size)
            low, high = fit_learning_curve(n, np.minimum(law(n) + noise, 1), samples=given).band(asked)
            held += (low <= truth + 1e-9) & (truth <= high + 1e-9)
            widths.append(high[1] - low[1])
        numbers = " | ".join(f"{100 * share / repetitions:.1f}" for share in held)
        cells.append(f"{'once' if given is not None else 'each'} | {numbers} | {np.median(widths):.3f}")
    return cells


SETTINGS = {
    "6 sizes to 252": ((5, 12, 25, 63, 126, 252), 0.015),
    "5 sizes to 160": ((10, 20, 40, 80, 160), 0.015),
    "3 sizes to 200": ((10, 50, 200), 0.015),
    "6 sizes to 252, sd .005": ((5, 12, 25, 63, 126, 252), 0.005),
    "6 sizes to 252, sd .03": ((5, 12, 25, 63, 126, 252), 0.03),
}


def any_law(name: str, seeds: int, setting: str, repetitions: int) -> str:
    """Return how often the power law alone and the average hold, above how many the truth lies, and their widths."""
    sizes, noise = SETTINGS[setting]
    curve, asked = CURVES[name], np.array([2.0 * max(sizes)])
    rng, truth = np.random.default_rng(seeds), float(CURVES[name](2.0 * np.array([max(sizes)]))[0])
    cells = []
    drawn = [simulate_trainings(curve, seeds=seeds, rng=rng, sizes=sizes, noise=noise) for _ in range(repetitions)]
    for fit in (fit_power_law, fit_learning_curve):
        ends = np.array([np.ravel(fit(*trainings).band(asked)) for trainings in drawn])
        held = (ends[:, 0] <= truth + 1e-9) & (truth <= ends[:, 1] + 1e-9)
        above = float((truth > ends[:, 1] + 1e-9).mean())
        cells.append(f"{100 * held.mean():.1f} | {100 * above:.1f} | {np.median(np.ptp(ends, axis=1)):.3f}")
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("Nominal 95 %; held in % of experiments, at twice the images.\n")
    print("| law | sizes | seeds | power law: held | truth above | width | average: held | truth above | width |")
    print("|---|---|---|---|---|---|---|---|---|")
    for setting in SETTINGS:
        for seeds in (1, 3, 10) if setting == "6 sizes to 252" else (2,):
            for name in CURVES:
                cells = any_law(name, seeds, setting, args.repetitions)
                print(f"| {name} | {setting} | {seeds} | {cells} |", flush=True)
    rng = np.random.default_rng(args.seed)
    print("\n| trainings of a power law | full set counts | at n | at 2 n | at 4 n | limit | median width at 2 n |")
    print("|---|---|---|---|---|---|---|")
    for name, case in CASES.items():
        for cells in run(case, args.repetitions, rng):
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
