"""How often the intervals that evaluation and comparison report hold the truth, and how often equal models "differ".

Counts of images are drawn from a model with known truth (`simulation.judged_counts`): images differ in how many cells
they hold (negative binomial) and in how well these are found, and so do series of images. Nominal is 95 %, and 5 % for
the family-wise error.

python benchmarks/interval_coverage.py --repetitions 4000
"""

import argparse
from collections.abc import Iterator

import numpy as np

from cell_pipelines.analysis.model_comparison.compared_metrics import METRICS, ComparedMetric
from cell_pipelines.analysis.model_comparison.pairwise import adjust, pair_places
from cell_pipelines.analysis.model_comparison.resampling import (
    bca_intervals,
    leave_one_out,
    percentile_intervals,
    resample_totals,
)
from cell_pipelines.analysis.model_comparison.signed_ranks import signed_rank_tests
from cell_pipelines.metrics.intervals import widen
from cell_pipelines.simulation.judged_counts import CountModel, JudgedCounts, simulate_counts

METRIC_COUNTS = {"f1": "found", "dice": "pixels", "pixel_iou": "pixels", "count_mae": "totals"}
SERIES = 5
AT_ONCE = 200


def summands(metric: ComparedMetric, counts: JudgedCounts) -> np.ndarray:
    """Return what is summed, (I, R, M, L)."""
    return np.moveaxis(metric.summands(getattr(counts, METRIC_COUNTS[metric.name])), 1, 0)


def true_values(model: CountModel, metrics: list[ComparedMetric], images: int) -> dict[str, np.ndarray]:
    """Return the metrics of two models over very many images."""
    rng = np.random.default_rng(99)
    sums: dict[str, np.ndarray] = {}
    for _ in range(max(1, images // 100_000)):
        counts = simulate_counts(model, 100_000, models=2, rng=rng)
        for metric in metrics:
            sums[metric.name] = sums.get(metric.name, 0) + summands(metric, counts).sum(axis=(0, 1))
    return {metric.name: metric.of_totals(sums[metric.name]) for metric in metrics}


def covered(
    metric: ComparedMetric, counts: JudgedCounts, truth: np.ndarray, units: np.ndarray, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Tell for the last model, and for its difference to the first, which intervals hold the truth, (R,) each."""
    parts = summands(metric, counts)
    totals = np.zeros((units.max() + 1, *parts.shape[1:]))
    np.add.at(totals, units, parts)
    values = metric.of_totals(totals.sum(axis=0))
    samples = metric.of_totals(resample_totals(totals, n_resamples=resamples, seed=seed))
    without = metric.of_totals(leave_one_out(totals))
    wide = widen(0.95, len(totals))
    found = {}
    for title, take in (("", lambda v: v[..., 1]), (", difference", lambda v: v[..., 1] - v[..., 0])):
        plain = bca_intervals(take(values), take(samples), take(without), level=0.95)
        wider = (
            percentile_intervals(take(samples), level=wide) if title
            else bca_intervals(take(values), take(samples), take(without), level=wide)
        )  # fmt: skip
        for kind, (low, high) in (("BCa", plain), ("widened", wider)):
            found[f"{metric.name}{title}, {kind}"] = (low <= take(truth)) & (take(truth) <= high)
    return found


def coverage_rows(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Yield how images come, how many, in how many units, the number, and the two coverages in percent."""
    metrics = [METRICS[name] for name in METRIC_COUNTS]
    for label, series_sd, grouped in (
        ("independent", 0.0, False), ("in series of 5, images drawn", 0.8, False),
        ("in series of 5, series drawn", 0.8, True),
    ):  # fmt: skip
        model = CountModel(series_sd=series_sd, series=SERIES if series_sd else 1, better=0.3)
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
            shares = {title: 100 * float(np.concatenate(parts).mean()) for title, parts in hits.items()}
            for what in METRIC_COUNTS:
                for title in (what, f"{what}, difference"):
                    yield label, images, units.max() + 1, title, shares[f"{title}, BCa"], shares[f"{title}, widened"]


def family_rows(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Yield models, images, and in how many percent of experiments some pair of equal models is told apart."""
    metric = METRICS["f1"]
    for models in (2, 5, 10):
        first, second = pair_places(models)
        for images in args.images:
            rng = np.random.default_rng(images + models)
            wrong = 0
            for start in range(0, args.repetitions, AT_ONCE):
                size = min(AT_ONCE, args.repetitions - start)
                counts = simulate_counts(CountModel(), images, models=models, repetitions=size, rng=rng)
                values = np.moveaxis(metric.of_totals(counts.found), 1, 0)
                differences = (values[..., first] - values[..., second]).reshape(images, -1)
                p = signed_rank_tests(differences)[0].reshape(size, len(first))
                wrong += sum(bool((adjust(row) < 0.05).any()) for row in p)
            yield models, images, 100 * wrong / args.repetitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--images", type=int, nargs="+", default=[10, 15, 20, 30, 50, 100])
    parser.add_argument("--truth-images", type=int, default=2_000_000)
    args = parser.parse_args()
    print(f"Coverage in % of {args.repetitions} intervals of 95 %, {args.resamples} resamples each: plain")
    print("BCa; widened as evaluation and comparison do, BCa for a number and percentiles for a difference.\n")
    print("| images come | images | units drawn | interval of | BCa | widened |\n|---|---|---|---|---|---|")
    for label, images, units, title, plain, wide in coverage_rows(args):
        print(f"| {label} | {images} | {units} | {title} | {plain:.1f} | {wide:.1f} |", flush=True)
    print(f"\nEqual models of which some pair is told apart by p after Holm, in % of {args.repetitions} experiments.\n")
    print("| models | images | % |\n|---|---|---|")
    for models, images, share in family_rows(args):
        print(f"| {models} | {images} | {share:.1f} |", flush=True)


if __name__ == "__main__":
    main()
