"""Folders and tables that commands and the API write: new ones only, whole or not at all."""

import difflib
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder
from cell_pipelines.spreadsheet_text import protect_table

logger = logging.getLogger(__name__)

# Excel's own limits.
_MOST_ROWS, _MOST_CHARACTERS = 1_048_575, 32_767
_ROWS_IN_MEMORY = 50_000
#: What a person reads of an interval without an end.
INFINITE = "∞"


def check_new_folder(path: Path) -> Path:
    """Return the absolute path of a folder that may be filled: one that is not there yet, or is empty.

    Raises:
        MistakeError: Something lies there, or nothing can be written there.
    """
    folder = Path(path).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise MistakeError(f"{folder}: expected a new folder to write into; it is a file. Name another one.")
    if folder.is_dir() and any(folder.iterdir()):
        raise MistakeError(f"{folder}: expected a new folder to write into; it holds something. Name another one.")
    parent = next(one for one in folder.parents if one.exists())
    if not parent.is_dir():
        raise MistakeError(f"{folder}: expected a new folder to write into; {parent} is a file. Name another one.")
    if not _allows_new_files(parent):
        raise MistakeError(f"{folder}: can't be written, since {parent} allows no new files. Name another folder.")
    return folder


def _allows_new_files(folder: Path) -> bool:
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        Path(tempfile.mkdtemp(prefix=".", dir=folder)).rmdir()
    except OSError:  # such as in /proc, where the permissions say otherwise
        return False
    return True


def export_annotations(annotations: AnnotationSet, format: str, folder: Path, **options: Any) -> None:
    """Write annotations into a folder in a format, and log what the format can't hold; `options` are the writer's."""
    for finding in write_annotations(annotations, folder, format=format, **options):
        logger.info("%s", finding.sentence())


def check_outside(folder: Path, images: Iterable[Path]) -> None:
    """Refuse a folder in which what is written would be taken for images the next time.

    Raises:
        MistakeError: It lies in a folder of images.
    """
    place = folder.resolve()
    for one in images:
        if place.is_relative_to(one.resolve()):
            raise MistakeError(
                f"{folder}: expected a folder outside of {one}, where images are looked for; overlays that lie there "
                "would be counted the next time. Name another one."
            )


def new_folder(name: str, images: Iterable[Path]) -> Path:
    """Return a folder that is not there yet, in the working folder or, where images are looked for, above it.

    Args:
        name: What it shall be called; a number is added where that is taken.
        images: Folders in which images are looked for.
    """
    searched = [one.resolve() for one in images]
    place = Path.cwd().resolve()
    while any(place.is_relative_to(one) for one in searched) and place != place.parent:
        place = place.parent
    number = 1
    while (folder := place / (name if number == 1 else f"{name}_{number}")).exists():
        number += 1
    return folder


def check_format(name: str) -> None:
    """Refuse an annotation format that is not there.

    Raises:
        MistakeError: The sentence lists those there are.
    """
    from cell_pipelines.annotations.formats.registry import FORMATS

    if name not in FORMATS:
        close = difflib.get_close_matches(name.strip().lower().replace("-", "_"), FORMATS, n=1)
        hint = f" Did you mean `{close[0]}`?" if close else ""
        raise MistakeError(f"there is no annotation format `{name}`.{hint} Formats: {', '.join(FORMATS)}.")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with text that no spreadsheet takes for a formula."""
    path.parent.mkdir(parents=True, exist_ok=True)
    protect_table(table).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as sheets of an Excel workbook; text stays text, whatever it begins with.

    Args:
        sheets: By name; rows beyond those that a sheet can hold are left out, and its last row says so.
        path: The file, ending in ``.xlsx``.
    """
    import xlsxwriter

    options = {
        "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False,
        # Each row goes to the file when the next begins; a large table would take gigabytes otherwise.
        "constant_memory": any(len(table) > _ROWS_IN_MEMORY for table in sheets.values()),
    }  # fmt: skip
    with xlsxwriter.Workbook(str(path), options) as workbook:
        bold = workbook.add_format({"bold": True})
        for name, table in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, title in enumerate(table.columns):
                sheet.write_string(0, column, str(title), bold)
            sheet.autofilter(0, 0, max(1, min(len(table), _MOST_ROWS)), max(0, len(table.columns) - 1))
            _write_rows(sheet, table)


def _write_rows(sheet: object, table: pd.DataFrame) -> None:
    shown = table if len(table) <= _MOST_ROWS else table.head(_MOST_ROWS - 1)
    for row, values in enumerate(shown.itertuples(index=False), start=1):
        for column, value in enumerate(values):
            _write_cell(sheet, row, column, value)
    if len(shown) < len(table):
        _write_cell(sheet, _MOST_ROWS, 0, f"{len(table) - len(shown)} more rows are in the CSV file")


def _write_cell(sheet: object, row: int, column: int, value: object) -> None:
    write_number, write_string = sheet.write_number, sheet.write_string  # type: ignore[attr-defined]
    if value is None or value is pd.NA or value != value:
        return
    if isinstance(value, bool):
        write_string(row, column, "yes" if value else "no")
    elif hasattr(value, "__float__"):
        number = float(value)
        if abs(number) == float("inf"):
            write_string(row, column, f"{number}".replace("inf", INFINITE))
        else:
            write_number(row, column, number)
    elif value != "":
        write_string(row, column, str(value)[:_MOST_CHARACTERS])


def save_tables(folder: str | Path, tables: Mapping[str, pd.DataFrame], page: str) -> Path:
    """Write tables (CSV and XLSX) and a page into a new folder, and return it.

    Raises:
        MistakeError: Something lies in the folder, or it can't be written.
    """
    path = check_new_folder(Path(folder))
    with atomic_folder(path) as temporary:
        for name, table in tables.items():
            write_csv(table, temporary / f"{name}.csv")
        write_workbook(tables, temporary / "tables.xlsx")
        (temporary / "report.html").write_text(page, encoding="utf-8")
    return path


def three_decimals(number: float) -> str:
    """Return a number as tables show it.

    >>> three_decimals(0.5), three_decimals(float("inf"))
    ('0.500', '∞')
    """
    return f"{number:.3f}".replace("inf", INFINITE)


def notebook_table(table: pd.DataFrame, **options: Any) -> str:
    """Return a table as HTML for a notebook, text on the left; one that is too wide is scrolled by itself.

    Args:
        table: The table.
        options: As for ``DataFrame.to_html``.
    """
    text = table.to_html(index=False, na_rep="", border=0, justify="left", **options)
    return f'<div style="overflow-x: auto; max-width: 100%">{text}</div>'
