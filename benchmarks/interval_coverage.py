"""Measure how often reported intervals contain the truth, and how often equal models "differ".

Counts of images are drawn from a model with known truth (`simulated.evaluation_counts`): images differ in how many cells
they hold (negative binomial or log-normal) and in how well these are found, and so do series of images. Nominal is 95 %, and
5 % for the family-wise error. "BCa" is the plain bootstrap, "widened" what was reported until version 0.1, "joined" what
is reported now; `equal_models.py` shows how often equal models differ where they are compared as a study's are.

python benchmarks/interval_coverage.py --repetitions 4000
"""

import argparse
from collections.abc import Iterator

import numpy as np
from simulated.evaluation_counts import CountModel, EvaluationCounts, simulate_counts

from cell_pipelines.analysis.model_comparison.resampling import (
    bca_intervals,
    leave_one_out,
    percentile_intervals,
    resample_totals,
)
from cell_pipelines.metrics.evaluated import COMPARED
from cell_pipelines.metrics.jackknife import jackknife_intervals, join_intervals, small_sample_level
from cell_pipelines.metrics.metric import Metric

METRIC_COUNTS = {"f1": "found", "dice": "pixels", "pixel_iou": "pixels", "count_mae": "totals"}
SERIES = 5
IN_SERIES = {"series_sd": 0.8, "series": SERIES}
# Images of very different size and quality, as in section E of the list of faults.
UNEQUAL = {"dispersion": 0.0, "recall": 0.858, "image_sd": 0.8, "model_sd": 0.0, "better": 0.0}
AT_ONCE = 200


def summands(metric: Metric, counts: EvaluationCounts) -> np.ndarray:
    """Return what is summed, (I, R, M, L)."""
    return np.moveaxis(metric.summands(getattr(counts, METRIC_COUNTS[metric.name])), 1, 0)


def true_values(model: CountModel, metrics: list[Metric], images: int) -> dict[str, np.ndarray]:
    """Return the metrics of two models over very many images."""
    rng = np.random.default_rng(99)
    sums: dict[str, np.ndarray] = {}
    for _ in range(max(1, images // 100_000)):
        counts = simulate_counts(model, 100_000, models=2, rng=rng)
        for metric in metrics:
            sums[metric.name] = sums.get(metric.name, 0) + summands(metric, counts).sum(axis=(0, 1))
    return {metric.name: metric.of_totals(sums[metric.name]) for metric in metrics}


def covered(
    metric: Metric, counts: EvaluationCounts, truth: np.ndarray, units: np.ndarray, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Tell for the last model, and for its difference to the first, which intervals hold the truth, (R,) each."""
    parts = summands(metric, counts)
    totals = np.zeros((units.max() + 1, *parts.shape[1:]))
    np.add.at(totals, units, parts)
    values = metric.of_totals(totals.sum(axis=0))
    samples = metric.of_totals(resample_totals(totals, n_resamples=resamples, seed=seed))
    without = metric.of_totals(leave_one_out(totals))
    wide, found = small_sample_level(0.95, len(totals)), {}
    for title, take in (("", lambda v: v[..., 1]), (", difference", lambda v: v[..., 1] - v[..., 0])):
        plain = bca_intervals(take(values), take(samples), take(without), level=0.95)
        wider = (
            percentile_intervals(take(samples), level=wide) if title
            else bca_intervals(take(values), take(samples), take(without), level=wide)
        )  # fmt: skip
        scale = "identity" if title else metric.scale
        joined = join_intervals(wider, jackknife_intervals(take(values), take(without), level=0.95, scale=scale))
        for kind, (low, high) in (("BCa", plain), ("widened", wider), ("joined", joined)):
            found[f"{metric.name}{title}, {kind} width"] = high - low
            found[f"{metric.name}{title}, {kind}"] = (low <= take(truth)) & (take(truth) <= high)
    return found


def coverage_rows(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Yield how images come, how many, in how many units, the number, the coverages in percent, and median widths."""
    metrics = [COMPARED[name] for name in METRIC_COUNTS]
    for label, settings, grouped in (
        ("independent", {}, False),
        *((f"independent, sizes log-normal {sd}", {**UNEQUAL, "log_sd": sd}, False) for sd in (0.4, 0.8, 1.2)),
        ("in series of 5, images drawn", IN_SERIES, False), ("in series of 5, series drawn", IN_SERIES, True),
    ):  # fmt: skip
        model = CountModel(**{"better": 0.3, **settings})
        truth = true_values(model, metrics, args.truth_images)
        for images in args.images:
            units = np.arange(images) // (SERIES if grouped else 1)
            rng = np.random.default_rng(images)
            hits: dict[str, list[np.ndarray]] = {}
            for start in range(0, args.repetitions, AT_ONCE):
                size = min(AT_ONCE, args.repetitions - start)
                counts = simulate_counts(model, images, models=2, repetitions=size, rng=rng)
                for metric in metrics:
                    found = covered(metric, counts, truth[metric.name], units, args.resamples, start)
                    for title, held in found.items():
                        hits.setdefault(title, []).append(held)
            all_hits = {title: np.concatenate(parts) for title, parts in hits.items()}
            for what in METRIC_COUNTS:
                for title in (what, f"{what}, difference"):
                    kinds = [f"{title}, {kind}" for kind in ("BCa", "widened", "joined")]
                    shares = [100 * float(all_hits[kind].mean()) for kind in kinds]
                    widths = [float(np.nanmedian(all_hits[f"{kind} width"])) for kind in kinds[1:]]
                    yield label, images, units.max() + 1, title, *shares, *widths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--images", type=int, nargs="+", default=[10, 15, 20, 30, 50, 100])
    parser.add_argument("--truth-images", type=int, default=2_000_000)
    args = parser.parse_args()
    print(f"Coverage in % of {args.repetitions} intervals of 95 %, {args.resamples} resamples each.\n")
    print("| images come | images | units drawn | interval of | BCa | widened | joined | width, widened | joined |")
    print("|---|---|---|---|---|---|---|---|---|")
    for label, images, units, title, *numbers in coverage_rows(args):
        plain, wide, joined, *widths = numbers
        row = f"{label} | {images} | {units} | {title} | {plain:.1f} | {wide:.1f} | {joined:.1f}"
        print(f"| {row} | {widths[0]:.3f} | {widths[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
