"""Precision and recall of the adaptive spot finder over its threshold, on generated dots and on tagged real images.

python benchmarks/spot_curves.py --fields 12 --real ../shared/data --figure curves.png

The tags were set by eye without a detection; doubtful places, mostly dim, count neither as missed nor as false. Intervals
are Wilson's. Real images are taken as one nucleus. Stacks are generated in 13 planes; NEUBIAS is a real one.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist
from simulated.spots import KINDS, SIDE, simulate_dots

from cell_pipelines.analysis.fish.finding import SpotOptions
from cell_pipelines.analysis.fish.spots import find_spots_adaptive, find_spots_fixed
from cell_pipelines.metrics.centroids import match_centroids
from cell_pipelines.metrics.intervals import wilson_interval
from cell_pipelines.metrics.ratios import f1

REACH = 3.0
THRESHOLDS = np.arange(4.0, 12.25, 0.25)
SIGMAS = {"one size (1.6 px)": 1.6, "three sizes": (1.1, 1.6, 2.3)}
# File, windows (first and last row and column), sure tags, doubtful ones: row and column.
TAGS = {
    "HybISS": (
        "fish_spots_images/img_hybiss_2d.tif",
        ((100, 220, 100, 340), (363, 438, 103, 338), (23, 98, 13, 88), (23, 98, 423, 498)),
        "120 113 120.5 119 133 127 149.5 157 136.5 189.5 139.5 212.5 135 215 148 196 179 102 181 139 193 126.5 "
        "210 128.5 208 173.5 219 172 109 278 106.5 286.5 117 279 136 298 144.5 299.5 166.5 322 152 309.5 117 "
        "337.5 377.5 108 387.5 118.5 391 103 409 127 411 113.5 378.5 234 396 226.5 400 221 413 221.5 425.5 237 "
        "432 188 431.5 183.5 437 208.5 375 261 413 288 432 271.5 436 308 39 17.5 32 58 86 461.5 79 495",
        "198.5 173 200 132 125 210.5 146.5 132 219 142.5 204 118 124 249 130 252 139 275 141.5 280 159 308 175 "
        "251 200 337 155 339 101 286 105 336 194 337 385 124.5 404 166.5 412 243.5 431.5 233.5 434 276 388 134 "
        "427 242 412 291 383 118 414 116 390 108 365 194 416 287 410 288 405 287 424 241 425 272 397.5 228 391 "
        "108 28.5 60.5 28 66.5 27 45 34 26.5 30 28 84 77 72 80 71 84 31 83 31 80 40 78 30 35 37 82 25 45 79 70 22 "
        "65 22 48 30 60 82 486 84 488 57.5 452.5 81 484 84 463 98 422 34 436 67 475 68 490",
    ),
    "TERRA": (
        "fish_spots_images/img_terra_2d.tif",
        (
            (340, 500, 450, 610),
            (703, 776, 273, 346),
            (573, 648, 502, 578),
            (893, 967, 583, 737),
            (883, 941, 275, 344),
            (942, 1014, 255, 326),
            (404, 477, 36, 107),
        ),
        "376.5 531 372.5 549.5 389 539 431 492 427 509 443 494.5 444.5 556 475.5 510 492.5 521 714.5 317.5 720 "
        "318.5 719 303.5 723 303 724 313.5 726 288 731.5 308 736 313.5 730 325.5 734 323.5 736 286 740 292.5 743 "
        "321.5 747 320.5 751.5 283 756 294 756.5 283 759.5 311.5 761.5 317.5 763 299 753.5 343 757 335.5 764.5 "
        "334 767 310 775 289.5 717.5 291 580.5 517 602 503 606 510 608 530.5 604 535 604 544 894.5 584 892 645 "
        "919.5 645.5 939.5 634 957 600 955.5 629 967 601 905.5 661.5 923.5 661 908.5 684 910.5 698.5 905.5 713.5 "
        "909 707 930 703.5 940 681 946 686.5 950 691.5 953.5 664 959 700.5 954 707 888.5 313.5 894.5 301 900.5 "
        "300.5 905 310 901 323 900 342 900 316 886 329 904 329.5 909 336.5 914.5 335 913 328.5 917 282.5 918 312 "
        "918 317.5 921 305 932 291.5 936.5 285.5 933.5 332.5 939 312 946.5 264.5 945.5 270.5 947.5 297 956.5 315 "
        "953.5 319.5 959 274 965 296 966 316 976 273.5 978 279 979 314.5 988 309.5 991 312.5 988 255.5 999.5 264 "
        "998.5 270.5 1005.5 261 1009 271.5 1009 291 1002 302.5 1012 305 418.5 73.5 450 98.5 456.5 39.5 464 49",
        "406 518 464 542 444 518 436 526 464 523 398 525 409 487 426 565 352 559 449 522 714 319 715 316 712.5 "
        "308 717 296 758.5 331 758 334 730 295 755 288 742.5 315.5 772.5 327 774 295 779 313 779.5 316 728 341 "
        "738 338 718 334 730 309.5 769 346 759.5 349 733 306 731 309 604.5 501 589 538 612 516 613 526 632 563 "
        "644 512 613 510 607 515 602.5 527 600 543 587 505 611 526 947 618.5 964 600.5 959.5 585.5 896 628 927 "
        "622 957 618.5 964 611 969 587 939 580 964.5 629.5 916 638 968 609 945 616 955 617 910 591 960.5 694.5 "
        "964.5 710.5 955.5 722.5 925 710.5 949 732 956 732 920 703 898 662.5 921 681.5 923 688 928 670 933 672 "
        "936.5 684.5 962 678 959 675 926 669 910 672 918 688 927 691 939 671 949.5 671 938 726 886.5 334 893.5 "
        "312 903 345 912.5 297 921.5 287 924 299 925 302 919.5 323 914 315 932.5 281.5 938 288 932.5 342 909.5 "
        "326 930 340 894.5 340 921 298 920 309 941.5 319 911 296 889 320 897 310 916 286 970 305.5 966.5 312 983 "
        "266.5 992 267.5 996 278 1003.5 286.5 1000 284 989 302 1001 279 1014 263.5 954 260 961 263 952 302 953 "
        "289 951 307 984 280 996 290 980 292 990 277 973 300 976 312 944 295 1007 288 999 316 958 263 972 297 982 "
        "276 1014.5 285.5 1016.5 279 462 32.5 424.5 88.5 427 63 442 36 439.5 40 406.5 71 410 55 425 62 436 105 "
        "465 94 442 67 478 87 461 90 447 78 433 60 425 51 464 106 466 107",
    ),
    "NEUBIAS": (
        "multichannel_fluorescence_neubias/xyzc_16bit__spots.tif",
        ((0, 88, 0, 89),),
        "0.5 6 13 18 17 32 11 33.5 25.5 43 26.5 60 40 6.5 46.5 61 41 60 52.5 20 58.5 5 71.5 17 80.5 67 64 51 65.5 "
        "48 55.5 47.5 51 31 52 36.5 57.5 41 47 85",
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
    """An image with its dots: windows of rows and columns, sure and doubtful places."""

    def __init__(self, image, labels, windows, sure, doubtful) -> None:
        self.image, self.labels, self.windows, self.sure, self.doubtful = image, labels, windows, sure, doubtful

    def inside(self, places: np.ndarray, margin: float) -> np.ndarray:
        """Give which places lie in a window, widened by the margin."""
        rows, columns = places.T
        inside = np.zeros(len(places), dtype=bool)
        for top, bottom, left, right in self.windows:
            near = (rows >= top - margin) & (rows < bottom + margin)
            inside |= near & (columns >= left - margin) & (columns < right + margin)
        return inside

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


def generated(kind: str, fields: int, planes: int = 1, project=PROJECTIONS["maximum"], first: int = 0) -> list[Case]:
    made = [simulate_dots(kind, seed, planes) for seed in range(first, first + fields)]
    windows = [(0, SIDE, 0, SIDE)]
    return [Case(project(one.stack), one.labels, windows, one.places, np.zeros((0, 2))) for one in made]


def tagged(folder: Path, name: str, project=PROJECTIONS["maximum"]) -> list[Case]:
    import tifffile

    file, windows, sure, doubtful = TAGS[name]
    image = tifffile.imread(folder / file)
    image = project(image[:, 0]) if image.ndim == 4 else image  # a stack of two channels, alike but mirrored
    places = [np.array(text.split(), dtype=float).reshape(-1, 2) for text in (sure, doubtful)]
    return [Case(image, np.ones(image.shape, dtype=np.int32), windows, *places)]


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
