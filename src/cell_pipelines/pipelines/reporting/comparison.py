"""The node that puts the models of a study side by side."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score, select_images, select_split
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.reporting.model_inputs import by_model
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.reporting.pictures import some_images
from cell_pipelines.report.page.html import embedded_page
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.comparison import compare_tables, describe_comparison
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

#: What the comparison needs of each model, in this order.
COMPARISON_INPUTS = (
    "evaluation_classes", "evaluation_images", "evaluation_instances", "history", "model_costs", "predictions",
    "thresholds", "model",
)  # fmt: skip
#: The tables that come out.
TABLES = ("table", "differences", "tests", "ranks")
Compare = Callable[..., tuple[Any, ...]]


def compare_study(models: tuple[str, ...], metrics: tuple[str, ...]) -> Compare:
    """Return the node's function for these models; a figure of ranks and one of intervals come out a metric."""

    def compare(
        truth: AnnotationSet,
        images: dict[str, ImageFile],
        evaluation: EvaluationParameters,
        settings: ComparisonParameters,
        parameters: ReportingParameters,
        *tables: Any,
    ) -> tuple[Any, ...]:
        """Return the tables, the figures and the page; `tables` are those of `COMPARISON_INPUTS` for each model."""
        given = by_model(models, COMPARISON_INPUTS, tables)
        return _compare(given, truth, images, (evaluation, settings, parameters), metrics)

    return compare


def _compare(
    given: Mapping[str, Mapping[str, Any]],
    truth: AnnotationSet,
    images: Mapping[str, ImageFile],
    settings: tuple[EvaluationParameters, ComparisonParameters, ReportingParameters],
    metrics: tuple[str, ...],
) -> tuple[Any, ...]:
    from cell_pipelines.report.figures.panels import create_note
    from cell_pipelines.report.pages.comparison import comparison_cards

    evaluation, comparing, parameters = settings
    models = {name: _tables_of(one) for name, one in given.items()}
    found = compare_tables(models, truth, evaluation, comparing)
    evaluated = select_split(truth, evaluation.split)
    montages = list(_montages(evaluated, images, given, parameters.montages))
    reports = {name: f"../{name}/report.html" for name in given}
    sections = describe_comparison(found, models, montages=montages, reports=reports)
    page = embedded_page(f"{parameters.title}: models compared", comparison_cards(found.table), sections)
    drawn = [
        figure or create_note(f"{metric}: no model has it, or it was not asked for.")
        for figure_of in (found.rank_figures.get, found.interval_figure)
        for metric, figure in ((metric, figure_of(metric)) for metric in metrics)
    ]
    return found.table, found.differences, found.compared.tests, found.compared.ranks, page, *drawn


def _tables_of(one: Mapping[str, Any]) -> Any:
    from cell_pipelines.analysis.model_comparison.model_tables import ModelTables, training_record
    from cell_pipelines.models.model_file import count_parameters, read_record

    costs = one["model_costs"]
    if costs is None or costs.empty:
        costs = pd.DataFrame([{"parameters_m": count_parameters(one["model"]) / 1e6}])
    return ModelTables(
        one["evaluation_classes"], one["evaluation_images"], one["evaluation_instances"], one["history"], costs,
        training_record(read_record(one["model"])),
    )  # fmt: skip


def _montages(
    truth: AnnotationSet, images: Mapping[str, ImageFile], given: Mapping[str, Mapping[str, Any]], count: int
) -> Iterator[Any]:
    """Yield the images of most cells, of few, and of numbers in between, as every model sees them."""
    from cell_pipelines.report.figures.montage import panel_strip
    from cell_pipelines.report.page.html import Picture

    for one in some_images(truth, count):
        name = one.names[0]
        seen = {model: _cells_of(tables, name) for model, tables in given.items()}
        yield Picture(panel_strip(to_rgb(to_uint8(images[name]())), one, seen), name)


def _cells_of(tables: Mapping[str, Any], name: str) -> AnnotationSet:
    found = tables["predictions"]
    own = select_images(found, [found.names.index(name)])
    return filter_by_score(own, Thresholds.from_plain(tables["thresholds"]))
