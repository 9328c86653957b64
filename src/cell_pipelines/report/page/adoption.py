"""Sections of another page of ours as parts of this one: checked tag by tag, with ids of their own, without dead links.

A page that `html.render_report` wrote at another time, such as that of an experiment, is read with Python's own parser
and written again. Only tags and attributes that our template uses are kept, whatever the file holds; links to other
files become plain text, since the page that takes the sections lies elsewhere and may be sent on alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Final

from cell_pipelines.report.page.parts import Group, Markup, Section

_VOID: Final = frozenset({"img", "input", "br", "wbr"})
_TAGS: Final = frozenset(
    {
        "div", "p", "span", "ul", "ol", "li", "pre", "figure", "figcaption", "table", "thead", "tbody", "tr", "th",
        "td", "dl", "dt", "dd", "a", "img", "input", "label", "br", "wbr", "h3", "h4", "svg", "g", "path", "use",
        "image", "b", "i", "em", "strong", "code",
    }
)  # fmt: skip
_ATTRIBUTES: Final = frozenset(
    {
        "class", "id", "for", "href", "src", "width", "height", "style", "alt", "role", "scope", "tabindex", "type",
        "checked", "d", "viewbox", "aria-label", "aria-hidden", "vector-effect", "preserveaspectratio", "colspan",
        "rowspan",
    }
)  # fmt: skip
# The parser gives names in lower case; SVG's are not.
_CASED: Final = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}
_SKIPPED: Final = frozenset({"script", "style", "nav", "header", "footer", "head", "summary"})


@dataclass
class _Part:
    title: str = ""
    note: str = ""
    html: list[str] = field(default_factory=list)


def adopt_page(
    page: str,
    prefix: str,
    *,
    title: str,
    pictures: bool = True,
    leave_out: tuple[str, ...] = (),
    is_open: bool = False,
) -> Group:
    """Return the sections of a page as a group.

    Args:
        page: A page that `render_report` wrote.
        prefix: Put before all ids, so that no two of the page that takes the sections are the same; a letter first.
        title: Of the group.
        pictures: Whether images are taken over; figures always are.
        leave_out: Titles of sections that are not.
        is_open: Whether the group is shown before the reader asks for it.

    Returns:
        The group, with the page's headline numbers as its remark; without sections where the page holds none.
    """
    reader = _Reader(prefix, pictures)
    reader.feed(page)
    reader.close()
    parts = [part for part in reader.parts if part.title not in leave_out and "".join(part.html).strip()]
    stored = "".join(reader.stored).strip() if pictures else ""
    if parts and stored:
        parts[-1].html.append(stored)
    sections = [Section(part.title, [Markup("".join(part.html).strip())], part.note) for part in parts]
    cards = "; ".join(f"{name}: {value}" for name, value in reader.cards if value)
    return Group(title, sections, remark=cards, is_open=is_open)


class _Reader(HTMLParser):
    """Collects the sections, the cards and the stored images of a page."""

    def __init__(self, prefix: str, pictures: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[_Part] = []
        self.cards: list[tuple[str, str]] = []
        self.stored: list[str] = []
        self._prefix, self._pictures = prefix, pictures
        self._open: list[str] = []
        self._skipped: list[str] = []  # open tags of what is left out, the outermost first
        self._out: list[str] | None = None
        self._said: Callable[[str], None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if self._skipped:
            if tag not in _VOID:
                self._skipped.append(tag)
        elif tag == "section":
            self.parts.append(_Part())
            self._begin(tag, self.parts[-1].html)
        elif tag == "svg" and "store" in classes:
            self._begin(tag, self.stored)
            self._write(tag, given)
        elif tag in ("dl", "div", "dt", "dd") and self._out is None:
            self._card(tag)
        elif self._out is not None:
            self._inside(tag, given, classes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag in self._skipped:
                del self._skipped[len(self._skipped) - 1 - self._skipped[::-1].index(tag) :]
            return
        self._said = None
        if tag not in self._open or tag in _VOID:
            return
        while self._open:
            closed = self._open.pop()
            if self._out is not None and closed in _TAGS:
                self._out.append(f"</{closed}>")
            if closed == tag:
                break
        if not self._open:
            self._out = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._said is not None:
            self._said(data)
        elif self._out is not None:
            self._out.append(escape(data, quote=False))

    def _begin(self, tag: str, out: list[str]) -> None:
        self._open, self._out = [tag], out

    def _inside(self, tag: str, given: dict[str, str], classes: list[str]) -> None:
        """Take a tag within a section: its heading and note apart, the rest as it is."""
        is_first = self._open == ["section"]
        images = "images" in classes or "layered" in classes
        if tag in ("h2", "h3") and is_first and not self.parts[-1].title:
            self._said = self._add_title
        elif tag == "p" and "note" in classes and is_first:
            self._said = self._add_note
        elif tag in _SKIPPED or (images and not self._pictures):
            self._skipped.append(tag)
        elif tag in _TAGS:
            self._write(tag, given)

    def _write(self, tag: str, given: dict[str, str]) -> None:
        if self._out is None:
            return
        if tag == "a" and not given.get("href", "").startswith("#"):
            tag, given = "span", {}
        kept = "".join(f' {name}="{escape(value)}"' for name, value in self._attributes(given))
        self._out.append(f"<{tag}{kept}>")
        if tag not in _VOID and (tag != "svg" or self._open != ["svg"]):
            self._open.append(tag)

    def _attributes(self, given: dict[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in given.items():
            if name not in _ATTRIBUTES:
                continue
            if name in ("id", "for"):
                value = f"{self._prefix}-{value}"
            elif name == "href" and value.startswith("#"):
                value = f"#{self._prefix}-{value[1:]}"
            elif _leads_away(name, value):
                continue
            yield _CASED.get(name, name), value

    def _card(self, tag: str) -> None:
        """Take the name or the value of a headline number, above all sections."""
        if self.parts or tag not in ("dt", "dd"):
            return
        if tag == "dt":
            self.cards.append(("", ""))
        elif not self.cards:
            return
        place = 0 if tag == "dt" else 1

        def add(text: str) -> None:
            name, value = self.cards[-1]
            self.cards[-1] = (name + text, value) if place == 0 else (name, value + text)

        self._said = add

    def _add_title(self, text: str) -> None:
        self.parts[-1].title += text

    def _add_note(self, text: str) -> None:
        self.parts[-1].note += text


def _leads_away(name: str, value: str) -> bool:
    """Tell whether an attribute would load something that the page does not hold."""
    if name == "style":
        return "url" in value.lower()
    return name in ("src", "href") and not value.startswith("data:image/")
