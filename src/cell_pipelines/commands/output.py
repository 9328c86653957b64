"""Print tables with aligned columns and the files that were written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

# More rows are not read in a terminal; the file has them all.
_MOST_ROWS, _MOST_NOTES = 40, 20
_WARNING = "warning"
# Columns of a terminal, and the least of them that a name gets.
_WIDTH, _LEAST_NAME = 80, 24


def name_of(images: Sequence[str]) -> str:
    """Return a name for the results of images, from the folder or file that they are in.

    >>> name_of(["cells/day 1/*.tif"]), name_of(["a.png"]), name_of(["a/1.png", "a/2.png"])
    ('day_1', 'a', 'a')
    """
    first = Path(images[0]).expanduser()
    if len(images) > 1 or any(sign in first.name for sign in "*?["):
        first = first.parent
    name = first.stem if first.suffix and not first.is_dir() else first.absolute().name
    return re.sub(r"[^\w.-]+", "_", name).strip("_.") or "images"


def print_table(table: pd.DataFrame, *, notes: Sequence[str] = ()) -> None:
    """Print a table in 80 columns, where its numbers allow that; long names are shortened at their centre.

    What stands in the columns `notes` comes below, one line for each note with the rows that it is about.
    """
    shown = [name for name in table if name not in notes]
    rows = [[_text(value) for value in row] for row in table[shown].head(_MOST_ROWS).itertuples(index=False)]
    header = [str(name) for name in shown]
    numbers = sum(2 + max(len(row[place]) for row in [header, *rows]) for place in range(1, len(header)))
    rows = [[shortened(row[0], max(_LEAST_NAME, _WIDTH - numbers)), *row[1:]] for row in rows]
    for line in _aligned(header, rows):
        click.echo(line)
    if len(table) > _MOST_ROWS:
        click.echo(f"… {len(table) - _MOST_ROWS} more rows")
    for line in _notes(table, notes)[:_MOST_NOTES]:
        click.echo(f"! {line}")


def _notes(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return one line for each text of these columns, with the rows that it is about."""
    about: dict[str, list[str]] = {}
    for name in columns:
        for row in table.to_dict("records") if name in table else []:
            # Several warnings of an image are put together by a semicolon.
            for text in filter(None, str(row[name] or "").split("; ") if name == _WARNING else [row[name]]):
                about.setdefault(text, []).append(str(row[table.columns[0]]))
    lines = [f"{_rows(rows, len(table))}: {text}" for text, rows in about.items()]
    return [*lines[: _MOST_NOTES - 1], f"{len(lines) - _MOST_NOTES + 1} more"] if len(lines) > _MOST_NOTES else lines


def _rows(rows: Sequence[str], number: int) -> str:
    names = [shortened(name, _WIDTH // 2) for name in rows[:2]]
    if len(rows) <= 2:
        return " and ".join(names)
    return f"all {number} images" if len(rows) == number else f"{len(rows)} images, such as {names[0]}"


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many letters, without its centre where it is longer.

    >>> shortened("experiment_1_field_01.png", 12)
    'experi…1.png'
    """
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def output_folder(out: Path | None, default: str, images: Sequence[str]) -> Path:
    """Return the folder that results go into, or refuse it before anything is computed.

    Args:
        out: What was asked for.
        default: Name of a new folder otherwise.
        images: Where images are looked for; results never lie there.

    Raises:
        MistakeError: It holds something, lies among the images, or can't be written.
    """
    from cell_pipelines.workflows.image_sources import folders_of
    from cell_pipelines.workflows.outputs import check_new_folder, check_outside, new_folder

    searched = folders_of(images)
    folder = check_new_folder(out or new_folder(default, searched))
    check_outside(folder, searched)
    return folder


def print_files(folder: Path, files: Mapping[str, str]) -> None:
    """Print the paths of what is there of `files`, each with what it is."""
    for name, what in files.items():
        if (folder / name).exists():
            click.echo(f"{what:>16}: {folder / name}")


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns of one width: the first to the left, numbers to the right."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return "∞" if value == float("inf") else f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    return str(value)
