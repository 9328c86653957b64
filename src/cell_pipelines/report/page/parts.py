"""Hold the parts of a page: tables, pictures with and without layers, text, commands, links; sections and groups.

Figures, images and tables may be given as such; `blocks.embedded_section` turns them into plain data, which a page
keeps (`stored.py`) so that another page can show the same sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.layers import Layer
from cell_pipelines.report.page.tables import Column

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers and words, rounded for reading.

    Attributes:
        frame: What to show; see `tables.format_table` for how. Or its columns as text.
        caption: What it says.
        definitions: What the names of its columns or rows mean, shown below it.
    """

    frame: pd.DataFrame | tuple[Column, ...]
    caption: str
    definitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Picture:
    """An image or a figure.

    Attributes:
        image_or_figure: (H, W) or (H, W, 3) uint8 RGB, shown with at most 1600 pixels per side, or a matplotlib
            figure, or either already embedded.
        caption: What it shows; also read aloud to those who do not see it.
    """

    image_or_figure: Image | Figure | Embedded
    caption: str


@dataclass(frozen=True, eq=False)
class LayeredPicture:
    """An image with lines above it, which the reader switches on and off.

    Attributes:
        image: (H, W) or (H, W, 3) uint8 RGB, as it is to be seen, or already embedded. Equal images stand on a page
            once.
        layers: What lies above it, the lowest first.
        caption: What it shows; also read aloud to those who do not see it.
    """

    image: Image | Embedded
    layers: Sequence[Layer]
    caption: str


@dataclass(frozen=True)
class Text:
    """Plain text; an empty line begins a new paragraph."""

    text: str


@dataclass(frozen=True)
class Commands:
    """Lines to be typed in a terminal, one each."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Links:
    """Links to other pages that lie beside this one.

    Attributes:
        targets: For each text where it leads: a path relative to this page, with ``/``.
    """

    targets: Mapping[str, str]

    def __post_init__(self) -> None:
        for target in self.targets.values():
            if not target or target.startswith(("/", "\\")) or ":" in target:
                raise ValueError(f"a link must be a path relative to the page, got {target!r}.")


Item: TypeAlias = Table | Picture | LayeredPicture | Text | Commands | Links


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading, also in the table of contents.
        items: What it holds, in this order. Pictures that follow each other form a grid.
        note: A remark below the heading, none if empty.
        page_only: Whether it is left out where its page becomes a part of another one: it leads to files beside its
            page, or repeats what the other page says.
    """

    title: str
    items: Sequence[Item]
    note: str = ""
    page_only: bool = False


@dataclass(frozen=True, eq=False)
class Group:
    """Sections that are shown and hidden together; all are shown in print.

    Attributes:
        title: Their common heading.
        sections: The sections.
        remark: What is said of them beside the heading, such as a model's headline numbers.
        is_open: Whether they are shown before the reader asks for them.
    """

    title: str
    sections: Sequence[Section]
    remark: str = ""
    is_open: bool = False


@dataclass(frozen=True, eq=False)
class Page:
    """A report as data.

    Attributes:
        title: Its heading.
        cards: The headline numbers by name, shown at the top.
        sections: Its parts, in this order, with figures, images and tables as plain data; groups of them where it
            shows the parts of other pages.
    """

    title: str
    cards: Mapping[str, str]
    sections: Sequence[Section | Group]
