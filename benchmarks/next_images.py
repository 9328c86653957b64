"""Measure whether the images ranked first are those on which the models err most.

    python benchmarks/next_images.py data/dsb2018 resunet,unetpp,unet,stardist

The labelled test images of a study are taken for new ones: run `next_images` on them first, and `evaluation` for the
errors. For each part and for the gain: the rank correlation with 1 - F1 of the image (mean over the models), and the
mean error of the first quarter less that of all, which is what picking at random gives. Intervals are percentiles of
bootstrap samples of images, each ranked anew by the same numbers.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from cell_pipelines.analysis.active_learning.ranking import PARTS, expected_gain

_SAMPLES = 2000


def read_errors(folder: Path, models: list[str]) -> pd.Series:
    """Return 1 - F1 of each test image, mean over models; by masks where there are any."""
    errors = []
    for model in models:
        table = pd.read_csv(folder / f"08_reporting/{model}/evaluation_images.csv")
        masks = table["instance_tp_50"].notna().all()
        names = [f"instance_{count}_50" for count in ("tp", "fp", "fn")] if masks else ["tp", "fp", "fn"]
        tp, fp, fn = (table.groupby("image")[name].sum() for name in names)
        errors.append(1 - 2 * tp / (2 * tp + fp + fn).clip(lower=1))
    return pd.concat(errors, axis=1).mean(axis=1)


def evaluate(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return the rank correlation, and the mean error of the first quarter less that of all."""
    first = np.argsort(-values, kind="stable")[: max(1, len(values) // 4)]
    flat = np.ptp(values) == 0 or np.ptp(errors) == 0
    return (0.0 if flat else float(spearmanr(values, errors).statistic)), float(errors[first].mean() - errors.mean())


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("models")
    parser.add_argument("--table", type=Path, help="the ranking; by default that of the study")
    args = parser.parse_args()
    path = args.table or args.study / "08_reporting/next_images/next_images.csv"
    ranked = pd.read_csv(path).set_index("image")
    errors = read_errors(args.study, args.models.split(","))
    ranked = ranked.loc[[name for name in ranked.index if name in errors.index]]
    truth = errors.loc[ranked.index].to_numpy()
    rng = np.random.default_rng(0)
    print(f"{len(ranked)} images, mean error {truth.mean():.3f}\n")
    print("| by | rank correlation with 1 - F1 | error of the first quarter less the mean |\n|---|---|---|")
    for part in (*PARTS, "gain"):
        draws = []
        for rows in (rng.integers(0, len(ranked), len(ranked)) for _ in range(_SAMPLES)):
            sample = ranked.iloc[rows]
            # Of the gain the ranks change with the sample, too.
            gain = expected_gain(sample, dict.fromkeys(PARTS, 1.0)) if part == "gain" else sample[part].to_numpy()
            draws.append(evaluate(gain, truth[rows]))
        ends = np.percentile(draws, (2.5, 97.5), axis=0)
        found = evaluate(ranked[part].to_numpy(), truth)
        cells = [f"{v:.2f} ({low:.2f} to {high:.2f})" for v, low, high in zip(found, *ends, strict=True)]
        print(f"| {part} | {' | '.join(cells)} |")
    order = ranked["rank"].to_numpy(dtype=float)
    print(f"| rank, with diversity | {' | '.join(f'{v:.2f}' for v in evaluate(-order, truth))} |")


if __name__ == "__main__":
    main()
