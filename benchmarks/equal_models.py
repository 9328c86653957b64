"""Measure how often some pair of equal models is declared different, and how often a better model is.

Models differ at random from image to image and from series to series (`simulated.evaluation_counts`), as in section E of
the list of faults: log-normal numbers of cells, quality of images with a standard deviation of 0.8 on the logit scale,
and an effect of 0.5 of each model in each series. "Images alone" is the test as it was where series were not named or
fewer than six: images taken as independent. Nominal is 5 %.

python benchmarks/equal_models.py --repetitions 200
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from simulated.evaluation_counts import CountModel, simulate_counts

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models
from cell_pipelines.metrics.evaluated import COUNTS

UNEQUAL = {"dispersion": 0.0, "log_sd": 0.8, "recall": 0.858, "image_sd": 0.0, "model_sd": 0.8}
SERIES = {"model_series_sd": 0.5}
CASES = {
    "8 series x 6": (8, 6, SERIES),
    "5 series x 8": (5, 8, SERIES),
    "12 series x 10": (12, 10, SERIES),
    "3 series x 16": (3, 16, SERIES),
    "48 images, independent": (48, 1, {}),
    "48 images, independent, one better by 0.6": (48, 1, {"better": 0.6}),
    "48 images, independent, one better by 1": (48, 1, {"better": 1.0}),
    "8 series x 6, one better by 1": (8, 6, {**SERIES, "better": 1.0}),
}


def draw_tables(series: int, images: int, settings: Mapping[str, float], models: int, rng: np.random.Generator) -> dict:
    """Return the counts of each model as the evaluation writes them."""
    counts = simulate_counts(CountModel(**UNEQUAL, **settings, series=images), series * images, models=models, rng=rng)
    tables = {}
    for model in range(models):
        tp, fp, fn = np.moveaxis(counts.found[0, :, model], -1, 0)
        known = {"true": tp + fn, "predicted": tp + fp, "tp": tp, "fp": fp, "fn": fn}
        names = [f"image_{place}.png" for place in range(len(tp))]
        tables[f"m{model}"] = pd.DataFrame({"image": names, "category": "cell", **known}).reindex(
            columns=["image", "category", *COUNTS]
        )
    return tables


def rows(repetitions: int, resamples: int, sizes: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield the case, the number of models, and how often models were declared different in each of three ways."""
    for name, (series, images, settings) in CASES.items():
        for models in sizes:
            rng, hits = np.random.default_rng(models), np.zeros(3)
            groups = {f"image_{i}.png": f"s{i // images}" for i in range(series * images)}
            for _ in range(repetitions):
                tables = draw_tables(series, images, settings, models, rng)
                for place, (independent, known) in enumerate(((True, None), (False, None), (False, groups))):
                    chosen = ComparisonSettings(metrics=("f1",), n_resamples=resamples, independent=independent)
                    tests = compare_models(tables, chosen, groups=known).tests
                    if "better" in settings:
                        tests = tests[tests["second"] == f"m{models - 1}"]
                        hits[place] += tests["significant"].mean()
                    else:
                        hits[place] += tests["significant"].any()
            yield name, models, *(100 * hits / repetitions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--models", type=int, nargs="+", default=[2, 3])
    args = parser.parse_args()
    print("Some pair of equal models declared different (with a better one: share of its pairs), in %.\n")
    print("| images | models | images alone | series not named | series named |\n|---|---|---|---|---|")
    for name, models, alone, unnamed, named in rows(args.repetitions, args.resamples, args.models):
        print(f"| {name} | {models} | {alone:.1f} | {unnamed:.1f} | {named:.1f} |", flush=True)


if __name__ == "__main__":
    main()
