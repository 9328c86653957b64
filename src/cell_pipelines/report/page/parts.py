"""What a page is made of: tables, pictures with and without layers, text, commands, links; sections and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.layers import Layer

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers and words, rounded for reading.

    Attributes:
        frame: What to show; see `tables.format_table` for how.
        caption: What it says.
        definitions: What the names of its columns or rows mean, shown below it.
    """

    frame: pd.DataFrame
    caption: str
    definitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Picture:
    """An image or a figure.

    Attributes:
        image_or_figure: (H, W) or (H, W, 3) uint8 RGB, shown with at most 1600 pixels a side, or a matplotlib
            figure, or either already embedded.
        caption: What it shows; also read aloud to those who do not see it.
    """

    image_or_figure: Image | Figure | Embedded
    caption: str


@dataclass(frozen=True, eq=False)
class LayeredPicture:
    """An image with lines above it, which the reader switches on and off.

    Attributes:
        image: (H, W) or (H, W, 3) uint8 RGB, as it is to be seen. Equal images stand on a page once.
        layers: What lies above it, the lowest first.
        caption: What it shows; also read aloud to those who do not see it.
    """

    image: Image
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


@dataclass(frozen=True)
class Markup:
    """A part of another page of ours, as `adoption.adopt_page` gives it: checked, with names of its own."""

    html: str


Item: TypeAlias = Table | Picture | LayeredPicture | Text | Commands | Links | Markup


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading, also in the table of contents.
        items: What it holds, in this order. Pictures that follow each other form a grid.
        note: A remark below the heading, none if empty.
    """

    title: str
    items: Sequence[Item]
    note: str = ""


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
