"""Source, configuration, documentation and page templates use the words of the field.

Each word below once stood in place of one that a reader of the field knows; what to write instead stands beside it.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Patterns, without regard to case, of words that must not come back, and what the field says.
WORDS = {
    r"middles?": "centroid of a cell; centre, midpoint or median of anything else",
    r"\w*judg\w*": "evaluate, evaluation",
    r"cut-offs?": "threshold",
    r"told apart": "differs significantly from",
    r"(?:a|one) (?:row|column|line|panel|point) an? (?:image|class|cell|model|object|trial|epoch)": "one row per image",
    r"made up": "false positive",
    r"other work": "other processes",
    r"slips?": "likely annotation error",
    r"honest\w*": "what was done, such as evaluated on held-out images",
    r"(?:whole |biology )?roads?": "pipeline",
    r"crowds": "ignored regions",
    r"chances?": "probability",
    r"sights?": "model output",
    r"doors?": "entry point",
    r"houses?": "architecture",
    r"(?:this|middle|upper|which|three) (?:room|floor)s?": "package, layer",
}
#: Where a word is a file format's or another tool's own: the pattern of the file, and of the text.
ALLOWED = (
    (r"style\.css\.j2", r"vertical-align: middle"),
    (r"notebooks/", r".*"),
    (r"models/(foreign/stardist_keras|stardist_unet)\.py", r"\"middle\""),  # the layers of StarDist's own files
)
#: Docstrings state what something does; they do not open with a question.
OPENINGS = ("What", "Which", "How", "Whose", "Who", "Where", "When", "Why")
SOURCE = sorted((ROOT / "src").rglob("*.py"))
TEXTS = [
    *SOURCE,
    *sorted((ROOT / "src").rglob("*.j2")),
    *sorted((ROOT / "src").rglob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(path for path in sorted((ROOT / "conf").rglob("*")) if path.suffix in (".yml", ".md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml")),
]


def _is_allowed(path: Path, line: str, word: str) -> bool:
    return any(re.search(file, path.as_posix()) and word in "".join(re.findall(text, line)) for file, text in ALLOWED)


def _hits(pattern: str, paths: list[Path]) -> list[str]:
    search = re.compile(rf"\b{pattern}\b", re.IGNORECASE)
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if not search.search(text):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            words = [word for word in search.findall(line) if not _is_allowed(path, line, word)]
            found += [f"{path.relative_to(ROOT).as_posix()}:{number}: {word}" for word in words]
    return found


@pytest.mark.parametrize("pattern", WORDS)
def test_no_text_uses_a_word_that_the_field_has_another_for(pattern: str) -> None:
    found = _hits(pattern, TEXTS)
    assert not found, f"write: {WORDS[pattern]}\n" + "\n".join(found)


def test_docstrings_do_not_open_with_a_question() -> None:
    found = []
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                words = (ast.get_docstring(node) or "").split(maxsplit=1)
                if words and words[0] in OPENINGS:
                    found.append(f"{path.relative_to(ROOT).as_posix()}: {getattr(node, 'name', 'module')}")
    assert not found, "\n".join(found)


def test_a_word_that_comes_back_is_reported_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("A row an image.\nOne row per image.\n", encoding="utf-8")
    (pattern,) = (pattern for pattern, instead in WORDS.items() if instead == "one row per image")
    assert _hits(pattern, [page]) == ["page.md:1: A row an image"]
