"""One page that holds a whole report: numbers, tables, figures and images, with nothing outside itself.

The page is a single file. It loads nothing from the network, can be read without a script, on a phone and on paper,
and follows the reader's choice of a light or dark screen. All text is escaped, so names of files and categories may
hold any letter. Only a page with groups has a script, of its own: it opens the group that a link leads into, and all
groups before printing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cell_pipelines.report.page.blocks import Block, PageContent, embedded_page, embedded_section
from cell_pipelines.report.page.parts import (
    Commands,
    Group,
    Item,
    LayeredPicture,
    Links,
    Page,
    Picture,
    Section,
    Table,
    Text,
)

__all__ = [
    "Commands", "Group", "Item", "LayeredPicture", "Links", "Page", "Picture", "Section", "Table", "Text",
    "embedded_page", "embedded_section", "render_page", "render_report",
]  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """A section as the template takes it."""

    id: str
    title: str
    note: str
    blocks: list[Block]


@dataclass(frozen=True)
class _Chapter:
    """A group of sections as the template takes it; a section by itself is one without an id."""

    sections: list[_Part]
    id: str = ""
    title: str = ""
    remark: str = ""
    is_open: bool = False


def render_page(page: Page) -> str:
    """Write a page as HTML."""
    return render_report(page.title, page.cards, page.sections)


def render_report(title: str, summary: Mapping[str, str], sections: Sequence[Section | Group]) -> str:
    """Write a report as one HTML page.

    Args:
        title: The page's title.
        summary: The headline numbers with their names, shown as cards at the top; may be empty.
        sections: The parts, in order, and groups of parts that are shown together; may be empty.

    Returns:
        A whole HTML document. The same report always gives the same text.

    Raises:
        TypeError: If a section holds something that is not an item; see `page_parts`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cell_pipelines.report.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    content = PageContent()
    chapters = _chapters(sections, content)
    repeated = content.repeated([one for block in _all_blocks(chapters) for one, _ in block.pictures])
    script = _read(environment, "groups.js.j2") if any(chapter.id for chapter in chapters) else ""
    return environment.get_template("report.html.j2").render(
        title=title,
        summary={key: str(value) for key, value in summary.items()},
        chapters=chapters,
        repeated=repeated,
        stored=content.stored(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _chapters(sections: Sequence[Section | Group], content: PageContent) -> list[_Chapter]:
    chapters: list[_Chapter] = []
    before = 0
    for part in sections:
        own = part.sections if isinstance(part, Group) else [part]
        parts = [
            _Part(f"section-{number}", one.title, one.note, content.blocks(one.items))
            for number, one in enumerate(own, start=before + 1)
        ]
        before += len(own)
        if isinstance(part, Group):
            number = 1 + sum(1 for chapter in chapters if chapter.id)
            chapters.append(_Chapter(parts, f"group-{number}", part.title, part.remark, part.is_open))
        else:
            chapters.append(_Chapter(parts))
    return chapters


def _all_blocks(chapters: Sequence[_Chapter]) -> list[Block]:
    return [block for chapter in chapters for part in chapter.sections for block in part.blocks]


def _read(environment: Any, name: str) -> str:
    source, _, _ = environment.loader.get_source(environment, name)
    return str(source)
