"""From the counts of several models to all that can be said of their differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cell_pipelines.analysis.evaluation.summaries import ALL, resampling_units
from cell_pipelines.analysis.model_comparison.aligned_counts import AlignedCounts, align_counts, find_metrics, measure
from cell_pipelines.analysis.model_comparison.cautions import describe_units
from cell_pipelines.analysis.model_comparison.conclusions import conclude, least_units
from cell_pipelines.analysis.model_comparison.pairwise import ESTIMATES, TESTS, compare_metric
from cell_pipelines.analysis.model_comparison.ranking import RANKS, rank_metric
from cell_pipelines.analysis.model_comparison.series import Series, suspect_series
from cell_pipelines.metrics.choices import metrics_shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ComparisonSettings:
    """Settings of the comparison of models.

    Attributes:
        metrics: Names in `COMPARED`, in the order in which they are told.
        category: A class, or `ALL`.
        level: Of intervals; a test whose p after Holm is below 1 - `level` tells models apart.
        n_resamples: Bootstrap samples of images or groups, drawn once for all models.
        seed: Of the bootstrap.
        independent: Whether images are taken as independent, of whatever group they are. Otherwise groups are drawn
            where they are named, and where not, a difference must also hold over the series that images may come in.
    """

    metrics: tuple[str, ...] = tuple(metric.name for metric in metrics_shown("tested"))
    category: str = ALL
    level: float = 0.95
    n_resamples: int = 2000
    seed: int = 0
    independent: bool = False

    def __post_init__(self) -> None:
        find_metrics(self.metrics)
        if not 0 < self.level < 1 or self.n_resamples < 1:
            raise ValueError(
                f"`level` must lie in (0, 1) and `n_resamples` be 1 or more, got {self.level} and {self.n_resamples}."
            )


@dataclass(frozen=True, eq=False)
class ComparedModels:
    """Result of the comparison of models; only metrics that some model has are in it.

    Attributes:
        estimates: One row per metric and model: `metric`, `model`, `images`, `units` (images, or groups of them),
            `value`, and `low` and `high` of its bootstrap interval.
        tests: One row per metric and pair: `metric`, `first`, `second`, `images`, `units` (images, or groups);
            `difference` of the metrics of summed counts, first - second, with the ends `low` and `high` of its paired
            bootstrap interval; `units_tested`, `p` of Wilcoxon's signed-rank test over the metric of each unit (zeros
            after Pratt), `p_holm` adjusted over all pairs of the metric, `rank_biserial` in [-1, 1], above 0 where the
            first model's numbers are mostly the larger ones; `significant` where no interval holds 0, `p_holm` is below
            1 - level, and so is `p_series` where images have no group. `p_series` is p after Holm over the series that
            such images may come in, `icc` the intraclass correlation of differences within groups, known or likely, and
            `caution` says what p rests on. Nan where a model does not have the metric or where all units give the same.
        ranks: One row per metric and model, the best first: `metric`, `model`, `average_rank` (1 is the best),
            `units_ranked`, `friedman_chi2`, `friedman_p`, Nemenyi's `critical_difference`, and `cliques`: numbers,
            joined by ``+``, of the groups of models that do not differ significantly. Where Friedman's test finds no
            difference, all are one group.
        conclusions: One sentence per metric.
        grouped: Whether units are groups of images.
        note: What a difference had to hold over besides, or why nothing can be decided; may be empty.
    """

    estimates: pd.DataFrame
    tests: pd.DataFrame
    ranks: pd.DataFrame
    conclusions: Mapping[str, str]
    grouped: bool
    note: str = ""


def compare_models(
    tables: Mapping[str, pd.DataFrame],
    settings: ComparisonSettings | None = None,
    *,
    groups: Mapping[str, str] | None = None,
    likely_groups: Mapping[str, str] | None = None,
) -> ComparedModels:
    """Compare models that were evaluated on the same images.

    Args:
        tables: For each model `ImageEvaluation.counts` of all images, one below the other.
        settings: What is compared, and how; None for the usual.
        groups: For each image the series, well or recording it belongs to. Then whole groups are drawn, tested and
            ranked in place of images. None where nobody named any.
        likely_groups: Where nobody did, the groups that images seem to belong to, as their names suggest. A difference
            must then hold over them, too; without them, over runs of images in the order of their names.

    Raises:
        ValueError: Two models were evaluated on different images or against different cells, or a table is not one of
            counts.
    """
    chosen = settings or ComparisonSettings()
    aligned = align_counts(tables, category=chosen.category, groups=None if chosen.independent else groups)
    if chosen.independent:
        named = Series(resampling_units(aligned.images, groups), "named") if groups else None
        aligned = replace(aligned, series=named, independent=True)
    elif not aligned.grouped and aligned.images:
        fewest = least_units(len(tables), level=chosen.level)
        aligned = replace(aligned, series=suspect_series(aligned.images, likely_groups, fewest))
    estimates, tests, ranks = _tables(aligned, chosen)
    said = conclude(estimates, tests, level=chosen.level, unit="group" if aligned.grouped else "image")
    note = describe_units(aligned, level=chosen.level) if len(tests) else ""
    return ComparedModels(estimates, tests, ranks, said, aligned.grouped, note)


def _tables(aligned: AlignedCounts, settings: ComparisonSettings) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    bootstrap = {"n_resamples": settings.n_resamples, "seed": settings.seed}
    parts: tuple[list[pd.DataFrame], ...] = ([], [], [])
    for metric in find_metrics(settings.metrics):
        measured = measure(aligned, metric)
        estimates, tests = compare_metric(aligned, measured, level=settings.level, **bootstrap)
        if estimates["value"].notna().any():
            for part, table in zip(
                parts, (estimates, tests, rank_metric(aligned, measured, level=settings.level)), strict=True
            ):
                part.append(table)
    empty = (ESTIMATES, TESTS, RANKS)
    found = [
        pd.concat(part, ignore_index=True) if part else pd.DataFrame(columns=list(names)).astype(names)
        for part, names in zip(parts, empty, strict=True)
    ]
    return found[0], found[1], found[2]
