"""The table of all formats for ``docs/formats.md``, printed by ``python -m`` and compared with the page by a test."""

import re
import sys
from collections.abc import Sequence

from cell_pipelines.annotations.formats.losses import capability_rows

_HEADERS = ("format", "what it is", "objects", "also holds", "attributes", "classes")


def format_table() -> str:
    """Return what every format is and holds as a Markdown table, one row per format."""
    rows = [[f"`{row.pop('format')}`", *map(_escape, row.values())] for row in capability_rows()]
    return "".join(map(_line, [_HEADERS, ["---"] * len(_HEADERS), *rows]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _escape(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return re.sub(r"([|<*`\\])", r"\\\1", text)


if __name__ == "__main__":
    sys.stdout.write(format_table())
