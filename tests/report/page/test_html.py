"""The page stands alone, says what it is given, and lets no name become markup."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.page.html import Commands, Picture, Section, Table, Text, render_report

EVIL = "<script>alert('x')</script> & \"b\".png"
VOID = {"meta", "link", "img", "input", "wbr"}


class Outline(HTMLParser):
    """What a page is made of; fails where tags are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]


@pytest.fixture
def sections() -> list[Section]:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    figure = Figure(figsize=(3, 2), layout="constrained")
    figure.add_subplot().plot([0, 1])
    table = pd.DataFrame({"image": [EVIL, "b.png"], "ap50": [0.91234, np.nan], "n": [3, 12000]})
    return [
        Section("Results & more", [Table(table, "All <classes>", {"ap50": "area < 1 & above 0"})], note="Read <this>."),
        Section(
            "Pictures",
            [
                Picture(figure, "a figure"),
                *[Picture(image[i:], f"{i} {EVIL}") for i in range(3)],
                Picture(image[:9], "z"),
            ],
        ),
        Section("Words", [Text("First.\n\nSecond, at http://example.org."), Commands(["kedro run", "echo '<a>'"])]),
    ]


def test_the_page_is_well_formed_and_says_everything(sections: list[Section]) -> None:
    page = render_report("A <title>", {"Test F1": "0.9", "Images": "40"}, sections)
    Outline(page)
    text = unescape(re.sub(r"<[^>]*>", "", page))
    for said in ("A <title>", "Test F1", "0.9", "Results & more", "Pictures", "Words", "Read <this>.", "All <classes>",
                 "area < 1 & above 0", "0.912", "12\u202f000", "First.", "kedro run", "echo '<a>'", EVIL):  # fmt: skip
        assert said in text


def test_every_section_is_in_the_table_of_contents(sections: list[Section]) -> None:
    outline = Outline(render_report("t", {}, sections))
    targets = [attributes["href"] for attributes in outline.all("a")]
    assert targets == [f"#{attributes['id']}" for attributes in outline.all("section")]
    assert len(targets) == 3


def test_the_page_loads_nothing(sections: list[Section]) -> None:
    page = render_report("t", {}, sections)
    outline = Outline(page)
    for _, attributes in outline.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "script" not in {tag for tag, _ in outline.tags}
    assert page.count("http://") == 1, "the address in the text, which is no link"
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_a_malicious_name_stays_text(sections: list[Section]) -> None:
    page = render_report(EVIL, {EVIL: EVIL}, [*sections, Section(EVIL, [Text(EVIL), Commands([EVIL])], note=EVIL)])
    assert "<script" not in page
    for attributes in Outline(page).all("img"):
        assert set(attributes) <= {"src", "width", "height", "alt", "style"}


def test_pictures_are_inside_the_page_and_several_images_form_a_grid(sections: list[Section]) -> None:
    page = render_report("t", {}, sections)
    outline = Outline(page)
    assert len(outline.all("img")) == 5
    assert all((attributes["src"] or "").startswith("data:image/") for attributes in outline.all("img"))
    assert len(outline.all("input")) == 4, "each of the grid can be enlarged"
    assert 'class="images"' in page


def test_one_image_stands_alone() -> None:
    page = render_report("t", {}, [Section("s", [Picture(np.zeros((4, 4), dtype=np.uint8), "one")])])
    assert 'class="images one"' in page
    assert not Outline(page).all("input")


def test_numbers_are_aligned_at_the_right_and_long_tables_scroll() -> None:
    table = pd.DataFrame({"name": ["a"] * 30, "n": range(30)})
    page = render_report("t", {}, [Section("s", [Table(table, "c")])])
    assert page.count('<td class="number">') == 30
    assert "(30 rows)" in page
    assert 'class="scroll tall"' in page


def test_the_same_report_gives_the_same_page(sections: list[Section]) -> None:
    first = render_report("t", {"a": "1"}, sections)
    assert render_report("t", {"a": "1"}, sections) == first


def test_a_report_without_anything_is_a_page() -> None:
    page = render_report("Nothing yet", {}, [])
    assert "Nothing yet" in page
    assert not Outline(page).all("nav")
    Outline(render_report("t", {}, [Section("empty", [])]))
    Outline(render_report("t", {}, [Section("empty table", [Table(pd.DataFrame(), "no rows")])]))


def test_what_does_not_belong_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="holds Table, Picture, .* and Links, got str"):
        render_report("t", {}, [Section("s", ["words"])])  # type: ignore[list-item]
