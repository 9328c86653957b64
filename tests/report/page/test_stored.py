"""Pages as JSON: what comes back is the same page, and a changed file brings nothing harmful onto another page."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.figures.panels import create_note
from cell_pipelines.report.page.blocks import embedded_page, without_images
from cell_pipelines.report.page.html import (
    Commands,
    LayeredPicture,
    Links,
    Page,
    Picture,
    Section,
    Table,
    Text,
    render_page,
)
from cell_pipelines.report.page.layers import Layer
from cell_pipelines.report.page.stored import page_from_json, page_to_json

IMAGE = np.arange(300, dtype=np.uint8).reshape(10, 30)
LAYERS = [Layer("found", "Found 1", "M1 1l2 0 0 2z"), Layer("missed", "Missed 0", "")]
TABLE = pd.DataFrame({"a<b": [1.0, np.nan], "name": ["x", ""], "is_odd": [True, False]})


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return [
        Section("Numbers & more", [Table(TABLE, "c & d", {"a<b": "x < y"})], note="Read <it>."),
        Section("Empty", [Table(pd.DataFrame(), "no rows")]),
        Section("Seen", [Picture(create_note("a figure"), "a figure"), Picture(IMAGE, "an image"),
                         LayeredPicture(IMAGE, LAYERS, "with lines"), LayeredPicture(IMAGE, LAYERS, "and again")]),
        Section("Text", [Text("One.\n\nTwo ü."), Commands(["kedro run --env=<x>"])]),
        Section("Reports", [Links({"a model": "../a/report.html"})], page_only=True),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def page(sections: list[Section]) -> Page:
    return embedded_page("The <page>", {"F1": "0.9", "Of": "3"}, sections)


def test_a_page_looks_the_same_before_and_after_it_is_stored(page: Page, sections: list[Section]) -> None:
    again = page_from_json(page_to_json(page))
    assert render_page(again) == render_page(page) == render_page(Page(page.title, page.cards, sections))
    assert [section.page_only for section in again.sections] == [False, False, False, False, True]
    assert page_to_json(again) == page_to_json(page)


def test_without_images_figures_tables_and_text_stay(page: Page) -> None:
    html = render_page(Page("t", {}, [without_images(section) for section in page.sections]))
    assert html.count("<img") == 1
    for text in ("a figure", "c &amp; d", "One."):
        assert text in html
    for text in ("an image", "with lines", 'class="store"'):
        assert text not in html


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><iframe src="//example.org">', "</main></body>x"],
)
def test_text_of_a_changed_file_stays_text(page: Page, hostile: str) -> None:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: text if key in ("kind", "uri") else change(text) for key, text in value.items()}
        return [change(one) for one in value] if isinstance(value, list) else _added(value, hostile)

    changed = render_page(page_from_json(json.dumps(change(json.loads(page_to_json(page))))))
    assert hostile not in changed


def _added(value: Any, text: str) -> Any:
    return value + text if isinstance(value, str) else value


def test_a_picture_that_would_be_loaded_from_elsewhere_is_refused(page: Page) -> None:
    text = page_to_json(page).replace("data:image/", "https://example.org/")
    with pytest.raises(ValueError, match="must be part of the page"):
        page_from_json(text)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"title": "t", "cards": [], "sections": []}',
     '{"title": "t", "cards": {}, "sections": [{"title": "s", "note": "", "page_only": false, "items": [{}]}]}',
     '{"title": "t", "cards": {}, "sections": [{"title": "s", "note": "", "page_only": false,'
     ' "items": [{"kind": "Script", "text": "x"}]}]}'],
)  # fmt: skip
def test_what_is_no_page_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        page_from_json(text)
