"""The nodes that compare an experiment's trials: tables and figures of the papers, tests, and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_split
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.metrics.choices import higher_is_better, main_f1
from cell_pipelines.old_names import rename_old_columns
from cell_pipelines.pipelines.experiments.comparison_figures import plot_trials
from cell_pipelines.pipelines.experiments.fold_sections import describe_folds
from cell_pipelines.pipelines.experiments.folds import evaluate_out_of_fold
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.results import model_file, read_cells, read_tables, trial_costs
from cell_pipelines.pipelines.experiments.trials import Trial, list_trials
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.comparison import ModelComparison, compare_tables, describe_comparison
from cell_pipelines.workflows.model_costs import CostParameters
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

if TYPE_CHECKING:
    from cell_pipelines.analysis.model_comparison.model_tables import ModelTables

#: Tables, in the order of the node's outputs.
TABLES = ("comparison", "differences", "tests", "ranks", "architectures", "overlaps", "classes", "baseline",
          "out_of_fold")  # fmt: skip
# More lines per page than anybody compares.
_MOST_SIDE_BY_SIDE = 8
Compare = Callable[..., tuple[Any, ...]]


def compare_trials(name: str) -> Compare:
    """Return the node's function that compares the trials of the experiment called `name`."""

    def compare(
        trials: pd.DataFrame, folder: Path, truth: AnnotationSet, images: dict[str, ImageFile],
        parameters: ExperimentParameters, evaluation: EvaluationParameters, settings: ComparisonParameters,
        costs: CostParameters,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Return the tables, the figures and the page; with fewer than one finished trial they say so."""
        trials = rename_old_columns(trials)
        done = _finished(trials, parameters)
        measured = costs if parameters.costs else None
        given = {trial.name: _tables_of(folder / trial.name, trial, measured) for trial in done}
        found = compare_tables(given, truth, evaluation, settings) if given else None
        tables = _tables(trials, given, found, parameters)
        tables["out_of_fold"] = evaluate_out_of_fold(folder, [one.name for one in done], truth, parameters, evaluation)
        figures = plot_trials(trials, given, found, _varied(parameters), main_metric(trials, parameters))
        evaluated = select_split(truth, evaluation.split)
        montages = list(_montages(folder, _shown(done, trials, parameters), evaluated, images, parameters.overlays))
        page = _page(name, trials, (given, found), (tables, figures, montages), parameters)
        return (*tables.values(), page, *figures.values())

    return compare


def _finished(trials: pd.DataFrame, parameters: ExperimentParameters) -> list[Trial]:
    done = set(trials.loc[trials["status"] == "finished", "trial"])
    return [trial for trial in list_trials(parameters) if trial.name in done]


def _tables_of(folder: Path, trial: Trial, costs: CostParameters | None) -> ModelTables:
    from cell_pipelines.analysis.model_comparison.model_tables import ModelTables, training_record
    from cell_pipelines.models.model_file import read_record

    tables, record = read_tables(folder, trial), read_record(model_file(folder, trial))
    return ModelTables(
        tables["evaluation_classes"], tables["evaluation_images"], tables["evaluation_instances"],
        tables.get("history"),
        trial_costs(folder, trial, costs), training_record(record),
    )  # fmt: skip


def main_metric(trials: pd.DataFrame, parameters: ExperimentParameters) -> str:
    """Return what trials are ranked by: as the parameters say, else F1: of masks, else of boxes, else of centroids."""
    if parameters.metric:
        return parameters.metric
    return main_f1(lambda name: name in trials and bool(trials[name].notna().any()))


def _tables(
    trials: pd.DataFrame, given: Mapping[str, ModelTables], found: ModelComparison | None,
    parameters: ExperimentParameters,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    from cell_pipelines.report.pages.comparison_tables import (
        tabulate_architectures,
        tabulate_detection,
        tabulate_overlaps,
    )

    done = trials[trials["status"] == "finished"]
    histories = {name: one.history for name, one in given.items() if one.history is not None}
    by = ["model", *_varied(parameters)]
    empty = pd.DataFrame()
    return dict(zip(TABLES[:-1], (
        found.table if found else empty,
        found.differences if found else empty,
        found.compared.tests if found else empty,
        found.compared.ranks if found else empty,
        tabulate_architectures(done, histories, name="trial", by=by),
        tabulate_overlaps(done, histories, name="trial"),
        tabulate_detection({name: one.classes for name, one in given.items()}),
        _against_baseline(found, parameters),
    ), strict=True))  # fmt: skip


def _varied(parameters: ExperimentParameters) -> list[str]:
    return list(list_trials(parameters)[0].varied)


def _against_baseline(found: ModelComparison | None, parameters: ExperimentParameters) -> pd.DataFrame:
    """Return how much each change of an ablation brings or costs, with interval and test."""
    columns = ["metric", "trial", "value", "baseline", "difference", "low", "high", "p_holm", "significant", "caution"]
    if found is None or parameters.kind != "ablation":
        return pd.DataFrame(columns=columns)
    base = next(m.name for m in list_trials(parameters) if m.varied[parameters.column] == parameters.baseline)
    values = found.compared.estimates.set_index(["metric", "model"])["value"]
    rows = []
    for row in found.compared.tests.to_dict("records"):
        if base not in (row["first"], row["second"]):
            continue
        turned = row["first"] == base
        sign, other = (-1.0, row["second"]) if turned else (1.0, row["first"])
        ends = sorted((sign * row["low"], sign * row["high"]))
        rows.append([row["metric"], other, values[row["metric"], other], values[row["metric"], base],
                     sign * row["difference"], *ends, row["p_holm"], row["significant"], row["caution"]])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _shown(done: Sequence[Trial], trials: pd.DataFrame, parameters: ExperimentParameters) -> list[Trial]:
    """Return the trials that are shown side by side: all of a few, else the best of each model."""
    if len(done) <= _MOST_SIDE_BY_SIDE:
        return list(done)
    metric = main_metric(trials, parameters)
    ranked = trials.dropna(subset=[metric]).sort_values(metric, ascending=not higher_is_better(metric))
    best = set(ranked.drop_duplicates("model")["trial"])
    return [trial for trial in done if trial.name in best][:_MOST_SIDE_BY_SIDE]


def _montages(
    folder: Path, shown: Sequence[Trial], truth: AnnotationSet, images: Mapping[str, ImageFile], count: int
) -> Iterator[Any]:
    from cell_pipelines.report.figures.montage import panel_strip
    from cell_pipelines.report.page.html import Picture

    cells = {trial.name: read_cells(folder / trial.name, trial) for trial in shown} if count else {}
    for number, one in enumerate(iterate_images(truth)):
        if number >= count or not cells:
            return
        name = one.names[0]
        seen = {trial: own(name) for trial, own in cells.items()}
        yield Picture(panel_strip(to_rgb(to_uint8(images[name]())), one, seen), name)


def _page(
    name: str, trials: pd.DataFrame, compared: tuple[Mapping[str, ModelTables], ModelComparison | None],
    shown: tuple[Mapping[str, pd.DataFrame], Mapping[str, Any], Sequence[Any]], parameters: ExperimentParameters,
) -> Page:  # fmt: skip
    from cell_pipelines.report.page.html import Picture, Section, Table

    (given, found), (tables, figures, montages) = compared, shown
    heading = name.replace("_", " ")
    varied = _varied(parameters)
    columns = ["trial", "model", *varied, "status", "training_seconds", "training_memory_mb", "parameters_m",
               main_metric(trials, parameters), "error"]  # fmt: skip
    listed = trials[[c for c in dict.fromkeys(columns) if c in trials]].dropna(axis="columns", how="all")
    first: list[Any] = [Table(listed, f"The {len(trials)} trials")]
    if len(varied) and trials["model"].nunique() > 1:
        first.append(Picture(figures["grid"], "The metric of each combination, on the same test images"))
    sections = [Section("Trials", first), *_change_sections(tables, parameters, found.level if found else 0.95)]
    if parameters.folds:
        sections += describe_folds(trials, tables["out_of_fold"], main_metric(trials, parameters))
    if found is not None:
        sections += [
            Section("Tables of the papers", _paper_tables(tables)),
            Section("Losses", [Picture(figures["training_loss"], "Training loss over epochs"),
                               Picture(figures["validation_loss"], "Validation loss over epochs")]),
            *describe_comparison(found, given, montages=montages),
        ]  # fmt: skip
    counts = trials["status"].value_counts()
    cards = {"Trials": str(len(trials)), **{str(status).capitalize(): str(n) for status, n in counts.items()}}
    return embedded_page(heading[:1].upper() + heading[1:], cards, sections)


def _paper_tables(tables: Mapping[str, pd.DataFrame]) -> list[Any]:
    from cell_pipelines.report.page.html import Table

    captions = {
        "architectures": "Size, training time, losses and the IoU of the data set",
        "overlaps": "IoU and Dice of all pixels, and the least validation loss",
        "classes": "Precision, recall and AP50:95 of each class, boxes",
    }
    filled = {key: tables[key].dropna(axis="columns", how="all") for key in captions}
    if "IoU (%)" not in filled["overlaps"]:
        del filled["overlaps"]
    return [Table(filled[key], caption) for key, caption in captions.items() if key in filled and len(filled[key])]


def _change_sections(tables: Mapping[str, pd.DataFrame], parameters: ExperimentParameters, level: float) -> list[Any]:
    from cell_pipelines.report.page.html import Section, Table

    table = tables["baseline"]
    if table.empty:
        return []
    note = (
        f"Each change less “{parameters.baseline}” on the same images: above 0 is better, but of errors (MAE) below 0."
    )
    return [
        Section(
            "What each change does",
            [Table(table, f"Differences to the baseline, {100 * level:g} % intervals")],
            note=note,
        )
    ]
