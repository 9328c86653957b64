"""Print tables with aligned columns and the files that were written."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

# More rows are not read in a terminal; the file has them all.
_MOST_ROWS, _MOST_NOTES = 40, 20
_LONGEST_NAME = 60


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


@contextmanager
def without_warnings(*loggers: str) -> Iterator[None]:
    """Keep the warnings of these loggers back, which the command says itself."""
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def print_table(table: pd.DataFrame, *, notes: Sequence[str] = ()) -> None:
    """Print a table; what stands in the columns `notes` comes below, one line for each row that has any."""
    shown = [name for name in table if name not in notes]
    rows = [[_text(value) for value in row] for row in table[shown].head(_MOST_ROWS).itertuples(index=False)]
    for line in _aligned([str(name) for name in shown], rows):
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
            if isinstance(row[name], str) and row[name]:
                about.setdefault(row[name], []).append(str(row[table.columns[0]]))
    lines = [f"{rows[0] if len(rows) == 1 else _several(rows)}: {text}" for text, rows in about.items()]
    return [*lines[: _MOST_NOTES - 1], f"{len(lines) - _MOST_NOTES + 1} more"] if len(lines) > _MOST_NOTES else lines


def _several(rows: Sequence[str]) -> str:
    return f"{rows[0]} and {rows[1]}" if len(rows) == 2 else f"{len(rows)} images, such as {rows[0]}"


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
        return value if len(value) <= _LONGEST_NAME else f"…{value[1 - _LONGEST_NAME :]}"
    if isinstance(value, float):
        return "∞" if value == float("inf") else f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    return str(value)
