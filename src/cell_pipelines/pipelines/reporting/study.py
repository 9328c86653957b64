"""The node that writes the page about the whole study."""

from collections.abc import Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.choice import Choice
from cell_pipelines.pipelines.reporting.nodes import headlines
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.study import MODELS
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

#: What the page takes of each model, in this order.
TOLD = ("evaluation_classes", "error_kinds", "model_sections", "history", "model")
# Headline numbers of a model that the study's page tells further below.
_FEWER = ("Test F1, centroids", "Test AP50, boxes")
_BIOLOGY = {"viability": "Viability", "morphology": "Morphology", "fish": "FISH", "tracking": "Tracking"}


def describe_study(models: tuple[str, ...]) -> Callable[..., str]:
    """Return the node's function for these models."""

    def describe(
        truth: AnnotationSet, data: list[Any], choice: Choice, pages: Path, log: pd.DataFrame,
        evaluation: EvaluationParameters, parameters: ReportingParameters, *tables: Any,
    ) -> str:  # fmt: skip
        """Return the page; `tables` are the comparison's page, of several models, and those of `TOLD` for each."""
        from cell_pipelines.report.pages.study import ModelPart, OtherPage, StudyPage, render_study_page

        comparison, told = (tables[0], tables[1:]) if len(models) > 1 else (None, tables)
        given = by_model(models, TOLD, told)
        parts = [
            ModelPart(name, headlines(one["evaluation_classes"]), _sections(name, one)) for name, one in given.items()
        ]
        files = {name: one["model"] for name, one in given.items()}
        page = StudyPage(
            title=parameters.title,
            cards=_cards(truth, choice, given),
            summary=list(_summary(truth, choice, given)),
            data=data,
            models=parts,
            chosen=choice.model,
            comparison=OtherPage("Models compared", comparison) if comparison else None,
            others=list(other_pages(pages)),
            commands=facts.run_commands(models, log),
            log=log,
            origin=facts.study_origin(truth, files, {**_seeds(files), "evaluation": evaluation.seed}),
            pictures=parameters.pictures,
        )
        return render_study_page(page)

    return describe


def by_model(models: tuple[str, ...], names: tuple[str, ...], tables: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    """Return what is told of each model by its name, from one long list."""
    size = len(names)
    return {m: dict(zip(names, tables[i * size : (i + 1) * size], strict=True)) for i, m in enumerate(models)}


def _sections(name: str, one: Mapping[str, Any]) -> list[Any]:
    """Return a model's sections with one about its training settings after the results."""
    from cell_pipelines.report.page.html import Section, Table

    known = facts.training_facts(name, facts.read_training_record(one["model"]), one["history"])
    frame = pd.DataFrame(list(known.items()), columns=["what", "value"])
    first, *rest = one["model_sections"]
    return [first, Section("How it was trained", [Table(frame, "Settings, time and machine of the training")]), *rest]


def _seeds(files: Mapping[str, Path]) -> dict[str, Any]:

    return {name: (facts.read_training_record(path).get("training") or {}).get("seed") for name, path in files.items()}


def _cards(truth: AnnotationSet, choice: Choice, given: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    from cell_pipelines.analysis.model_comparison.compared_metrics import METRICS

    best = headlines(given[choice.model]["evaluation_classes"])
    metric = METRICS[choice.metric]
    highest = f"{'Highest' if metric.higher_is_better else 'Lowest'} {metric.title}"
    title = "Chosen model" if choice.is_named else "Model" if len(given) == 1 else highest
    return {
        "Images": str(truth.n_images),
        "Annotated cells": str(truth.n_objects),
        "Models": str(len(given)),
        title: choice.model,
        **{name: value for name, value in best.items() if name not in _FEWER},
    }


def _summary(truth: AnnotationSet, choice: Choice, given: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds

    yield facts.data_sentence(truth)
    names = facts.study_models(list(given))
    if len(given) == 1:
        yield f"One model was trained, and evaluated on test images that it was not trained on: {names}."
    else:
        yield f"{len(given)} models were trained on the same images and evaluated on the same test images: {names}."
    yield choice.sentence
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


def other_pages(folder: Path) -> Iterator[Any]:
    """Yield the pages of other parts of the study below a folder: experiments, and statements about samples."""
    from cell_pipelines.report.pages.study import OtherPage

    files = [*sorted(folder.glob("*/report.html")), *sorted(folder.glob("*/*/report.html"))]
    for file in files:
        place = file.parent.relative_to(folder).parts
        if len(place) == 1 and (place[0] in MODELS or place[0] == "comparison"):
            continue
        if len(place) == 1 or place[1] in _BIOLOGY:
            text = file.read_text(encoding="utf-8")
            title = f"{_BIOLOGY[place[1]]} by the cells of {place[0]}" if len(place) == 2 else _title(text, place[0])
            yield OtherPage(title, text)


def _title(page: str, name: str) -> str:
    """Return a page's own title, else the name of its folder."""
    found = page.partition("<title>")[2].partition("</title>")[0]
    return unescape(found).strip() or name
