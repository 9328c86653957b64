"""The documentation site has what the pages have, leads nowhere that does not exist, and asks no other host."""

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from .conftest import ROOT

pytestmark = pytest.mark.slow
_BLOCKS = ("pre", "table", "tr", "li", "h1", "h2", "h3", "h4", "img")
#: What a browser loads without being asked.
_LOADED = {
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "use": "href",
}


class _Read(HTMLParser):
    """The tags and attributes of a page, and the same of its article alone."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.article: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = self.inside or tag == "article"
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if self.inside:
            self.article.append(tag)

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "article"


@cache
def read(path: Path) -> _Read:
    return _Read(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def pages_of(site: Path) -> list[Path]:
    return [
        path for path in sorted(site.rglob("*.html")) if path.parent.name != "studies" or "_report" not in path.name
    ]


def test_nothing_on_the_site_is_loaded_from_another_host(site):
    asked = {
        f"{path.relative_to(site)}: {attributes[_LOADED[tag]]}"
        for path in site.rglob("*.html")
        for tag, attributes in read(path).tags
        if tag in _LOADED and re.match(r"(https?:)?//", attributes.get(_LOADED[tag], ""))
        and not (tag == "link" and attributes.get("rel") == "canonical")
    }  # fmt: skip
    for path in site.rglob("*.css"):
        asked |= {
            f"{path.name}: {found}"
            for found in re.findall(r"""(?:@import|url\()\s*["']?((?:https?:)?//\S+)""", path.read_text())
        }
    assert not asked


def test_every_link_of_the_site_leads_to_a_page_and_an_anchor_that_exist(site):
    broken = []
    for path in pages_of(site):
        if path.name == "404.html":  # its links are from the root of wherever the site lies
            continue
        for tag, attributes in read(path).tags:
            link = attributes.get("href", "") if tag == "a" else ""
            if not link or "://" in link or link.startswith("mailto:"):
                continue
            target, _, anchor = unquote(link).partition("#")
            file = (path.parent / target).resolve() if target else path
            if not file.is_file() or (anchor and not any(found.get("id") == anchor for _, found in read(file).tags)):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_every_page_has_the_headings_lists_tables_and_code_that_github_shows(site):
    github = MarkdownIt("commonmark").enable("table")
    sources = {path.relative_to(ROOT / "docs").with_suffix(".html"): path for path in ROOT.glob("docs/**/*.md")}
    for path in (
        *ROOT.glob("conf/*/README.md"),
        *ROOT.glob("src/cell_pipelines/pipelines/*/README.md"),
        ROOT / "README.md",
    ):
        sources[Path("repository", path.relative_to(ROOT).parent, "index.html")] = path
    differ = {}
    for place, source in sources.items():
        expected = _Read("<article>" + github.render(source.read_text(encoding="utf-8")) + "</article>").article
        shown = read(site / place).article
        counts = {
            tag: (expected.count(tag), shown.count(tag)) for tag in _BLOCKS if expected.count(tag) != shown.count(tag)
        }
        differ |= {str(source.relative_to(ROOT)): counts} if counts else {}
    assert not differ, "in a list with paragraphs or code, put a blank line before each item"


def test_every_page_is_reached_from_the_contents(site):
    reached = {
        (site / unquote(attributes.get("href", "").partition("#")[0])).resolve()
        for tag, attributes in read(site / "index.html").tags if tag == "a" and "://" not in attributes.get("href", "")
    }  # fmt: skip
    pages = {path.resolve() for path in pages_of(site)} - {(site / "404.html").resolve()}
    assert pages <= reached
