"""Measure EC50s, hits and effects of position on generated plates against the truth that was put in.

Each plate has 384 wells: 24 active and 8 inactive compounds at 10 concentrations with one well each, 48 negative and 16
positive controls, counts that scatter by 8 % beyond the Poisson distribution, and, of two of three kinds, an effect of
the left side. The named alternative is SciPy's `curve_fit` of the same curve to the same responses, with its Wald
interval of log10 EC50.

python benchmarks/plates.py --plates 20
python benchmarks/plates.py --render FOLDER    # images of one plate with its layout and its truth, for `kedro run`
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize, stats

from cell_pipelines.analysis.plates.analysing import PlateResult, analyse_plates
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.simulation.plate import PlateScene, SimulatedPlate, simulate_plate

#: Effect of the side, and whether it is taken from the values.
KINDS = ((0.0, "none"), (-0.2, "none"), (-0.2, "median_polish"))
_SIZE = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plates", type=int, default=20)
    parser.add_argument("--render", type=Path)
    args = parser.parse_args()
    if args.render:
        render(args.render)
        return
    print(
        "| left side | corrected | Z' | EC50 known | error, decades | covered, % | width, decades | SciPy: known | error "
        "| covered, % | width | inactive with EC50 | false hits, % | left side, points | s per plate |\n|" + "---|" * 15
    )
    for side, correct in KINDS:
        rows = [_measure(simulate_plate(PlateScene(side_effect=side), seed), correct) for seed in range(args.plates)]
        table = pd.DataFrame(rows)
        means, medians = table.mean(), table.median()
        print(
            f"| {100 * side:g} % | {correct} | {medians['z_prime']:.2f} | {100 * means['known']:.0f} % "
            f"| {medians['error']:.3f} | {100 * means['covered']:.1f} | {medians['width']:.2f} "
            f"| {100 * means['scipy_known']:.0f} % | {medians['scipy_error']:.3f} "
            f"| {100 * means['scipy_covered']:.1f} | {medians['scipy_width']:.2f} | {100 * means['inactive']:.1f} % "
            f"| {100 * means['false_hits']:.1f} | {medians['left']:.1f} | {medians['seconds']:.1f} |",
            flush=True,
        )


def _measure(plate: SimulatedPlate, correct: str) -> dict[str, float]:
    names = [f"run_{well}_s1_w1.tif" for well in plate.layout["well"]]
    counts = pd.DataFrame({"image": names, "total": plate.counts})
    started = time.process_time()
    result = analyse_plates(counts, plate.layout, PlateRules(correct=correct))
    seconds = time.process_time() - started
    doses = result.doses.merge(plate.compounds, on="compound", suffixes=("", "_true"))
    active, inactive = doses[doses["ec50_true"].notna()], doses[doses["ec50_true"].isna()]
    ends = np.log10(active[["ec50", "ec50_low", "ec50_high"]].to_numpy(dtype=np.float64))
    scipy = np.array([_by_scipy(result, name) for name in active["compound"]])
    truth = np.log10(active["ec50_true"].to_numpy(dtype=np.float64))
    hits = result.hits[result.hits["hit"]]
    return {
        **_compare(ends, truth), **{f"scipy_{name}": value for name, value in _compare(scipy, truth).items()},
        "z_prime": result.quality["z_prime"].iloc[-1], "inactive": inactive["ec50"].notna().mean(),
        "false_hits": hits["compound"].isin(inactive["compound"]).mean(), "seconds": seconds,
        "left": result.effects.set_index("region").loc["left", "difference_percent"],
    }  # fmt: skip


def _compare(ends: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    known = np.isfinite(ends[:, 0])
    estimate, low, high = ends[known].T
    covered = (low <= truth[known]) & (truth[known] <= high)
    return {
        "known": known.mean(),
        "error": float(np.median(np.abs(estimate - truth[known]))),
        "covered": covered.mean(),
        "width": float(np.median(high - low)),
    }


def _by_scipy(result: PlateResult, compound: str) -> tuple[float, float, float]:
    wells = result.wells[result.wells["compound"] == compound]
    dose, response = np.log10(wells["concentration"].to_numpy(float)), wells["response_percent"].to_numpy(float)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values, covariance = optimize.curve_fit(_curve, dose, response, p0=(100, 10, np.median(dose), 1))
    except RuntimeError:
        return np.nan, np.nan, np.nan
    half = stats.t.ppf(0.975, dose.size - 4) * np.sqrt(covariance[2, 2])
    return values[2], values[2] - half, values[2] + half


def _curve(dose: np.ndarray, top: float, bottom: float, log10_ec50: float, hill: float) -> np.ndarray:
    return bottom + (top - bottom) / (1 + 10 ** np.clip(hill * (dose - log10_ec50), -50, 50))


def render(folder: Path) -> None:
    import tifffile

    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    plate = simulate_plate(PlateScene(cells=40, side_effect=-0.2), seed=1)
    (folder / "images").mkdir(parents=True)
    placed = []
    for number, (well, count) in enumerate(zip(plate.layout["well"], plate.counts, strict=True)):
        scene = NucleiScene(height=_SIZE, width=_SIZE, cells=int(count), mean_radius_px=5.0, clumping=0.2, debris=0.0)
        field = simulate_nuclei(scene, seed=number)
        placed.append(len(field.boxes))
        tifffile.imwrite(folder / "images" / f"run_{well}_s1_w1.tif", field.image)
    plate.layout.to_csv(folder / "layout.csv", index=False)
    plate.compounds.to_csv(folder / "truth.csv", index=False)
    plate.layout.assign(asked=plate.counts, cells=placed).to_csv(folder / "cells.csv", index=False)


if __name__ == "__main__":
    main()
