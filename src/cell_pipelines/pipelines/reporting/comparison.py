"""The node that puts the models of a study side by side."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_images, select_objects, select_split
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.evaluation_parameters import EvaluationParameters
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters

#: What is taken of each model, in this order.
COMPARED = (
    "evaluation_classes", "evaluation_images", "evaluation_cells", "evaluation_instances", "predictions", "thresholds",
    "model",
)  # fmt: skip
Comparison = Callable[..., tuple[pd.DataFrame, pd.DataFrame, str]]


def compare_models(models: tuple[str, ...]) -> Comparison:
    """Return the node's function for these models."""

    def compare(
        truth: AnnotationSet,
        images: dict[str, ImageFile],
        evaluation: EvaluationParameters,
        parameters: ReportingParameters,
        *tables: Any,
    ) -> tuple[pd.DataFrame, pd.DataFrame, str]:
        """Return a row a model, the differences to the best with intervals, and the page."""
        size = len(COMPARED)
        given = {m: dict(zip(COMPARED, tables[i * size : (i + 1) * size], strict=True)) for i, m in enumerate(models)}
        table = _table(given)
        differences = _differences(given, table, evaluation)
        judged = select_split(truth, evaluation.split)
        strips = list(_strips(judged, images, given, parameters.strips))
        return table, differences, _page(given, table, differences, strips, parameters)

    return compare


def _table(given: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    rows = [
        {"model": name, "parameters_m": _parameters_m(one["model"]), **one["evaluation_classes"].iloc[-1].to_dict()}
        for name, one in given.items()
    ]
    return pd.DataFrame(rows).drop(columns="category")


def _parameters_m(path: Any) -> float:
    """Return the millions of numbers that training sets in a model file of any kind."""
    from cell_pipelines.models.model_file import count_parameters

    return count_parameters(path) / 1e6


def _differences(
    given: Mapping[str, Mapping[str, Any]], table: pd.DataFrame, evaluation: EvaluationParameters
) -> pd.DataFrame:
    """Return how far each model is from the best, on the same images, for boxes, middles and masks."""
    from cell_pipelines.analysis.summaries import compare_to

    counts = {name: one["evaluation_images"] for name, one in given.items()}
    bootstrap = {"n_resamples": evaluation.resamples, "seed": evaluation.seed}
    parts = []
    for metric in ("f1", "centroid_f1", "instance_f1"):
        if table[metric].notna().any():
            best = str(table["model"].iloc[int(np.nanargmax(table[metric].to_numpy(dtype=float)))])
            part = compare_to(counts, best, metric, **bootstrap)
            parts.append(part.assign(best=best)[["metric", "best", "model", "difference", "low", "high"]])
    return pd.concat(parts, ignore_index=True)


def _strips(
    truth: AnnotationSet, images: Mapping[str, ImageFile], given: Mapping[str, Mapping[str, Any]], count: int
) -> Iterator[Any]:
    """Yield the images of most cells, of few, and of numbers in between, as every model sees them."""
    from cell_pipelines.report.html import Picture
    from cell_pipelines.report.strips import panel_strip

    ranked = np.argsort(-truth.counts().sum(axis=1), kind="stable")
    chosen = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(count, len(ranked))).astype(int))]
    for one in iterate_images(select_images(truth, chosen)):
        name = one.names[0]
        seen = {model: _cells_of(tables, name) for model, tables in given.items()}
        yield Picture(panel_strip(to_rgb(to_uint8(images[name]())), one, seen), name)


def _cells_of(tables: Mapping[str, Any], name: str) -> AnnotationSet:
    found = tables["predictions"]
    own = select_images(found, [found.names.index(name)])
    limits = {n: 0.0 if isinstance(v, dict) else v for n, v in tables["thresholds"].items()}
    least = np.array([limits.get(category, 0.0) for category in own.categories])
    return select_objects(own, own.scores.astype(np.float64) >= least[own.category])


def _page(
    given: Mapping[str, Mapping[str, Any]],
    table: pd.DataFrame,
    differences: pd.DataFrame,
    strips: list[Any],
    parameters: ReportingParameters,
) -> str:
    from cell_pipelines.analysis.strata_tables import tabulate_density
    from cell_pipelines.report.comparison import comparison_cards, comparison_sections
    from cell_pipelines.report.html import render_report

    curves = [one["evaluation_instances"].assign(model=name) for name, one in given.items()]
    joined = pd.concat([c[c["category"] == "all classes"] for c in curves], ignore_index=True)
    density = [tabulate_density(one["evaluation_images"]).assign(model=name) for name, one in given.items()]
    by_density = pd.concat(density, ignore_index=True)
    strata = {
        "By the number of cells in an image": by_density[
            ["cells", "model", *by_density.columns.drop(["cells", "model"])]
        ],
        "Differences to the best model on the same images, with 95 % intervals": differences,
    }
    sections = comparison_sections(
        table, curves=joined, strata=strata, strips=strips,
        reports={name: f"../{name}/report.html" for name in given},
    )  # fmt: skip
    return render_report(f"{parameters.title}: models compared", comparison_cards(table), sections)
