"""Pages as JSON, so that the page about a study can show the sections of others as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.layers import NAMES, Layer
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
from cell_pipelines.report.page.tables import Column

_IMAGES: Final = "data:image/"


def page_to_json(page: Page) -> str:
    """Return a page as JSON.

    Args:
        page: As `blocks.embedded_page` gives it.
    """
    return json.dumps(
        {
            "title": page.title,
            "cards": dict(page.cards),
            "sections": [_part_to_data(part) for part in page.sections],
        },
        ensure_ascii=False,
    )


def page_from_json(text: str) -> Page:
    """Return the page that `page_to_json` wrote.

    Raises:
        ValueError: The text is no such page, or would load something that it does not hold.
    """
    try:
        data = json.loads(text)
        return Page(str(data["title"]), _texts(data["cards"]), [_read_part(one) for one in data["sections"]])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"it is not a page that this version wrote: {error!r}.") from error


def _part_to_data(part: Section | Group) -> dict[str, Any]:
    if isinstance(part, Group):
        return {**asdict(part), "sections": [_part_to_data(section) for section in part.sections]}
    return {**asdict(part), "items": [_item_to_data(item) for item in part.items]}


def _read_part(data: Mapping[str, Any]) -> Section | Group:
    if "sections" in data:
        sections = [_read_section(section) for section in data["sections"]]
        return Group(str(data["title"]), sections, str(data["remark"]), bool(data["is_open"]))
    return _read_section(data)


def _read_section(data: Mapping[str, Any]) -> Section:
    items = [_read_item(item) for item in data["items"]]
    return Section(str(data["title"]), items, str(data["note"]), data["page_only"])


def _item_to_data(item: Item) -> dict[str, Any]:
    return {"kind": type(item).__name__, **asdict(item)}


def _read_item(data: Mapping[str, Any]) -> Item:
    return _READERS[data["kind"]](data)


def _read_table(data: Mapping[str, Any]) -> Table:
    columns = tuple(Column(**{**column, "cells": tuple(column["cells"])}) for column in data["frame"])
    return Table(columns, data["caption"], _texts(data["definitions"]))


def _read_picture(data: Mapping[str, Any]) -> Picture:
    return Picture(_read_image(data["image_or_figure"]), data["caption"])


def _read_layered(data: Mapping[str, Any]) -> LayeredPicture:
    layers = [Layer(**layer) for layer in data["layers"] if layer["kind"] in NAMES]
    return LayeredPicture(_read_image(data["image"]), layers, data["caption"])


def _read_image(data: Mapping[str, Any]) -> Embedded:
    if not str(data["uri"]).startswith(_IMAGES):
        raise ValueError("a picture must be part of the page; one of it lies elsewhere.")
    return Embedded(**data)


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in data.items()}


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Item]]] = {
    "Table": _read_table,
    "Picture": _read_picture,
    "LayeredPicture": _read_layered,
    "Text": lambda data: Text(data["text"]),
    "Commands": lambda data: Commands(data["lines"]),
    "Links": lambda data: Links(data["targets"]),
}
