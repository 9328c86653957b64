"""From the items of a section to the pieces that the page's template writes; equal images are kept once a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from cell_pipelines.report.page.embedding import Embedded, embed, embed_photograph
from cell_pipelines.report.page.layers import Layer
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
from cell_pipelines.report.page.tables import Column, format_table

# A table with more rows than this scrolls in its own box.
_TALL: Final = 25


@dataclass(frozen=True)
class Block:
    """A piece of a section as the template takes it; which fields are filled depends on `kind`."""

    kind: str
    caption: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[tuple[Column, str], ...], ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    is_tall: bool = False
    pictures: tuple[tuple[Embedded, str], ...] = ()
    layered: tuple[LayeredBlock, ...] = ()
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LayeredBlock:
    """A picture with layers: where its image stands among the page's, and the lines."""

    id: str
    stored: StoredImage
    layers: Sequence[Layer]
    caption: str


@dataclass(frozen=True)
class StoredImage:
    """An image that several places of a page show: its id, its data, and its size in its own pixels."""

    id: str
    uri: str
    width: int
    height: int


class PageContent:
    """The blocks of one page, and the images that they share."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, int, int], StoredImage] = {}
        self._shown: Counter[str] = Counter()
        self._layered = 0

    def blocks(self, items: Sequence[Item]) -> list[Block]:
        """Return the blocks of a section.

        Raises:
            TypeError: It holds something else than items.
        """
        return [block for kind, group in groupby(items, key=_kind) for block in self._blocks(kind, list(group))]

    def stored(self) -> list[StoredImage]:
        """Return the images to be kept apart from where they are shown: those with layers, and those shown twice."""
        return list(self._stored.values())

    def repeated(self, pictures: Sequence[Embedded]) -> dict[str, StoredImage]:
        """Return the images that occur more than once among pictures without layers, by their data."""
        sizes = {one.uri: one for one in pictures if not one.is_figure}
        return {uri: self._store(sizes[uri]) for uri, number in self._shown.items() if number > 1}

    def _blocks(self, kind: str, items: list[Any]) -> Iterator[Block]:
        if kind == "picture":
            yield from self._picture_blocks(items)
        elif kind == "layered":
            yield Block("layered", layered=tuple(self._layered_block(item) for item in items))
        else:
            yield from (_block(item) for item in items)

    def _picture_blocks(self, pictures: Sequence[Picture]) -> Iterator[Block]:
        """Yield figures one below the other, and images that follow each other as a grid."""
        embedded = [(_embedded(picture), picture.caption) for picture in pictures]
        self._shown.update(one.uri for one, _ in embedded if not one.is_figure)
        for is_figure, group in groupby(embedded, key=lambda pair: pair[0].is_figure):
            yield Block("figures" if is_figure else "images", pictures=tuple(group))

    def _layered_block(self, picture: LayeredPicture) -> LayeredBlock:
        self._layered += 1
        stored = self._store(_photograph(picture))
        return LayeredBlock(f"layers-{self._layered}", stored, picture.layers, picture.caption)

    def _store(self, image: Embedded) -> StoredImage:
        key = image.uri, image.width, image.height
        if key not in self._stored:
            self._stored[key] = StoredImage(f"picture-{len(self._stored) + 1}", *key)
        return self._stored[key]


def embedded_page(title: str, cards: Mapping[str, str], sections: Sequence[Section | Group]) -> Page:
    """Return a page whose figures, images and tables are plain data."""
    named = {name: str(value) for name, value in cards.items()}
    return Page(title, named, [_embedded_part(part) for part in sections])


def _embedded_part(part: Section | Group) -> Section | Group:
    if isinstance(part, Group):
        return replace(part, sections=[embedded_section(section) for section in part.sections])
    return embedded_section(part)


def embedded_section(section: Section) -> Section:
    """Return a section as plain data, so that several pages can show it for the price of one."""
    return replace(section, items=[_embedded_item(item) for item in section.items])


def _embedded_item(item: Item) -> Item:
    if isinstance(item, Picture):
        return Picture(_embedded(item), item.caption)
    if isinstance(item, LayeredPicture):
        return LayeredPicture(_photograph(item), item.layers, item.caption)
    return Table(_columns(item), item.caption, item.definitions) if isinstance(item, Table) else item


def without_images(section: Section) -> Section:
    """Return a section without images of the microscope, which figures are not."""
    kept = [item for item in section.items if not isinstance(item, LayeredPicture) and not _is_image(item)]
    return replace(section, items=kept)


def without_links(section: Section) -> Section:
    """Return a section whose links are plain text, for a page from which they would lead nowhere."""
    items = [Text("\n\n".join(item.targets)) if isinstance(item, Links) else item for item in section.items]
    return replace(section, items=items)


def _is_image(item: Item) -> bool:
    return isinstance(item, Picture) and not _embedded(item).is_figure


def _embedded(picture: Picture) -> Embedded:
    shown = picture.image_or_figure
    return shown if isinstance(shown, Embedded) else embed(shown)


def _photograph(picture: LayeredPicture) -> Embedded:
    return picture.image if isinstance(picture.image, Embedded) else embed_photograph(picture.image)


def _columns(table: Table) -> tuple[Column, ...]:
    return table.frame if isinstance(table.frame, tuple) else format_table(table.frame)


def _kind(item: object) -> str:
    return "picture" if isinstance(item, Picture) else "layered" if isinstance(item, LayeredPicture) else "other"


def _block(item: Item) -> Block:
    if isinstance(item, Table):
        return _table_block(item)
    if isinstance(item, Text):
        paragraphs = item.text.replace("\r\n", "\n").split("\n\n")
        return Block("text", lines=tuple(part.strip() for part in paragraphs if part.strip()))
    if isinstance(item, Commands):
        return Block("commands", lines=tuple(item.lines))
    if isinstance(item, Links):
        return Block("links", links=tuple((text, quote(target)) for text, target in item.targets.items()))
    raise TypeError(
        f"A section holds Table, Picture, LayeredPicture, Text, Commands and Links, got {type(item).__name__}."
    )


def _table_block(table: Table) -> Block:
    columns = _columns(table)
    length = len(columns[0].cells) if columns else 0
    rows = tuple(tuple((column, column.cells[row]) for column in columns) for row in range(length))
    return Block(
        "table",
        caption=table.caption,
        columns=columns,
        rows=rows,
        definitions=table.definitions,
        is_tall=len(rows) > _TALL,
    )
