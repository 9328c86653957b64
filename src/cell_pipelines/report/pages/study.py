"""The page about a whole study: what came out in short, the data, every model and other part, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cell_pipelines.report.page.html import Commands, Group, Item, Section, Table, Text, render_report

if TYPE_CHECKING:
    import pandas as pd

#: Sections of other pages that lead to files beside them.
_ELSEWHERE: Final = ("Reports",)


@dataclass(frozen=True, eq=False)
class ModelPart:
    """What the page tells of one model.

    Attributes:
        name: Of the model.
        cards: Its headline numbers by name.
        sections: All that is told of it.
    """

    name: str
    cards: Mapping[str, str]
    sections: Sequence[Section]


@dataclass(frozen=True)
class OtherPage:
    """A page of another part of the study, such as viability, an experiment, or the comparison.

    Attributes:
        title: What it is about.
        html: The page as `render_report` wrote it.
    """

    title: str
    html: str


@dataclass(frozen=True, eq=False)
class StudyPage:
    """What the page is made of.

    Attributes:
        title: Its heading.
        cards: The headline numbers by name.
        summary: What came out, in plain words, a paragraph each.
        data: The sections about the data.
        models: The models, in the order of the study.
        chosen: The model that is best, or was chosen.
        comparison: The page that compares the models; None where there is one.
        others: Pages of other parts, in their order.
        commands: How each part is made again, by what it gives.
        log: What was run, a row a run; may be empty.
        origin: The code, packages, data and models behind all numbers, by name.
        pictures: Whether images of the microscope are taken over from other pages.
    """

    title: str
    cards: Mapping[str, str]
    summary: Sequence[str]
    data: Sequence[Section]
    models: Sequence[ModelPart]
    chosen: str
    comparison: OtherPage | None
    others: Sequence[OtherPage]
    commands: Mapping[str, Sequence[str]]
    log: pd.DataFrame
    origin: Mapping[str, str]
    pictures: bool = True


def render_study_page(study: StudyPage) -> str:
    """Write the page about a study.

    Returns:
        A whole HTML document that holds all it shows. Parts taken from other pages keep their words and figures.
    """
    parts: list[Section | Group] = [Section("In short", [Text("\n\n".join(study.summary))]), *study.data]
    if study.comparison is not None:
        parts += _adopted([study.comparison], "c", study.pictures, is_open=True)
    parts += [_model_group(model, study) for model in study.models]
    parts += _adopted(study.others, "o", study.pictures, is_open=False)
    parts += [Section("How to make it again", list(_commands(study))), _origin(study.origin)]
    return render_report(study.title, study.cards, parts)


def _model_group(model: ModelPart, study: StudyPage) -> Group:
    said = "; ".join(f"{name} {value}" for name, value in model.cards.items())
    is_chosen = model.name == study.chosen and len(study.models) > 1
    title = f"Model {model.name}" + (" (chosen)" if is_chosen else "")
    return Group(title, model.sections, remark=said, is_open=len(study.models) == 1)


def _adopted(pages: Sequence[OtherPage], letter: str, pictures: bool, *, is_open: bool) -> list[Group]:
    from cell_pipelines.report.page.adoption import adopt_page

    groups = [
        adopt_page(
            page.html,
            f"{letter}{number}",
            title=page.title,
            pictures=pictures,
            leave_out=_ELSEWHERE,
            is_open=is_open,
        )
        for number, page in enumerate(pages, start=1)
    ]
    return [group for group in groups if group.sections]


def _commands(study: StudyPage) -> list[Item]:
    items: list[Item] = []
    for title, lines in study.commands.items():
        items += [Text(title), Commands(lines)]
    if len(study.log):
        items.append(Table(study.log, "What was run for this study, as it was typed"))
    return items


def _origin(origin: Mapping[str, str]) -> Section:
    import pandas as pd

    frame = pd.DataFrame(list(origin.items()), columns=["what", "value"])
    return Section("Origin", [Table(frame, "The code, packages, data, models and machine behind these numbers")])
