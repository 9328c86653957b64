"""CSV tables that others wrote: comma, semicolon or tab, read line by line; and tables written whole or not at all."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.annotations.formats.sources.text import read_text
from cell_pipelines.files import atomic_path
from cell_pipelines.spreadsheet_text import protect, restore

DELIMITERS = ",;\t"
# Run lengths and outlines of a whole tissue stand in one cell.
MAX_CELL_CHARACTERS = 1 << 28
PEEK_BYTES = 1 << 16
_SAMPLE_ROWS = 20
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")


def data_files(folder: Path, *suffixes: str) -> list[Path]:
    """Return the files below `folder` with one of these endings, in order, but hidden ones and links that lead out."""
    inside = folder.resolve()
    found = (p for p in folder.rglob("*") if p.suffix.lower() in suffixes and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file() and (not p.is_symlink() or p.resolve().is_relative_to(inside)))


def evidence(folder: Path, found: Iterable[Path], what: str) -> str | None:
    """Say that the first file of `found` is `what`; None where nothing was found."""
    path = next(iter(found), None)
    return None if path is None else f"{path.relative_to(folder).as_posix()} is {what}"


def peek(path: Path, size: int = PEEK_BYTES) -> str:
    """Return the beginning of a file as text, whatever it is; nothing where it can't be read."""
    return peek_utf8(path, size).decode(errors="replace")


def peek_header(path: Path) -> tuple[str, ...]:
    """Return the column names of a CSV file in lower case; none where there are none."""
    try:
        return tuple(name.casefold() for name in _first_row(peek(path))[1])
    except ValueError:
        return ()


@dataclass(frozen=True)
class Table:
    """A CSV table with a header.

    Attributes:
        header: Column names as they stand, without blanks around them.
        delimiter: What separates the cells.
        text: The whole file.
    """

    header: tuple[str, ...]
    delimiter: str
    text: str

    def column(self, *names: str) -> int | None:
        """Return the position of the first of `names` that is a column, in upper or lower case; None for none."""
        positions: dict[str, int] = {}
        for position, name in enumerate(self.header):
            positions.setdefault(name.casefold(), position)
        return next((positions[name] for name in names if name in positions), None)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number and the cells of each row after the header; lines without text are left out.

        Raises:
            ValueError: A line can't be taken apart.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        try:
            with _long_cells():
                filled = (
                    (reader.line_num, list(map(restore, row)))
                    for row in reader
                    if any(row) and not (len(row) == 1 and row[0].isspace())
                )
                yield from islice(filled, 1, None)
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num} can't be read: {error}.") from error


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as the largest mask for a while; the limit is one for all who read CSV."""
    before = csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _first_row(text: str) -> tuple[str, list[str]]:
    """Return the delimiter that makes most cells of the first line, and those cells."""
    found: list[tuple[str, list[str]]] = []
    for delimiter in DELIMITERS:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            found.append((delimiter, next((row for row in rows if any(row)), [])))
        except csv.Error as error:
            raise ValueError(f"the first line can't be read: {error}.") from error
    delimiter, row = max(found, key=lambda pair: len(pair[1]))
    return delimiter, [restore(cell.strip()) for cell in row]


def read_table(path: Path) -> Table:
    """Return the table in a CSV file.

    Raises:
        ValueError: The file can't be read, is no text, or has a comma for the decimal point.
    """
    text = read_text(path)
    delimiter, header = _first_row(text)
    table = Table(tuple(header), delimiter, text)
    if delimiter != ",":
        for line, row in islice(table.rows(), _SAMPLE_ROWS):
            comma = next((cell for cell in row if _DECIMAL_COMMA.fullmatch(cell)), None)
            if comma is not None:
                raise ValueError(f"line {line}: {comma!r} has a decimal comma; write numbers with a decimal point.")
    return table


def fitting_rows(collector: AnnotationCollector, file: str, table: Table) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of `table` with a cell for each column; one with more is dropped, one with less filled up."""
    width = len(table.header)
    try:
        for line, row in table.rows():
            if len(row) > width and any(row[width:]):
                reason = f"expected {width} cells as in the header, got {len(row)}."
                collector.drop(file, f"line {line}", reason)
            else:
                yield line, row[:width] + [""] * (width - len(row))
    except ValueError as error:
        collector.skip_file(file, f"the rest is left out: {error}")


def to_numbers(cells: Iterable[str]) -> list[float]:
    """Return cells as numbers.

    Raises:
        ValueError: One is no number; the sentence names it.
    """
    texts = list(cells)
    try:
        return [float(text) for text in texts]
    except ValueError as error:
        bad = next(text for text in texts if not _is_number(text))
        hint = " with a decimal point" if _DECIMAL_COMMA.fullmatch(bad) else ""
        raise ValueError(f"expected a number{hint}, got {bad[:40]!r}.") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file with commas in UTF-8."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(protect, header))
        writer.writerows(list(map(protect, row)) for row in rows)


def to_text(number: float) -> str:
    """Return a coordinate as text; far finer than a pixel."""
    return f"{number:.10g}"
