"""Say at the end of a run what came out and where, in at most eight lines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from cell_pipelines.metrics.choices import MAIN_F1, title_of
from cell_pipelines.model_titles import model_title

#: Lines that a summary has at most.
MOST_LINES: Final = 8
_EVALUATION: Final = ".evaluation_classes"
_COUNTS: Final = "new_counts"
_CONVERTED: Final = "conversion_summary"
_CONVERSION_PAGE: Final = "conversion_report"
# Models that get a line each; those that follow are in the report.
_MOST_MODELS: Final = 3
# Independent units, images or series, below which an interval says nothing.
_LEAST_UNITS: Final = 3
# Data sets that are named where a run made neither an evaluation nor counts nor a page.
_MOST_WRITTEN: Final = 3
_ALL: Final = "all classes"
# With own images, after the demo.
_AFTER_DEMO: Final = (
    "cell-pipelines count MY_IMAGES",
    "cell-pipelines train --images MY_IMAGES --annotations MY_ANNOTATIONS",
    "cell-pipelines evaluate MY_IMAGES MY_ANNOTATIONS --model nuclei",
)


class RunSummary:
    """Tables that a run saved, of which its last lines are made."""

    def __init__(self) -> None:
        self._tables: dict[str, pd.DataFrame] = {}
        self._pages: list[str] = []
        self._saved: list[str] = []

    def note(self, name: str, data: Any) -> None:
        """Keep what was saved as the data set `name`, where the last lines tell of it."""
        if isinstance(data, pd.DataFrame) and (name.endswith(_EVALUATION) or name in (_COUNTS, _CONVERTED)):
            self._tables[name] = data
        if name.endswith(("_report", ".report")):
            self._pages.append(name)
        self._saved.append(name)

    def lines(self, locate: Callable[[str], str | None], commands: Sequence[str] = ()) -> list[str]:
        """Return the lines, the most important first.

        Args:
            locate: Gives the file or folder of a data set by its name; None where it is only in memory.
            commands: What to type next; shown where there is room.
        """
        results = [*self._model_lines(), *self._count_lines()]
        results = results or self._trained_lines(locate)
        told = results or self._converted_lines()
        pages = [name for name in self._pages if not results or name != _CONVERSION_PAGE]
        if pages:
            told.append(f"Report: {locate(pages[-1])}")
        tables = [name for name in self._tables if name != _CONVERTED]
        if tables and (not pages or _COUNTS in tables):
            told.append(f"Table: {locate(_COUNTS if _COUNTS in tables else tables[-1])}")
        if not told:
            places = dict.fromkeys(place for name in reversed(self._saved) if (place := locate(name)))
            told = [f"Written: {place}" for place in list(places)[:_MOST_WRITTEN]]
        if told and commands and len(told) + 1 + len(commands) <= MOST_LINES:
            told += ["Next:", *(f"  {command}" for command in commands)]
        return told[:MOST_LINES]

    def _model_lines(self) -> list[str]:
        evaluated = {n.removesuffix(_EVALUATION): t for n, t in self._tables.items() if n.endswith(_EVALUATION)}
        lines = [f"{model_title(name)}: {describe_evaluation(table)}" for name, table in evaluated.items()]
        more = len(lines) - _MOST_MODELS
        return lines[:_MOST_MODELS] + ([f"{_plural(more, 'more model')}: see the report"] if more > 0 else [])

    def _trained_lines(self, locate: Callable[[str], str | None]) -> list[str]:
        """Return the files of models that were trained and not evaluated; one that was tuned goes before."""
        found: dict[str, str] = {}
        for name in self._saved:
            model, _, kind = name.partition(".")
            if kind in ("checkpoint", "model") and (place := locate(name)):
                found[model] = f"{model_title(model)}: {place}" + (
                    "" if kind == "model" else " (thresholds are defaults)"
                )
        return list(found.values())[: _MOST_MODELS + 1]

    def _count_lines(self) -> list[str]:
        if _COUNTS not in self._tables:
            return []
        table = self._tables[_COUNTS]
        failed, left_out = (
            table[name].fillna("") != "" if name in table else table["image"].isna() for name in ("error", "left_out")
        )
        counted, warned = table[~failed & ~left_out], int((table["warning"].fillna("") != "").sum())
        line = f"{_plural(int(counted['total'].sum()), 'cell')} in {_plural(len(counted), 'image')}"
        if failed.any():
            line += f"; {_plural(int(failed.sum()), 'image')} could not be read (column error)"
        if left_out.any():
            line += f"; {_plural(int(left_out.sum()), 'image')} left out (column left_out)"
        return [line + (f"; {_plural(warned, 'warning')} (column warning)" if warned else "")]

    def _converted_lines(self) -> list[str]:
        if _CONVERTED not in self._tables or "objects_out" not in self._tables[_CONVERTED]:
            return []
        table = self._tables[_CONVERTED]
        into, out = int(table["objects_in"].sum()), int(table["objects_out"].sum())
        return [f"Annotations: {_plural(into, 'object')} read, {out:,} converted, {into - out:,} left out and listed"]


def next_commands(run_params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what to type after the demo, which is all that the base's full pipeline is; nothing after other runs."""
    is_demo = not (run_params.get("env") or run_params.get("pipeline_names") or run_params.get("runtime_params"))
    return _AFTER_DEMO if is_demo else ()


def describe_evaluation(table: pd.DataFrame) -> str:
    """Return F1 and the count error of all classes with their intervals, as in `evaluation_classes.csv`.

    Args:
        table: One row per class, and one for all classes where there are several.
    """
    rows = table[table["category"] == _ALL]
    row = (rows if len(rows) else table).iloc[-1]
    images = int(row["images"]) if pd.notna(row.get("images")) else 0
    shown = next((name for name in MAIN_F1 if pd.notna(row.get(name))), None)
    if shown is None:
        return f"no F1 score can be computed on {_plural(images, 'test image')}"
    parts = [f"{title_of(shown)} is {_with_interval(row, shown)}"]
    if pd.notna(row.get("count_mae")):
        parts.append(f"the mean absolute count error {_with_interval(row, 'count_mae')} cells per image")
    return f"{', '.join(parts)}, on {_plural(images, 'test image')}"


def _with_interval(row: "pd.Series[Any]", name: str) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    is_known = pd.notna(low) and pd.notna(high) and row.get("units", _LEAST_UNITS) >= _LEAST_UNITS
    interval = f" ({low:.2f} to {high:.2f})" if is_known else ""
    return f"{row[name]:.2f}{interval}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
