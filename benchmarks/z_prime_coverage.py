"""Measure how often intervals of Z' contain the truth, against SciPy's bootstrap of the same wells.

The negative control has a mean of 100 cells and a coefficient of variation of 10 %, the positive one of 10 and 30 %; values
are normal, or counts of a gamma-Poisson mixture, or t distributed with five degrees of freedom.

python benchmarks/z_prime_coverage.py --repetitions 300
"""

import argparse

import numpy as np
from scipy import stats

from cell_pipelines.analysis.plates.controls import MAD_TO_SD, robust_centre_and_scale
from cell_pipelines.analysis.plates.z_prime_intervals import Control, robust_z_prime_interval, z_prime_interval

CONTROLS = ((100.0, 0.1), (10.0, 0.3))
WELLS = (4, 8, 16, 32)
#: Wells of the plate whose Z' is taken for the truth.
MANY = 1_000_000
RESAMPLES = 999


def draw(rng, distribution, mean, variation, wells):
    if distribution == "normal":
        return rng.normal(mean, variation * mean, wells)
    if distribution == "counts":
        return rng.poisson(mean * rng.gamma(variation**-2, variation**2, wells)).astype(float)
    return mean + variation * mean * np.sqrt(3 / 5) * rng.standard_t(5, wells)


def usual(values, axis=-1):
    return values.mean(axis=axis), values.std(axis=axis, ddof=1)


def robust(values, axis=-1):
    centre = np.median(values, axis=axis, keepdims=True)
    return centre.squeeze(axis), MAD_TO_SD * np.median(np.abs(values - centre), axis=axis)


def z_prime(negative, positive, summary, axis=-1):
    (centre_n, scale_n), (centre_p, scale_p) = summary(negative, axis), summary(positive, axis)
    return 1 - 3 * (scale_n + scale_p) / np.abs(centre_n - centre_p)


def intervals(pair, summary, seed):
    """Return the ends by the project's method, by percentiles and by BCa."""
    own, by = (z_prime_interval, usual) if summary is usual else (robust_z_prime_interval, robust_centre_and_scale)
    ends = [own(*(Control(values.size, *map(float, by(values))) for values in pair))]
    for method in ("percentile", "BCa"):
        interval = stats.bootstrap(
            pair, lambda a, b, axis=-1: z_prime(a, b, summary, axis), n_resamples=RESAMPLES, method=method,
            vectorized=True, rng=np.random.default_rng(seed),
        ).confidence_interval  # fmt: skip
        ends.append((interval.low, interval.high))
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=300)
    args = parser.parse_args()
    print(f"Coverage in % of {args.repetitions} intervals of 95 %, median width; one that is not there is a miss.\n")
    print("| values | wells of each control | Z′ | percentiles | BCa | robust Z′ | percentiles | BCa |")
    print("|---|---|---|---|---|---|---|---|")
    for distribution in ("normal", "counts", "t, 5 df"):
        rng = np.random.default_rng(1)
        many = [draw(rng, distribution, *control, MANY) for control in CONTROLS]
        for wells in WELLS:
            plates = [[draw(rng, distribution, *one, wells) for one in CONTROLS] for _ in range(args.repetitions)]
            cells = []
            for summary in (usual, robust):
                truth = z_prime(*many, summary)
                with np.errstate(all="ignore"):
                    ends = np.array([intervals(pair, summary, seed) for seed, pair in enumerate(plates)])
                low, high = ends[..., 0], ends[..., 1]
                cover = 100 * np.mean((low <= truth) & (truth <= high), axis=0)
                widths = np.nanmedian(high - low, axis=0)
                cells += [f"{one:.0f} ({width:.2f})" for one, width in zip(cover, widths, strict=True)]
            print(f"| {distribution} | {wells} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
