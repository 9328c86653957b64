"""Compare the results of two runs: metrics, and tables value by value; times and memory are measured and left out."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.spreadsheet_text import protect_table

# Whole names of columns and metrics of this project that hold what is measured while a program runs, or are about the
# run itself, and differ each time. Columns named after classes are results, whatever words are in them.
_MEASURED = re.compile(
    r"(?:training_|validation_|estimated_)?seconds|(?:benchmark_)?latency_(?:low_|high_)?ms|images_per_second"
    r"|(?:training_|inference_|estimated_|benchmark_)?memory_mb"
    r"|(?:benchmark_)?checkpoint_mb"  # the file holds the times of its training
    r"|benchmark_(?:fps|best_batch)_\w+|waiting_share|(?:model_)?run_id"
)
# Tables that hold nothing but measured times.
_MEASURED_TABLES = re.compile(r"(^|/)(benchmark|model_costs)(/|\.)")
_TABLES = (".csv", ".json")
COLUMNS = ["result", "column", "differing", "of", "row", "recorded", "reproduced", "difference"]


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        differences: One row per metric or column that differs, with `COLUMNS`: how many rows differ of how many, and
            both values of the row that differs most. ``difference`` is NaN where a value is no number.
        metrics: How many metrics were compared.
        tables: How many tables were compared.
        values: How many values these hold.
    """

    differences: pd.DataFrame
    metrics: int
    tables: int
    values: int

    @property
    def is_equal(self) -> bool:
        """Whether results were compared, and all are the same to the last digit."""
        return self.differences.empty and self.metrics + self.tables > 0

    @property
    def is_empty(self) -> bool:
        """Whether neither run has anything that can be compared."""
        return self.differences.empty and self.metrics + self.tables == 0

    def sentence(self) -> str:
        """Return in one sentence what was compared."""
        if self.is_empty:
            return (
                "Nothing to compare: the command ran again to its end, and neither run logged a metric or a table, "
                "besides times and memory."
            )
        return (
            f"Compared: {self.metrics} metrics and {self.tables} tables with {self.values} values; times and memory, "
            "which differ each time, are left out."
        )

    def save(self, path: Path) -> None:
        """Write the differences as CSV."""
        protect_table(self.differences).to_csv(path, index=False)


def is_compared(name: str) -> bool:
    """Say whether a result by its name is a table, or settings in JSON, that another run of the same makes again."""
    return name.endswith(_TABLES) and not name.startswith("lineage/") and not _MEASURED_TABLES.search(name)


def _is_measured(name: str) -> bool:
    return _MEASURED.fullmatch(name) is not None


def compare_runs(
    recorded: Path,
    reproduced: Path,
    metrics: tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, float]]],
    folders: tuple[str, str] = ("", ""),
) -> Comparison:
    """Compare the tables and metrics of two runs.

    Args:
        recorded: Folder of the first run's results.
        reproduced: Folder of the second one's.
        metrics: Of either, the last values by name, by model.
        folders: The folder that each run's data lie in; texts that name files in it are the same.
    """
    rows = [*_compare_metrics(*metrics)]
    names = [_tables_in(folder) for folder in (recorded, reproduced)]
    values = 0
    for name in sorted(names[0] & names[1]):
        first, second = _read(recorded / name, folders[0]), _read(reproduced / name, folders[1])
        values += first.size
        rows += _compare_tables(name, first, second)
    rows += [_absence(name, "", is_first=name in names[0]) for name in sorted(names[0] ^ names[1])]
    differences = pd.DataFrame(rows, columns=COLUMNS)
    compared = {(model, name) for side in metrics for model, named in side.items() for name in named}
    count = sum(not _is_measured(name) for _, name in compared)
    return Comparison(differences, count, len(names[0] & names[1]), values)


def _tables_in(folder: Path) -> set[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in names if is_compared(name)}


def _compare_metrics(
    first: Mapping[str, Mapping[str, float]], second: Mapping[str, Mapping[str, float]]
) -> Iterator[dict[str, Any]]:
    for model in sorted(first.keys() | second.keys()):
        values = first.get(model, {}), second.get(model, {})
        result = f"metrics of {model}" if model else "metrics"
        for name in sorted(values[0].keys() | values[1].keys()):
            pair = [side.get(name) for side in values]
            are_same = pair[0] == pair[1] or all(value != value for value in pair)
            if not are_same and not _is_measured(name):
                yield _row(result, name, (1, 1), "", *pair)


def _read(path: Path, base: str) -> pd.DataFrame:
    """Return a table as text, without what is measured; nested settings as one row per value."""
    if path.suffix == ".json":
        values = list(_flatten(json.loads(path.read_text(encoding="utf-8"))))
        table = pd.DataFrame(
            [(name, value) for name, value in values if not _is_measured(name)], columns=["name", "value"]
        )
    else:
        table = _read_csv(path)
        table = table[[name for name in table.columns if not _is_measured(name)]]
        if "metric" in table:
            table = table[~table["metric"].map(_is_measured).astype(bool)]
    table = table.reset_index(drop=True)
    return table.apply(lambda column: column.str.replace(base, "…", regex=False)) if base and len(table) else table


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give the values of nested settings as text by dotted names."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flatten(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flatten(item, f"{name}[{index}]")
    else:
        yield name, json.dumps(value, ensure_ascii=False)


def _compare_tables(name: str, first: pd.DataFrame, second: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each column that differs; of tables of another size only that."""
    others = sorted(set(first.columns) ^ set(second.columns))
    rows = [_absence(name, f"column {column}", is_first=column in first) for column in others]
    if len(first) != len(second):
        return [*rows, _row(name, "rows", (1, 1), "", len(first), len(second))]
    for column in (column for column in first.columns if column in second.columns):
        differing = (first[column] != second[column]).to_numpy().nonzero()[0]
        if len(differing):
            place = _largest(first[column].iloc[differing], second[column].iloc[differing])
            label, counts = f"{place + 1}: {first.iloc[place, 0]!s}", (len(differing), len(first))
            rows.append(_row(name, column, counts, label, first[column][place], second[column][place]))
    return rows


def _largest(first: "pd.Series[str]", second: "pd.Series[str]") -> int:
    """Return the row in which two columns differ most; the first one where they hold no numbers."""
    numbers = [pd.to_numeric(column, errors="coerce") for column in (first, second)]
    sizes = (numbers[1] - numbers[0]).abs()
    return int(first.index[0] if sizes.isna().all() else first.index[int(sizes.argmax())])


def _absence(result: str, column: str, *, is_first: bool) -> dict[str, Any]:
    """Return the row of what only one of two runs has."""
    return _row(result, column, (1, 1), "", *(("there", "not there") if is_first else ("not there", "there")))


def _row(result: str, column: str, counts: tuple[int, int], label: str, first: Any, second: Any) -> dict[str, Any]:
    numbers = pd.to_numeric(pd.Series([first, second], dtype=object), errors="coerce")
    values = [result, column, *counts, label, first, second, float(numbers[1] - numbers[0])]
    return dict(zip(COLUMNS, values, strict=True))
