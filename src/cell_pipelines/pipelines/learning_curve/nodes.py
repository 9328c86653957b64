"""Nodes of the learning curve."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cell_pipelines.analysis.learning_curve.trainings import METRICS
from cell_pipelines.pipelines.learning_curve.parameters import LearningCurveParameters
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page

#: What the trials become, in the order of the node's outputs.
TABLES = ("trainings", "sizes", "fits", "points", "answers", "histories")


def summarise_curve(
    trials: pd.DataFrame, results: Mapping[str, Mapping[str, pd.DataFrame]], parameters: LearningCurveParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables of the curve.

    Args:
        trials: One row per trial: `trial`, `model`, `images`, `status`, `share`, `seed`.
        results: For each finished trial its tables: `evaluation_classes` and `history`.
        parameters: What is asked.

    Returns:
        One row per training, one row per size, one row per fitted law, the points of the curves, one row per question
        with the sentence that answers it, and one row per epoch of each training.
    """
    from cell_pipelines.analysis.learning_curve.curves import fit_curves
    from cell_pipelines.analysis.learning_curve.trainings import collect_histories, collect_trainings, tabulate_sizes

    trainings = collect_trainings(trials, results)
    curves = fit_curves(
        trainings, metrics=_asked(parameters), targets=parameters.targets, more=parameters.more, level=parameters.level
    )
    histories = collect_histories(trainings, results, alpha=parameters.alpha)
    return trainings, tabulate_sizes(trainings), curves.fits, curves.points, curves.answers, histories


def _asked(parameters: LearningCurveParameters) -> tuple[str, ...]:
    """Return the metrics of a curve; one with a target is among them."""
    return tuple(dict.fromkeys([*parameters.targets, *parameters.metrics]))


def plot_curves(trainings: pd.DataFrame, points: pd.DataFrame, parameters: LearningCurveParameters) -> Any:
    """Return the figure of metrics over the number of training images."""
    from cell_pipelines.report.figures.learning_curve import plot_learning_curves

    names = {name: METRICS[name] for name in _asked(parameters)}
    return plot_learning_curves(trainings, points, names, level=parameters.level)


def plot_histories(histories: pd.DataFrame) -> Any:
    """Return the figure of validation metrics over epochs."""
    from cell_pipelines.report.figures.learning_curve import plot_epochs

    return plot_epochs(histories)


def write_report(
    parameters: LearningCurveParameters, over_images: Embedded, over_epochs: Embedded, *tables: pd.DataFrame
) -> Page:
    """Return the page, of `TABLES` and of both figures, which are already drawn."""
    from cell_pipelines.report.pages.learning_curve import learning_curve_cards, learning_curve_sections

    named = dict(zip(TABLES, tables, strict=True))
    sections = learning_curve_sections(
        named, (over_images, over_epochs), alpha=parameters.alpha, level=parameters.level
    )
    return embedded_page(parameters.title, learning_curve_cards(named["fits"], named["trainings"]), sections)
