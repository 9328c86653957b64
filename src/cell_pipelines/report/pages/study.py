"""The page about a whole study: what came out in short, the data, every model and other part, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from cell_pipelines.report.page.blocks import without_images, without_links
from cell_pipelines.report.page.html import Commands, Group, Item, Page, Section, Table, Text, embedded_page

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class StudyPage:
    """Content of the study's page.

    Attributes:
        title: Its heading.
        cards: The headline numbers by name.
        summary: The results in plain words, one paragraph each.
        data: The sections about the data.
        parts: The comparison of models, the models and other parts, each a group of the sections of its own page.
        commands: How each part is made again, by what it gives.
        log: What was run, one row per run; may be empty.
        origin: The code, packages, data and models behind all numbers, by name.
    """

    title: str
    cards: Mapping[str, str]
    summary: Sequence[str]
    data: Sequence[Section]
    parts: Sequence[Group]
    commands: Mapping[str, Sequence[str]]
    log: pd.DataFrame
    origin: Mapping[str, str]


def study_page(study: StudyPage) -> Page:
    """Return the page about a study; groups without sections are left out."""
    groups = [group for group in study.parts if group.sections]
    first = Section("In short", [Text("\n\n".join(study.summary))])
    last = Section("How to make it again", list(_commands(study)))
    return embedded_page(study.title, study.cards, [first, *study.data, *groups, last, _origin(study.origin)])


def page_group(page: Page, title: str, *, pictures: bool = True, is_open: bool = False) -> Group:
    """Return the sections of a page as a group of the study's page, with its headline numbers as the remark.

    Links of the page are relative to its own folder; in the group they are plain text.

    Args:
        page: The page of a part.
        title: Of the group.
        pictures: Whether images of the microscope are shown; figures always are.
        is_open: Whether the group is shown before the reader asks for it.
    """
    parts = chain.from_iterable(part.sections if isinstance(part, Group) else [part] for part in page.sections)
    sections = [without_links(section) for section in parts if not section.page_only]
    shown = sections if pictures else [without_images(section) for section in sections]
    cards = "; ".join(f"{name}: {value}" for name, value in page.cards.items() if value)
    return Group(title, shown, remark=cards, is_open=is_open)


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
