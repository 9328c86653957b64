"""Precision and recall of the spot finders on simulated FISH fields, and how well patterns of signals are counted.

python benchmarks/fish_spots.py --fields 20 --seed 0

Field i of every row has the seed `seed` + i. The nuclei are the true ones, so that only the spots are evaluated, but for
the last two scenes; a signal is found where a signal of its channel lies within 4 px. Patterns are those of whole nuclei.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd

from cell_pipelines.analysis.fish.finding import PAPER, SpotOptions, find_image_spots
from cell_pipelines.analysis.fish.mosaicism import count_signals
from cell_pipelines.analysis.fish.scoring import score_spots
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.simulation.fish import FishScene, simulate_fish

SCENES = {
    "noise 0.3": {"noise": 0.3},
    "noise 1": {},
    "noise 2": {"noise": 2.0},
    "noise 3": {"noise": 3.0},
    "dim spots": {"spot_light": 0.3},
    "bleed-through 0.4": {"bleed_through": 0.4},
    "bright background": {"background": 0.15},
    "noise 2, bright background": {"noise": 2.0, "background": 0.15},
    "16 bit": {"bit_depth": 16},
    "dim spots, noise 3": {"spot_light": 0.25, "noise": 3.0},
    "signals may hide each other": {"signals_apart": 0.0},
    "nuclei drawn 1 px too small": {"grown": -1},
    "nuclei drawn 1 px too large": {"grown": 1},
}
FINDERS = {
    "fixed, as the paper (T = 80, C = 1)": PAPER,
    "fixed, dots merged": replace(PAPER, merge_px=SpotOptions.merge_px),
    "adaptive, C = 1": SpotOptions(border_px=1.0),
    "adaptive": SpotOptions(),
}


def redraw(labels: np.ndarray, by: int) -> np.ndarray:
    """Make all nuclei one pixel larger or smaller, as a model may draw them."""
    from skimage.segmentation import expand_labels, find_boundaries

    if by > 0:
        return expand_labels(labels, by)
    return np.where(find_boundaries(labels, mode="inner"), 0, labels) if by < 0 else labels


def measure(scene: FishScene, fields: int, seed: int, grown: int) -> dict[str, tuple[np.ndarray, list[pd.DataFrame]]]:
    """Give counts tp, fp, fn and the nuclei with true and found patterns of every finder on the same fields."""
    results = {name: (np.zeros(3, dtype=int), []) for name in FINDERS}
    for number in range(seed, seed + fields):
        field = simulate_fish(scene, number)
        labels = redraw(field.labels, grown)
        for name, options in FINDERS.items():
            counts, tables = results[name]
            signals = find_image_spots(field.image, labels, options).signals.assign(image=str(number))
            scores = score_spots(field.spots, signals, max_distance_px=4.0)
            counts += scores[["tp", "fp", "fn"]].sum().to_numpy()
            nuclei = field.nuclei[["nucleus", "category"]].assign(image=str(number), true=field.nuclei["pattern"])
            tables.append(count_signals(signals, nuclei))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=int, default=12)
    parser.add_argument("--only", nargs="*", choices=SCENES, help="scenes; by default all")
    args = parser.parse_args()
    print(f"{args.fields} fields of 320 x 320 px a row, seeds {args.seed} to {args.seed + args.fields - 1}\n")
    print("| scene | finder | true signals | precision | recall | F1 | nuclei with the right pattern |")
    print("|---|---|---|---|---|---|---|")
    confusions = {}
    for scene_name in args.only or SCENES:
        settings = SCENES[scene_name]
        look = {key: value for key, value in settings.items() if key != "grown"}
        scene = replace(FishScene(cells=args.cells), **look)
        results = measure(scene, args.fields, args.seed, settings.get("grown", 0))
        for name, ((tp, fp, fn), tables) in results.items():
            nuclei = pd.concat(tables, ignore_index=True)
            nuclei = nuclei[nuclei["category"] == "whole"]
            right = 100 * (nuclei["pattern"] == nuclei["true"]).mean()
            ratios = f"{precision(tp, fp):.3f} | {recall(tp, fn):.3f} | {f1(tp, fp, fn):.3f}"
            print(f"| {scene_name} | {name} | {tp + fn} | {ratios} | {right:.1f} % of {len(nuclei)} |")
            confusions[scene_name, name] = nuclei
    for name in FINDERS:
        if ("noise 1", name) not in confusions:
            continue
        nuclei = confusions["noise 1", name]
        table = pd.crosstab(nuclei["true"], nuclei["pattern"])
        print(f"\nTrue (rows) and found patterns of whole nuclei, noise 1, {name}\n")
        print("| true | " + " | ".join(table.columns) + " |\n|---|" + "---|" * len(table.columns))
        for true, row in table.iterrows():
            print(f"| {true} | " + " | ".join(str(count) for count in row) + " |")


if __name__ == "__main__":
    main()
