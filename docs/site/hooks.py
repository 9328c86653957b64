"""Build the site from the pages as they lie: contents from docs/index.md, links beyond docs/, GitHub's anchors."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
#: Where the site has pages of the repository that lie outside docs/.
BEYOND = "repository"
PAGES_BEYOND = {
    "Studies": "conf/*/README.md",
    "Pipelines": "src/cell_pipelines/pipelines/*/README.md",
    "Measured": "benchmarks/*.md",
    "Project": "*.md",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *```.*?^ *```[^\n]*$)", re.DOTALL | re.MULTILINE)


class _GitHubsIndent(Extension):
    """Take three spaces as the indent of a list's paragraphs, as GitHub does after `1. `."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Set the indent."""
        md.tab_length = 3


def slugify(heading: str, separator: str) -> str:
    """Return the anchor of a heading as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def contents(index: str) -> list[dict[str, Any]]:
    """Return the site's contents: the sections of docs/index.md, each with its pages in their order."""
    nav: list[dict[str, Any]] = [{"Documentation": "index.md"}]
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        links = (match[1:] for match in _LINK.findall(section))
        nav.append({section.splitlines()[0]: [{text: link} for text, link in links if link.endswith(".md")]})
    return nav


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the contents from docs/index.md."""
    beyond = [{title: list(_pages(pattern))} for title, pattern in PAGES_BEYOND.items()]
    config.nav = [*contents((ROOT / "docs" / "index.md").read_text(encoding="utf-8")), *beyond]
    config.markdown_extensions.append(_GitHubsIndent())
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for name, path in (page for pattern in PAGES_BEYOND.values() for page in _pages(pattern).items()):
        files.append(File.generated(config, name, content=path.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let every link lead to where its file is in the site; a file that is not there is named instead."""
    here = page.file.src_uri

    def lead(match: re.Match[str]) -> str:
        mark, text, link = match.groups()
        target, _, anchor = link.partition("#")
        if not target or "://" in link or link.startswith("mailto:"):
            return match.group()
        path = normpath(PurePosixPath(_in_repository(here)).parent / target)
        place = _in_site(path)
        if files.get_file_from_path(place) is None:
            return f"{text} (`{path}`)"
        return f"{mark}[{text}]({relpath(place, PurePosixPath(here).parent)}{'#' + anchor if anchor else ''})"

    parts = _FENCE.split(markdown)  # the odd ones are blocks of code
    return "".join(part if number % 2 else _LINK.sub(lead, part) for number, part in enumerate(parts))


def _pages(pattern: str) -> dict[str, Path]:
    """Return the pages outside docs/ that a pattern names, each under its place in the site."""
    return {_in_site(path.relative_to(ROOT).as_posix()): path for path in sorted(ROOT.glob(pattern))}


def _in_repository(place: str) -> str:
    return place.removeprefix(f"{BEYOND}/") if place.startswith(f"{BEYOND}/") else f"docs/{place}"


def _in_site(path: str) -> str:
    return path.removeprefix("docs/") if path.startswith("docs/") else f"{BEYOND}/{path}"
