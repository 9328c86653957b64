"""Tables as a reader wants them: numbers rounded alike down a column, nothing where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final

from cell_pipelines.model_titles import model_title

if TYPE_CHECKING:
    import pandas as pd

NOTHING: Final = "–"
_SHORT: Final = 24  # letters
_TRACED: Final = ("source", "source_images", "model_run_id", "thresholds")  # said once on a page
_THIN_SPACE: Final = "\u202f"


@dataclass(frozen=True)
class Column:
    """A column as text.

    Attributes:
        name: What stands above it.
        cells: Its values, one a row.
        is_number: Whether it holds numbers, to be aligned at the right.
        is_index: Whether it names its row.
    """

    name: str
    cells: tuple[str, ...]
    is_number: bool
    is_index: bool = False

    @property
    def is_short(self) -> bool:
        """Whether its cells are so short that none needs a second line."""
        return all(len(cell) <= _SHORT for cell in self.cells)


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table for a page: without columns that hold nothing, and without those that trace a row to its model."""
    known = frame.drop(columns=list(_TRACED), errors="ignore")
    return known.loc[:, [len(known) == 0 or not all(map(_is_missing, known.iloc[:, i])) for i in range(known.shape[1])]]


def significant(frame: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    """Return a table whose columns hold numbers of several units, with so many digits of each number but of p."""
    numbers = [str(name) for name in frame if frame[name].dtype.kind == "f" and not str(name).startswith("p_")]
    shown = frame.copy()
    for name in numbers:
        shown[name] = [_with_digits(value, digits) for value in frame[name]]
    return shown


def _with_digits(value: float, digits: int) -> str | None:
    return None if math.isnan(value) else f"{value:.{digits}g}".replace("-", "−").replace("inf", "∞")


def defined(frame: pd.DataFrame, definitions: Mapping[str, str]) -> dict[str, str]:
    """Return those definitions whose columns a table has.

    Args:
        frame: The table.
        definitions: By the names of columns, with commas between several; … stands for any letters.
    """
    names = [str(name) for name in frame]

    def is_known(pattern: str) -> bool:
        return any(fnmatchcase(name, pattern.strip().replace("…", "*")) for name in names)

    return {key: text for key, text in definitions.items() if any(map(is_known, key.split(",")))}


def plural(noun: str) -> str:
    """Return several of a noun."""
    return noun if noun.endswith("s") else f"{noun}s"


#: Columns that name models or trials.
_MODELS: Final = ("model", "trial")


def format_table(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Return the columns of a table as text.

    Args:
        frame: Any table. Its index is shown unless it only numbers the rows. Whole numbers get thin spaces
            from 10 000 on. Other numbers get as many decimals as the largest of their column needs: three up
            to 1, two up to 10, one up to 1000, none above; one that would be rounded to zero is written as a
            power of ten, one
            below 1 that would be rounded to 1 gets more decimals. Missing values, nan and empty text become a dash.

    Returns:
        The columns, those of the index first, each with as many cells as `frame` has rows.
    """
    columns = [
        _format_column(_join(name), _with_titles(name, frame.iloc[:, place].tolist()))
        for place, name in enumerate(frame.columns)
    ]
    return *_index_columns(frame), *columns


def _with_titles(column: object, values: list[Any]) -> list[Any]:
    """Return a column's values; models are written as in their papers."""
    if column not in _MODELS:
        return values
    return [model_title(value) if isinstance(value, str) else value for value in values]


def format_numbers(values: list[float | None]) -> tuple[str, ...]:
    """Return numbers as text, rounded alike; None and nan become a dash.

    Example:
        >>> format_numbers([0.91349, 0.5, None, 1e-6])
        ('0.913', '0.500', '–', '1.0e−06')
        >>> format_numbers([3.0, 12000.0])
        ('3', '12\u202f000')
    """
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    if all(value.is_integer() for value in known):
        return tuple(_format_number(value, 0) for value in values)
    largest = max(abs(value) for value in known)
    decimals = next((d for d, limit in ((3, 1), (2, 10), (1, 1000)) if largest <= limit), 0)
    return tuple(_format_number(value, decimals) for value in values)


def _format_number(value: float | None, decimals: int) -> str:
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{decimals}f}"
    if value and not float(text):
        text = f"{value:.1e}"
    elif decimals == 3 and float(text) == 1 and value < 1:
        text = next((t for t in (f"{value:.{d}f}" for d in range(4, 10)) if float(t) < 1), text)
    digits, dot, rest = text.lstrip("-").partition(".")
    if len(digits) > 4 and digits.isdigit():
        digits = f"{int(digits):,}".replace(",", _THIN_SPACE)
    sign = "−" if value < 0 else ""
    return f"{sign}{digits}{dot}{rest.replace('-', '−')}"


def _format_column(name: str, values: list[Any]) -> Column:
    known = [value for value in values if not _is_missing(value)]
    if known and all(_is_number(value) for value in known):
        return Column(name, format_numbers([None if _is_missing(v) else _to_number(v) for v in values]), is_number=True)
    return Column(name, tuple(_format_value(value) for value in values), is_number=False)


def _format_value(value: Any) -> str:
    if _is_missing(value):
        return NOTHING
    if _is_number(value):
        return format_numbers([_to_number(value)])[0]
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    return str(value)


def _index_columns(frame: pd.DataFrame) -> list[Column]:
    import pandas as pd

    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return []
    names = [_join(name) if name is not None else "" for name in frame.index.names]
    levels = [frame.index.get_level_values(level).tolist() for level in range(frame.index.nlevels)]
    return [
        Column(name, tuple(_format_value(value) for value in values), is_number=False, is_index=True)
        for name, values in zip(names, levels, strict=True)
    ]


def _join(name: Any) -> str:
    return " · ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or value == ""
        or (isinstance(value, float) and math.isnan(value))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _to_number(value: Any) -> float:
    return int(value) if isinstance(value, Integral) else float(value)
