"""Sections of another page come over whole, with ids of their own, and bring nothing that leads away."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.figures.panels import create_note
from cell_pipelines.report.page.adoption import adopt_page
from cell_pipelines.report.page.html import (
    Commands,
    Group,
    LayeredPicture,
    Links,
    Picture,
    Section,
    Table,
    Text,
    render_report,
)
from cell_pipelines.report.page.layers import Layer


@pytest.fixture
def page() -> str:
    image = np.arange(300, dtype=np.uint8).reshape(10, 30)
    layers = [Layer("found", "Found 1", "M1 1l2 0 0 2z"), Layer("missed", "Missed 0", "")]
    sections = [
        Section("Numbers & more", [Table(pd.DataFrame({"a<b": [1, 2]}), "c & d", {"a<b": "x < y"})], note="Read <it>."),
        Section("Seen", [Picture(create_note("a figure"), "a figure"), Picture(image, "an image"),
                         LayeredPicture(image, layers, "with lines"), LayeredPicture(image, layers, "and again")]),
        Section("Said", [Text("One.\n\nTwo."), Commands(["kedro run --env=<x>"])]),
        Section("Reports", [Links({"a model": "../a/report.html"})]),
    ]  # fmt: skip
    return render_report("The <page>", {"Best": "0.9", "Of": "3"}, sections)


def _written(group: Group) -> str:
    return render_report("t", {}, [group])


def test_sections_keep_their_titles_notes_words_and_order(page: str) -> None:
    group = adopt_page(page, "a", title="Another")
    assert [section.title for section in group.sections] == ["Numbers & more", "Seen", "Said", "Reports"]
    assert group.sections[0].note == "Read <it>."
    assert group.remark == "Best: 0.9; Of: 3"
    text = _written(group)
    for said in ("c &amp; d", "x &lt; y", "One.", "Two.", "kedro run --env=&lt;x&gt;", "a&lt;b"):
        assert said in text


def test_ids_are_new_and_every_reference_has_its_target(page: str) -> None:
    text = render_report("t", {}, [adopt_page(page, "a", title="A"), adopt_page(page, "b", title="B")])
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert max(Counter(ids).values()) == 1
    targets = re.findall(r'(?:href|for)="#?([^":]+)"', text)
    assert set(targets) <= set(ids)
    assert any(target.startswith("b-picture") for target in targets)


def test_links_to_other_files_become_text(page: str) -> None:
    text = _written(adopt_page(page, "a", title="A"))
    assert "../a/report.html" not in text
    assert "a model" in text


def test_without_pictures_figures_and_tables_stay(page: str) -> None:
    text = _written(adopt_page(page, "a", title="A", pictures=False))
    assert text.count("<img") == 1
    assert "a figure" in text
    assert "an image" not in text
    assert "with lines" not in text
    assert 'class="store"' not in text


def test_sections_can_be_left_out(page: str) -> None:
    group = adopt_page(page, "a", title="A", leave_out=("Reports", "Said"))
    assert [section.title for section in group.sections] == ["Numbers & more", "Seen"]


def test_taking_over_twice_changes_no_word(page: str) -> None:
    once = adopt_page(page, "a", title="A")
    again = adopt_page(_written(once), "b", title="A")
    strip = re.compile(r"<[^>]*>|\s+")
    for first, second in zip(once.sections, again.sections, strict=True):
        texts = [strip.sub("", "".join(item.html for item in one.items)) for one in (first, second)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<img src="http://example.org/a.png">',
        '<a href="javascript:alert(1)">x</a>', "<iframe src='//example.org'></iframe>", "<p onclick='x()'>y</p>",
        "<p style='background:url(//example.org)'>y</p>", "<svg><use href='other.svg#a'/></svg>", "<object data=x>",
        "<form action=x><button>y</button></form>", "</section></main></body>", "<div><p><b>never closed",
    ],
)  # fmt: skip
def test_a_page_that_someone_changed_brings_nothing_harmful(hostile: str) -> None:
    text = f"<html><body><section id='s'><h2>Title</h2><p>kept</p>{hostile}<p>rest</p></section></body></html>"
    group = adopt_page(text, "a", title="A")
    html = "".join(item.html for section in group.sections for item in section.items)
    assert "kept" in html
    assert not re.search(r"script|onerror|onclick|example\.org|iframe|other\.svg|<form|<object|<section", html)
    for tag in ("div", "p", "svg", "b"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>")


def test_a_page_without_sections_gives_none() -> None:
    assert not adopt_page("", "a", title="A").sections
    assert not adopt_page("not a page at all < & >", "a", title="A").sections
    assert not adopt_page(render_report("t", {}, []), "a", title="A").sections
