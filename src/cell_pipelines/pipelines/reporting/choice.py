"""Choose the best model of the study, or say that none is clearly better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.metrics.choices import main_f1
from cell_pipelines.pipelines.reporting.model_inputs import by_model
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.resampling_units import choose_groups, likely_groups

#: What the choice needs of each model, in this order.
CHOICE_INPUTS = ("evaluation_classes", "evaluation_images")


@dataclass(frozen=True)
class Choice:
    """The model that the study's card is about.

    Attributes:
        model: Its name.
        metric: By which models were compared.
        sentence: What the comparison says.
        is_named: Whether the user named the model.
    """

    model: str
    metric: str
    sentence: str
    is_named: bool = False


def choose_model(models: tuple[str, ...]) -> Callable[..., Choice]:
    """Return the node's function for these models."""

    def choose(
        truth: AnnotationSet, evaluation: EvaluationParameters, parameters: ReportingParameters,
        comparing: ComparisonParameters, *tables: pd.DataFrame,
    ) -> Choice:  # fmt: skip
        """Return the best model by the main metric; `tables` are those of `CHOICE_INPUTS` for each model."""
        from cell_pipelines.analysis.model_comparison.comparing import ComparisonSettings

        given = by_model(models, CHOICE_INPUTS, tables)
        classes, images = ({name: own[table] for name, own in given.items()} for table in CHOICE_INPUTS)
        named = parameters.chosen_model
        if named is not None and named not in models:
            raise ValueError(f"`reporting.chosen_model` must be one of {', '.join(models)}, got {named!r}.")
        metric = parameters.main_metric or main_metric(classes)
        evaluated = select_split(truth, evaluation.split)
        groups, _ = choose_groups(evaluated, evaluation.resample)
        settings = ComparisonSettings(
            metrics=(metric,), level=comparing.level, n_resamples=evaluation.resamples, seed=evaluation.seed,
            independent=evaluation.resample == "images",
        )  # fmt: skip
        best, sentence = _conclusion(images, settings, (groups, likely_groups(evaluated)))
        return Choice(named or best, metric, sentence, named is not None)

    return choose


def main_metric(classes: Mapping[str, pd.DataFrame]) -> str:
    """Return what every model has: F1 of masks, else of boxes, else of centroids."""
    return main_f1(lambda name: all(pd.notna(table[name].iloc[-1]) for table in classes.values()))


def _conclusion(
    images: Mapping[str, pd.DataFrame], settings: Any, groups: tuple[Mapping[str, str] | None, ...]
) -> tuple[str, str]:
    """Return the best model, and what is said of the metric, as on the page that compares all metrics."""
    from cell_pipelines.analysis.model_comparison.comparing import compare_models
    from cell_pipelines.metrics.evaluated import COMPARED

    (metric,) = settings.metrics
    compared = compare_models(images, settings, groups=groups[0], likely_groups=groups[1])
    known = compared.estimates[compared.estimates["value"].notna()]
    if known.empty:
        return next(iter(images)), f"No model has the metric {metric} on these images, so none is better than another."
    ordered = known.sort_values("value", ascending=not COMPARED[metric].higher_is_better, kind="stable")
    return str(ordered["model"].iloc[0]), compared.conclusions[metric]
