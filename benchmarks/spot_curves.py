"""Precision and recall of the adaptive spot finder over its threshold, on generated dots and on tagged real images.

python benchmarks/spot_curves.py --fields 12 --real ../shared/data --figure curves.png

The tags were set by one reader who saw no detection; doubtful places count neither as missed nor as false. Intervals
are Wilson's. Real images are taken as one nucleus. Stacks are generated in 13 planes; NEUBIAS is a real one.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist
from simulated.spots import KINDS, simulate_dots

from cell_pipelines.analysis.fish.finding import SpotOptions
from cell_pipelines.analysis.fish.spots import find_spots_adaptive, find_spots_fixed
from cell_pipelines.metrics.centroids import match_centroids
from cell_pipelines.metrics.intervals import wilson_interval
from cell_pipelines.metrics.ratios import f1

REACH = 3.0
THRESHOLDS = np.arange(4.0, 12.25, 0.25)
SIGMAS = {"one size (1.6 px)": 1.6, "three sizes": (1.1, 1.6, 2.3)}
# File, window (first and last row and column), sure tags, doubtful ones: row and column.
TAGS = {
    "HybISS": (
        "fish_spots_images/img_hybiss_2d.tif",
        (100, 220, 100, 340),
        "120 113 120.5 119 133 127 149.5 157 136.5 189.5 139.5 212.5 135 215 148 196 179 102 181 139 193 126.5 210 128.5 "
        "208 173.5 219 172 109 278 106.5 286.5 117 279 136 298 144.5 299.5 166.5 322 152 309.5 117 337.5",
        "198.5 173 200 132 125 210.5 146.5 132 219 142.5 204 118 124 249 130 252 139 275 141.5 280 159 308 175 251 200 337 "
        "155 339 101 286 105 336 194 337",
    ),
    "TERRA": (
        "fish_spots_images/img_terra_2d.tif",
        (340, 500, 450, 610),
        "376.5 531 372.5 549.5 389 539 431 492 427 509 443 494.5 444.5 556 475.5 510 492.5 521",
        "406 518 464 542 444 518 436 526 464 523 398 525 409 487 426 565 352 559 449 522",
    ),
    "NEUBIAS": (
        "multichannel_fluorescence_neubias/xyzc_16bit__spots.tif",
        (0, 88, 0, 89),
        "0.5 6 13 18 17 32 11 33.5 25.5 43 26.5 60 40 6.5 46.5 61 41 60 52.5 20 58.5 5 71.5 17 80.5 67 64 51 65.5 48 "
        "55.5 47.5 51 31 52 36.5 57.5 41 47 85",
        "6 12 6 17 10 41 35.5 59 83 1 86 80 40 80 34 14 70 75 12 62 35 34 87 40",
    ),
}


def best_focus(stack: np.ndarray) -> np.ndarray:
    """Take the plane with the strongest fine detail relative to its light."""
    detail = [np.var(ndimage.gaussian_laplace(plane.astype(float), 1.0)) / plane.mean() for plane in stack]
    return stack[int(np.argmax(detail))]


PROJECTIONS = {
    "maximum": lambda stack: stack.max(axis=0),
    "mean": lambda stack: np.rint(stack.mean(axis=0)).astype(stack.dtype),
    "best focus": best_focus,
}


class Case:
    """An image with its dots: a window of rows and columns, sure and doubtful places."""

    def __init__(self, image, labels, window, sure, doubtful) -> None:
        self.image, self.labels, self.window, self.sure, self.doubtful = image, labels, window, sure, doubtful

    def inside(self, places: np.ndarray, margin: float) -> np.ndarray:
        """Give which places lie in the window, widened by the margin."""
        top, bottom, left, right = self.window
        rows, columns = places.T
        near = (rows >= top - margin) & (rows < bottom + margin)
        return near & (columns >= left - margin) & (columns < right + margin)

    def count(self, places: np.ndarray) -> np.ndarray:
        """Give true positives, false positives and false negatives."""
        places = places[self.inside(places, REACH)]
        matching = match_centroids(self.sure, places, max_distance=REACH)
        rest = places[matching.true_index < 0]
        rest = rest[self.inside(rest, -1.0)]
        if len(rest) and len(self.doubtful):
            rest = rest[cdist(rest, self.doubtful).min(axis=1) > REACH]
        return np.array([matching.tp, len(rest), matching.fn])


def sweep(cases: list[Case], sigma_px) -> np.ndarray:
    """Count at every threshold."""
    counts = np.zeros((len(THRESHOLDS), 3), dtype=int)
    for case in cases:
        table = find_spots_adaptive(case.image, case.labels, sigma_px=sigma_px, prominence=THRESHOLDS[0])
        places, contrast = table[["row", "column"]].to_numpy(), table["contrast"].to_numpy()
        counts += np.array([case.count(places[contrast >= least]) for least in THRESHOLDS])
    return counts


def generated(kind: str, fields: int, planes: int = 1, project=PROJECTIONS["maximum"]) -> list[Case]:
    made = [simulate_dots(kind, seed, planes) for seed in range(fields)]
    window = (0, *made[0].labels.shape[:1], 0, made[0].labels.shape[1])
    return [Case(project(one.stack), one.labels, window, one.places, np.zeros((0, 2))) for one in made]


def tagged(folder: Path, name: str, project=PROJECTIONS["maximum"]) -> list[Case]:
    import tifffile

    file, window, sure, doubtful = TAGS[name]
    image = tifffile.imread(folder / file)
    image = project(image[:, 0]) if image.ndim == 4 else image  # a stack of two channels, alike but mirrored
    places = [np.array(text.split(), dtype=float).reshape(-1, 2) for text in (sure, doubtful)]
    return [Case(image, np.ones(image.shape, dtype=np.int32), window, *places)]


def describe(name: str, finder: str, counts: np.ndarray) -> str:
    """Give one line: precision and recall with their intervals, and F1."""
    tp, fp, fn = counts.tolist()
    shown = [  # of what is found, and of what is there
        f"{100 * own.estimate:.0f} % ({100 * own.low:.0f} to {100 * own.high:.0f})" if all_ else "none"
        for all_, own in ((n, wilson_interval(tp, n)) if n else (0, None) for n in (tp + fp, tp + fn))
    ]
    return f"| {name} | {finder} | {tp + fn} | {' | '.join(shown)} | {f1(tp, fp, fn):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=12)
    parser.add_argument("--real", type=Path, help="folder with fish_spots_images; without it only generated dots")
    parser.add_argument("--threshold", type=float, default=SpotOptions().prominence)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    at = int(np.argmin(np.abs(THRESHOLDS - args.threshold)))
    cases = {kind: generated(kind, args.fields) for kind in KINDS}
    cases |= {name: tagged(args.real, name) for name in TAGS} if args.real else {}
    print("| dots | finder | number | precision | recall | F1 |\n|---|---|---|---|---|---|")
    curves: dict[str, dict[str, np.ndarray]] = {}
    for name, own in cases.items():
        for finder, sigma_px in SIGMAS.items():
            curves.setdefault(finder, {})[name] = sweep(own, sigma_px)
            print(describe(name, f"{finder}, {THRESHOLDS[at]:g}", curves[finder][name][at]))
        fixed = [(case, find_spots_fixed(case.image, case.labels, border_px=None)) for case in own]
        counts = sum(case.count(table[["row", "column"]].to_numpy()) for case, table in fixed)
        print(describe(name, "paper", counts))
    print("\n| stack | projection | number | precision | recall | F1 |\n|---|---|---|---|---|---|")
    for projection, project in PROJECTIONS.items():
        stacks = {f"{kind}, 13 planes": generated(kind, args.fields // 2, 13, project) for kind in ("usual", "dim")}
        stacks |= {"NEUBIAS": tagged(args.real, "NEUBIAS", project)} if args.real else {}
        for name, own in stacks.items():
            print(describe(name, projection, sweep(own, SIGMAS["three sizes"])[at]))
    if args.figure:
        plot(curves, at, args.figure)


def plot(curves: dict[str, dict[str, np.ndarray]], at: int, path: Path) -> None:
    """Draw recall against precision, one line per set of images, the used threshold marked."""
    from matplotlib.figure import Figure

    names = list(curves["three sizes"])
    groups = {"generated": [n for n in names if n in KINDS], "real, tagged by eye": [n for n in names if n in TAGS]}
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for axes, (title, group) in zip(figure.subplots(1, 2, sharey=True), groups.items(), strict=True):
        for number, name in enumerate(group):
            tp, fp, fn = curves["three sizes"][name].T
            recall, precision = tp / np.maximum(tp + fn, 1), tp / np.maximum(tp + fp, 1)
            axes.plot(recall, precision, color=f"C{number}", label=name)
            axes.plot(recall[at], precision[at], "o", color=f"C{number}")
        axes.set(title=title, xlabel="Recall", xlim=(0, 1.02), ylim=(0, 1.02))
        axes.legend(loc="lower left", fontsize=8)
    figure.axes[0].set_ylabel("Precision")
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
