"""Measure how often the interval of EC50 contains the truth, with a variance that follows where units scatter.

Every dose has series of its own, each with an EC50 of its own (sd on log10) and beta-binomial cells. "Before" takes one
dispersion for all units with the residual degrees of freedom.

python benchmarks/ec50_coverage.py --repetitions 300
"""

import argparse
from dataclasses import replace

import numpy as np

from cell_pipelines.analysis.viability.four_parameters import curve, fit_curve, profile_interval
from cell_pipelines.analysis.viability.points import Points

DOSES = (0.0, 0.1, 0.5, 2.0, 10.0)
#: Doses, series at each, sd of log10 EC50, intraclass correlation, cells, EC50, hill.
SETUPS = (
    (DOSES, 3, 0.15, 0.03, 150, 1.0, 2.0),
    (DOSES, 3, 0.15, 0.03, 150, 0.7, 2.0),
    (DOSES, 3, 0.15, 0.03, 150, 0.5, 2.0),
    (DOSES, 5, 0.15, 0.03, 150, 0.5, 2.0),
    (DOSES, 3, 0.0, 0.03, 150, 0.5, 2.0),
    ((0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), 3, 0.15, 0.03, 150, 1.26, 1.5),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=300)
    args = parser.parse_args()
    print(f"Coverage in % of {args.repetitions} intervals of 95 % of EC50, median width in decades.\n")
    print("| doses above 0 | series at each | sd of log10 EC50 | EC50 | before | after |\n|---|---|---|---|---|---|")
    for doses, series, sd, icc, cells, ec50, hill in SETUPS:
        rng = np.random.default_rng(1)
        truth = np.array([0.92, 0.08, np.log10(ec50), np.log(hill)])
        dose = np.repeat([np.log10(d) if d else -np.inf for d in doses], series)
        ends = []
        for _ in range(args.repetitions):
            shifts = rng.normal(0, sd, dose.size)
            p = curve(truth, dose - shifts)
            live = rng.binomial(cells, rng.beta(p * (1 - icc) / icc, (1 - p) * (1 - icc) / icc)).astype(float)
            fit = fit_curve(Points(dose, live, np.full(dose.size, float(cells)), np.arange(dose.size)))
            old = replace(fit, widening=np.full(4, fit.dispersion), freedom=np.full(4, dose.size - 4.0))
            ends.append((*profile_interval(old, 2), *profile_interval(fit, 2)))
        low, high, new_low, new_high = np.array(ends).T
        cells_of = [
            f"{100 * np.mean((a <= truth[2]) & (truth[2] <= b)):.1f} ({np.median(b - a):.2f})"
            for a, b in ((low, high), (new_low, new_high))
        ]
        print(f"| {len(doses) - 1} | {series} | {sd:g} | {ec50:g} | {' | '.join(cells_of)} |", flush=True)


if __name__ == "__main__":
    main()
