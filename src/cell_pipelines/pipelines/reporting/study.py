"""The node that writes the page about the whole study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.choice import Choice
from cell_pipelines.pipelines.reporting.model_inputs import by_model
from cell_pipelines.pipelines.reporting.nodes import describe_data, headlines
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.report.page.html import Group, Page, Section
from cell_pipelines.report.pages.study import StudyPage, page_group, study_page
from cell_pipelines.study import known_models
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

#: What the page needs of each model, in this order.
REPORT_INPUTS = ("evaluation_classes", "error_kinds", "report", "model")
_COMPARISON = "comparison"
# Headline numbers of a model that the study's page shows further below.
_BIOLOGY = {"viability": "Viability", "morphology": "Morphology", "fish": "FISH", "tracking": "Tracking"}


def describe_study(models: tuple[str, ...]) -> Callable[..., Page]:
    """Return the node's function for these models."""

    def describe(
        truth: AnnotationSet, data: list[Section], choice: Choice, pages: Mapping[str, Page],
        notes: Mapping[str, pd.DataFrame], invocation: Invocation, evaluation: EvaluationParameters,
        parameters: ReportingParameters, *inputs: Any,
    ) -> Page:  # fmt: skip
        """Return the page.

        `inputs` are the comparison's page, of several models, and `REPORT_INPUTS` of each. Pages that this run may
        write stand behind them, so that they are written before: they are in `pages`, too.
        """
        from cell_pipelines.models.model_file import read_training_record

        compared, inputs = (inputs[:1], inputs[1:]) if len(models) > 1 else ((), inputs)
        given = by_model(models, REPORT_INPUTS, inputs[: len(models) * len(REPORT_INPUTS)])
        files = {name: own["model"] for name, own in given.items()}
        records = {name: read_training_record(path) for name, path in files.items()}
        seeds = {name: (record.get("training") or {}).get("seed") for name, record in records.items()}
        seeds["evaluation"] = evaluation.seed
        parts = [
            *(page_group(page, "Models compared", pictures=parameters.pictures, is_open=True) for page in compared),
            *(_model_group(name, own["report"], choice, len(models)) for name, own in given.items()),
            *(page_group(page, title, pictures=parameters.pictures) for title, page in other_pages(pages).items()),
        ]
        return study_page(
            StudyPage(
                title=parameters.title,
                cards=_cards(truth, choice, given),
                summary=list(_summary(truth, choice, given, records)),
                data=data,
                parts=parts,
                commands=facts.run_commands(models, notes["commands"], invocation),
                log=notes["commands"],
                origin=facts.study_origin(truth, files, seeds, invocation.project),
            )
        )

    return describe


def describe_study_data(
    summary: pd.DataFrame, findings: pd.DataFrame, quality: pd.DataFrame, splits: pd.DataFrame,
    notes: Mapping[str, pd.DataFrame], parameters: ReportingParameters,
) -> list[Section]:  # fmt: skip
    """Return the sections about the data, and before them what was chosen for a study that was planned."""
    from cell_pipelines.report.pages.data import plan_sections

    return [*plan_sections(notes["plan"]), *describe_data(summary, findings, quality, splits, parameters)]


def _model_group(name: str, page: Page, choice: Choice, count: int) -> Group:
    is_chosen = name == choice.model and count > 1
    return page_group(page, f"Model {name}" + (" (chosen)" if is_chosen else ""), is_open=count == 1)


def _cards(truth: AnnotationSet, choice: Choice, given: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    from cell_pipelines.metrics.evaluated import COMPARED

    best = headlines(given[choice.model]["evaluation_classes"], "headline")
    metric = COMPARED[choice.metric]
    highest = f"{'Highest' if metric.higher_is_better else 'Lowest'} {metric.title}"
    title = "Chosen model" if choice.is_named else "Model" if len(given) == 1 else highest
    return {
        "Images": str(truth.n_images),
        "Annotated cells": str(truth.n_objects),
        "Models": str(len(given)),
        title: choice.model,
        **best,
    }


def _summary(
    truth: AnnotationSet, choice: Choice, given: Mapping[str, Mapping[str, Any]], records: Mapping[str, Any]
) -> Iterator[str]:
    from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds

    yield facts.data_sentence(truth)
    names = facts.study_models(list(given))
    if len(given) == 1:
        yield f"One model was trained, and evaluated on the test images of the split: {names}."
    else:
        yield f"{len(given)} models were trained on the same images and evaluated on the same test images: {names}."
    yield choice.sentence
    for name, record in records.items():
        if notes := facts.training_notes(record):
            yield notes if len(given) == 1 else f"{name}: {notes}"
    if choice.is_named:
        yield f"The model card is about {choice.model}, as it was asked for."
    kinds = given[choice.model]["error_kinds"]
    if len(kinds):
        told = summarise_error_kinds(kinds).sort_values("f1_lost", ascending=False, kind="stable").iloc[0]
        if told["f1_lost"] > 0:
            yield (
                f"What costs {choice.model} most is errors of the kind {told['error']} ({told['meaning']}): "
                f"{told['errors']} of them; without them F1 would be higher by {told['f1_lost']:.3f}."
            )


def other_pages(pages: Mapping[str, Page]) -> dict[str, Page]:
    """Return the pages of other parts of the study by title: experiments, and statements about samples.

    Args:
        pages: By the folder of each, as ``truth/viability``.
    """
    titles = {place: _title(place.split("/"), page) for place, page in pages.items()}
    return {title: pages[place] for place, title in titles.items() if title}


def _title(place: Sequence[str], page: Page) -> str | None:
    """Return the title of a page of another part; None of a model, of the comparison and of what is unknown."""
    if len(place) == 1:
        return None if place[0] in (*known_models(), _COMPARISON) else page.title
    return f"{_BIOLOGY[place[1]]} by the cells of {place[0]}" if place[1] in _BIOLOGY else None
