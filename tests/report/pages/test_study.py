"""The page about a study holds everything it is given, once, and nothing that leads away from it."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.figures.panels import create_note
from cell_pipelines.report.page.html import (
    Group,
    LayeredPicture,
    Links,
    Picture,
    Section,
    Table,
    Text,
    embedded_page,
    render_page,
    render_report,
)
from cell_pipelines.report.page.layers import Layer
from cell_pipelines.report.page.stored import page_from_json, page_to_json
from cell_pipelines.report.pages.study import StudyPage, page_group, study_page

IMAGE = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
LAYERS = (Layer("found", "Found 1", "M1 1l2 0 0 2z"), Layer("missed", "Missed 0", ""))
VOID = {"meta", "link", "img", "input", "wbr", "br"}


def render_study_page(study: StudyPage) -> str:
    page = study_page(study)
    html = render_page(page)
    assert render_page(page_from_json(page_to_json(page))) == html, "what is stored is the whole page, with its groups"
    return html


class Checked(HTMLParser):
    """A page whose tags close in order, whose ids are its own, whose images have words and inputs have labels."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.headings: list[int] = []
        self.feed(page)
        assert not self.open
        assert max(Counter(self.ids).values(), default=1) == 1
        assert set(self.targets) <= set(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("href", "src"):
            if name in given and not given[name].startswith("data:"):
                assert given[name].startswith("#"), f"{tag} leads to {given[name]}"
                self.targets.append(given[name][1:])
        if tag == "img":
            assert given["alt"]
        if tag == "input":
            assert "label" in self.open or given.get("aria-label")
        if tag == "svg":
            assert given.get("aria-label") or given.get("aria-hidden")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _sections(name: str) -> list[Section]:
    return [
        Section("Test results", [Table(pd.DataFrame({"f1": [0.5]}), f"of {name}")]),
        Section("Images", [LayeredPicture(IMAGE, LAYERS, f"{name} one"), LayeredPicture(IMAGE, LAYERS, f"{name} two")]),
    ]


def _viability(*, pictures: bool) -> Group:
    page = embedded_page("Viability", {"Living": "9"}, [
        Section("Conditions", [Picture(create_note("figure"), "a figure"), Picture(IMAGE, "cells of a field")]),
        Section("Films", [Links({"dish 1": "films/dish 1.gif"})]),
        Section("Reports", [Text("This leads away.")], page_only=True),
    ])  # fmt: skip
    return page_group(page, "Viability by truth", pictures=pictures)


def _model(name: str, title: str, *, is_open: bool = False) -> Group:
    return page_group(embedded_page("A study", {"F1": "0.5"}, _sections(name)), title, is_open=is_open)


@pytest.fixture
def study() -> StudyPage:
    compared = embedded_page("c", {}, [Section("Comparison", [Text("alike")])])
    return StudyPage(
        title="A study",
        cards={"Models": "2"},
        summary=["One <model> is best.", "It misses some."],
        data=[Section("Data", [Text("All came in.")])],
        parts=[
            page_group(compared, "Models compared", is_open=True),
            _model("unet", "Model unet"),
            _model("yolo", "Model yolo (chosen)"),
            _viability(pictures=True),
            page_group(embedded_page("Nothing", {}, []), "Nothing"),
        ],
        commands={"Train:": ["kedro run --pipelines=train_unet"]},
        log=pd.DataFrame({"time": ["today"], "command": ["kedro run"]}),
        origin={"data.sha256": "abc"},
    )


def test_all_parts_are_there_in_order_and_the_page_is_sound(study: StudyPage) -> None:
    page = render_study_page(study)
    checked = Checked(page)
    assert checked.headings[0] == 1
    assert all(b <= a + 1 for a, b in zip(checked.headings, checked.headings[1:], strict=False))
    places = [page.index(f">{title}</h") for title in (
        "In short", "Data", "Models compared", "Model unet", "Model yolo (chosen)", "Viability by truth",
        "How to make it again", "Origin",
    )]  # fmt: skip
    assert places == sorted(places)
    assert "One &lt;model&gt; is best." in page
    assert ">Nothing</h" not in page
    assert "This leads away." not in page
    assert "Living: 9" in page
    assert "dish 1" in page and "films/" not in page


def test_equal_images_stand_on_the_page_once(study: StudyPage) -> None:
    page = render_study_page(study)
    assert page.count('class="layered"') == 4
    assert page.count("<image ") == 1


def test_a_figure_repeated_by_two_sections_is_not_an_image(study: StudyPage) -> None:
    twice = [Section("s", [Picture(IMAGE, "one"), Picture(IMAGE, "two"), Picture(create_note("x"), "three")])]
    page = render_report("t", {}, twice)
    assert page.count("data:image/") == 2
    Checked(page)


def test_without_pictures_no_image_of_another_page_comes_over(study: StudyPage) -> None:
    page = render_study_page(replace(study, parts=[_viability(pictures=False)]))
    assert "cells of a field" not in page
    assert "a figure" in page
    Checked(page)


def test_a_group_that_is_open_is_shown_at_once(study: StudyPage) -> None:
    page = render_study_page(replace(study, parts=[_model("unet", "Model unet", is_open=True)]))
    assert re.search(r'<details class="group" id="group-1" open>', page)
    Checked(page)


def test_a_page_has_a_script_only_where_groups_are_and_the_policy_names_it(study: StudyPage) -> None:
    assert "<script" not in render_report("t", {}, study.data)
    page = render_study_page(study)
    assert page.count("<script>") == 1
    assert "script-src 'sha256-" in page


def test_groups_without_sections_are_sound() -> None:
    Checked(render_report("t", {}, [Group("empty", [])]))
