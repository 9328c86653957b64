"""Measure how often the intervals of viability contain the truth, and how often equal conditions differ.

Series are beta-binomial or logit-normal with equal or unequal numbers of cells. "Before" is Wilson's interval with the
effective number of cells and a quantile of Student's t, as up to version 0.1; "after" is `clustered_interval`. Nominal
is 95 %, and 5 % for equal conditions.

python benchmarks/viability_coverage.py --repetitions 400
"""

import argparse
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import special

from cell_pipelines.analysis.viability.comparison import compare_clusters
from cell_pipelines.metrics.clustered_proportions import ClusteredProportion, clustered_proportion

LEVEL = 0.95


class Setup(NamedTuple):
    """Design of the series.

    Attributes:
        name: Of the setup.
        series: How many.
        viability: Of the population of series.
        icc: Intraclass correlation of beta-binomial series.
        cells: Mean number of a series.
        spread: Relative standard deviation of the numbers of cells.
        logit_sd: Of logit-normal series, in place of beta-binomial ones; 0 for the latter.
    """

    name: str
    series: int
    viability: float
    icc: float
    cells: int = 100
    spread: float = 0.0
    logit_sd: float = 0.0


def draw(setup: Setup, rng: np.random.Generator) -> ClusteredProportion:
    """Draw the series of one experiment."""
    n = np.full(setup.series, setup.cells)
    if setup.spread:
        shape = 1 / setup.spread**2
        n = np.maximum(1, rng.negative_binomial(shape, shape / (shape + setup.cells), setup.series))
    p, rho = setup.viability, setup.icc
    if setup.logit_sd:
        share = special.expit(special.logit(p) + rng.normal(0, setup.logit_sd, setup.series))
    else:
        share = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, setup.series) if rho else p
    return clustered_proportion(rng.binomial(n, share), n)


def truth(setup: Setup) -> float:
    """Return the mean viability of all series that there could be."""
    if not setup.logit_sd:
        return setup.viability
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    shares = special.expit(special.logit(setup.viability) + setup.logit_sd * nodes)
    return float(shares @ weights / weights.sum())


def before(found: ClusteredProportion) -> tuple[float, float]:
    """Return Wilson's interval with the effective number of cells, at a quantile of Student's t."""
    p, spread = found.estimate, found.has_spread
    t = special.stdtrit(found.freedom, (1 + LEVEL) / 2) if spread or p in (0, 1) else special.ndtri((1 + LEVEL) / 2)
    part = t**2 / (found.trials / (found.design_effect if spread else 1.0))
    half = np.sqrt(part * p * (1 - p) + part**2 / 4)
    return float((p + part / 2 - half) / (1 + part)), float((p + part / 2 + half) / (1 + part))


def setups() -> Iterator[Setup]:
    """Yield the setups of the table."""
    for p, rho, series in product((0.05, 0.7, 0.95, 0.97), (0.0, 0.05, 0.1, 0.3, 0.5), (4, 5, 10, 30)):
        yield Setup("beta-binomial, equal", series, p, rho)
    for p, rho, series in product((0.7, 0.95), (0.05, 0.3), (4, 10)):
        yield Setup("beta-binomial, cells vary by 70 %", series, p, rho, spread=0.7)
        yield Setup("fields of 12 cells on average", 3 * series, p, rho, cells=12, spread=0.5)
    for p, sd, series in product((0.93, 0.97), (0.8, 1.2), (10, 20)):
        yield Setup(f"logit-normal, sd {sd}", series, p, 0.0, logit_sd=sd)


def coverage_rows(repetitions: int) -> Iterator[str]:
    """Yield one row per setup: coverage and median width before and after."""
    for number, setup in enumerate(setups()):
        rng = np.random.default_rng(number)
        true = truth(setup)
        ends = np.array(
            [(*before(found), *found.interval(LEVEL)) for found in (draw(setup, rng) for _ in range(repetitions))]
        )
        held = 100 * np.stack([(ends[:, i] <= true) & (true <= ends[:, i + 1]) for i in (0, 2)]).mean(axis=1)
        width = 100 * np.median(np.stack([ends[:, i + 1] - ends[:, i] for i in (0, 2)]), axis=1)
        icc = "" if setup.logit_sd else f"{setup.icc:g}"
        yield (
            f"| {setup.name} | {setup.series} | {true:.3f} | {icc} | {held[0]:.1f} ({width[0]:.0f}) | "
            f"{held[1]:.1f} ({width[1]:.0f}) |"
        )


def comparison_rows(repetitions: int) -> Iterator[str]:
    """Yield one row per pair of conditions with series of their own: coverage and share declared different."""
    for number, (series, viabilities, rho) in enumerate(
        product(((3, 3), (5, 5), (3, 8), (10, 10)), ((0.7, 0.7), (0.95, 0.95), (0.95, 0.7)), (0.0, 0.05, 0.3))
    ):
        rng = np.random.default_rng(number)
        held = different = 0
        for _ in range(repetitions):
            sides = []
            for place, (count, p) in enumerate(zip(series, viabilities, strict=True)):
                own = draw(Setup("", count, p, rho), rng)
                others = (0, series[1]) if place == 0 else (series[0], 0)
                sides.append(clustered_proportion(np.pad(own.successes, others), np.pad(own.sizes, others)))
            low, high, p_value, _ = compare_clusters(sides[0], sides[1], 0, LEVEL)
            held += low <= viabilities[1] - viabilities[0] <= high
            different += p_value < 1 - LEVEL
        yield (
            f"| {series[0]}, {series[1]} | {viabilities[0]}, {viabilities[1]} | {rho:g} | "
            f"{100 * held / repetitions:.1f} | {100 * different / repetitions:.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    args = parser.parse_args()
    print(f"Coverage in % of {args.repetitions} intervals of 95 %, median width in percentage points.\n")
    print("| series | number | viability | ICC | before | after |\n|---|---|---|---|---|---|")
    for row in coverage_rows(args.repetitions):
        print(row, flush=True)
    print("\nTwo conditions with series of their own: coverage of the difference, and how often p < 0.05.\n")
    print("| series | viabilities | ICC | coverage, % | different, % |\n|---|---|---|---|---|")
    for row in comparison_rows(args.repetitions):
        print(row, flush=True)


if __name__ == "__main__":
    main()
