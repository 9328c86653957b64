"""One page that holds a whole report: numbers, tables, figures and images, with nothing outside itself.

The page is a single file. It loads nothing from the network, needs no script, can be read on a phone and
printed, and follows the reader's choice of a light or dark screen. All text is escaped, so names of files and
categories may hold any letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.embedding import Embedded, embed
from cell_pipelines.report.tables import Column, format_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# A table with more rows than this scrolls in its own box.
_TALL = 25


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
            figure.
        caption: What it shows; also read aloud to those who do not see it.
    """

    image_or_figure: Image | Figure
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


Item: TypeAlias = Table | Picture | Text | Commands | Links


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


@dataclass(frozen=True)
class _Block:
    """A piece of a section as the template takes it; which fields are filled depends on `kind`."""

    kind: str
    caption: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[tuple[Column, str], ...], ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    is_tall: bool = False
    pictures: tuple[tuple[Embedded, str], ...] = ()
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def render_report(title: str, summary: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Write a report as one HTML page.

    Args:
        title: The page's title.
        summary: The headline numbers with their names, shown as cards at the top; may be empty.
        sections: The parts, in order; may be empty.

    Returns:
        A whole HTML document. The same report always gives the same text.

    Raises:
        TypeError: If a section holds something that is not a `Table`, `Picture`, `Text`, `Commands` or `Links`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cell_pipelines.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    parts = [
        {"id": f"section-{number}", "title": part.title, "note": part.note, "blocks": list(_blocks(part.items))}
        for number, part in enumerate(sections, start=1)
    ]
    template = environment.get_template("report.html.j2")
    return template.render(title=title, summary={key: str(value) for key, value in summary.items()}, sections=parts)


def _blocks(items: Sequence[Item]) -> Iterator[_Block]:
    for is_picture, group in groupby(items, key=lambda item: isinstance(item, Picture)):
        if is_picture:
            yield from _picture_blocks(list(group))
        else:
            yield from (_block(item) for item in group)


def _picture_blocks(pictures: Sequence[Any]) -> Iterator[_Block]:
    """Yield figures one below the other, and images that follow each other as a grid."""
    embedded = [(embed(picture.image_or_figure), picture.caption) for picture in pictures]
    for is_figure, group in groupby(embedded, key=lambda pair: pair[0].is_figure):
        yield _Block("figures" if is_figure else "images", pictures=tuple(group))


def _block(item: Item) -> _Block:
    if isinstance(item, Table):
        return _table_block(item)
    if isinstance(item, Text):
        paragraphs = item.text.replace("\r\n", "\n").split("\n\n")
        return _Block("text", lines=tuple(part.strip() for part in paragraphs if part.strip()))
    if isinstance(item, Commands):
        return _Block("commands", lines=tuple(item.lines))
    if isinstance(item, Links):
        return _Block("links", links=tuple((text, quote(target)) for text, target in item.targets.items()))
    raise TypeError(f"A section holds Table, Picture, Text, Commands and Links, got {type(item).__name__}.")


def _table_block(table: Table) -> _Block:
    columns = format_table(table.frame)
    rows = tuple(tuple((column, column.cells[row]) for column in columns) for row in range(len(table.frame)))
    return _Block(
        "table",
        caption=table.caption,
        columns=columns,
        rows=rows,
        definitions=table.definitions,
        is_tall=len(rows) > _TALL,
    )
