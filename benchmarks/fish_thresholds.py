"""Measure how many normal subjects are flagged and how many mosaics detected, by controls and overdispersion.

Counts are beta-binomial, 200 nuclei a subject, four abnormal states of two chromosomes: 0.2, 2, 1 and 0.2 % in normal
subjects. "Laboratories" flags a subject above mean + 3 SD and above the beta inverse in the same state, as up to
version 0.1; "mean + 3 SD" by that alone; "threshold" is `reference_range`. Power is that of the threshold for mosaics
whose share of nuclei is monosomic for X.

python benchmarks/fish_thresholds.py --laboratories 60
"""

import argparse

import numpy as np
import pandas as pd

from cell_pipelines.analysis.fish.laboratory_thresholds import compute_laboratory_thresholds, flag_samples

NORMAL = {"nullisomic": 0.002, "monosomic": 0.02, "trisomic": 0.01, "tetrasomic or more": 0.002}
NUCLEI = 200
MOSAICS = (0.05, 0.1, 0.2, 0.3)


def draw(rng: np.random.Generator, subjects: int, rho: float, mosaic: float = 0.0) -> pd.DataFrame:
    """Draw subjects as rows of `measure_aneuploidy`."""
    parts = []
    for chromosome in ("21", "X"):
        for state, share in NORMAL.items():
            p = mosaic + share * (1 - mosaic) if (chromosome, state) == ("X", "monosomic") else share
            own = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, subjects) if rho else np.full(subjects, p)
            columns = {"subject": range(subjects), "chromosome": chromosome, "state": state, "nuclei": NUCLEI}
            parts.append(pd.DataFrame({**columns, "count": rng.binomial(NUCLEI, own)}))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(fraction_percent=100 * table["count"] / NUCLEI)


def share_flagged(samples: pd.DataFrame) -> np.ndarray:
    """Return the share of subjects above in any state: mean + 3 SD, both conventions, the threshold."""
    zero = samples["mean_3sd_percent"].isna() & (samples["fraction_percent"] > 0)  # a threshold of 0 %, as it was
    mean = samples["above_mean_3sd"].fillna(False).astype(bool) | zero
    both = mean & samples["above_beta_inverse"].fillna(False).astype(bool)
    above = pd.DataFrame(
        {"mean": mean, "both": both, "threshold": samples["above_threshold"].fillna(False).astype(bool)}
    )
    return above.groupby(samples["subject"]).any().mean().to_numpy(dtype=float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laboratories", type=int, default=60)
    parser.add_argument("--subjects", type=int, default=100)
    args = parser.parse_args()
    power = " | ".join(f"{100 * share:g} %" for share in MOSAICS)
    print(f"{args.laboratories} laboratories with {args.subjects} subjects each; % of subjects flagged somewhere.\n")
    print("| overdispersion | controls | normal: mean + 3 SD | normal: laboratories | **normal: threshold** "
          f"| found of mosaics of {power} |")  # fmt: skip
    print("|" + "---|" * (5 + len(MOSAICS)))
    for rho in (0.0, 0.01, 0.03):
        for controls in (3, 5, 10, 20):
            rng = np.random.default_rng(controls)
            shares = []
            for _ in range(args.laboratories):
                normal = draw(rng, controls, rho)
                thresholds = compute_laboratory_thresholds(normal)
                tables = (draw(rng, args.subjects, rho, mosaic) for mosaic in (0.0, *MOSAICS))
                none, *mosaics = (share_flagged(flag_samples(table, thresholds, normal)) for table in tables)
                shares.append([*none, *(found[-1] for found in mosaics)])
            shown = " | ".join(f"{100 * share:.1f}" for share in np.mean(shares, axis=0))
            print(f"| {rho:g} | {controls} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
