"""The card of one model, in Markdown: what it is for, what it learned from, how good and how sure, where it fails.

The headings follow Mitchell et al. 2019 (doi:10.1145/3287560.3287596) and the cards of Hugging Face; the words are made
of the study's own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cell_pipelines.metrics.choices import metrics_shown
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.report.page.tables import format_table

if TYPE_CHECKING:
    import pandas as pd

_SHOWN: Final = tuple(metric.name for metric in metrics_shown("card"))


@dataclass(frozen=True, eq=False)
class ModelCard:
    """Content of a model card.

    Attributes:
        model: Name of the model.
        title: Of the study.
        verdict: What the comparison says, with "no clear winner" where there is none.
        purpose: What it is for and is not for, a point each.
        details: Network, training and machine, by name.
        thresholds: What counts as a cell, one row per class.
        data: What it learned from, by name.
        splits: One row per split.
        results: One row per class and one for all, as `analysis.summaries.summarise` gives them.
        weaknesses: Where it fails, by the test images, a sentence each.
        limits: Within what it was tried, a sentence each.
        tables: More tables by title, such as quality by density, and intervals of counts.
        commands: How it is used and made again, by what they do.
        licence: Of the model and its data; None if it is not said.
        origin: Versions and hashes, by name.
    """

    model: str
    title: str
    verdict: str
    purpose: Sequence[str]
    details: Mapping[str, str]
    thresholds: pd.DataFrame
    data: Mapping[str, str]
    splits: pd.DataFrame
    results: pd.DataFrame
    weaknesses: Sequence[str]
    limits: Sequence[str]
    commands: Mapping[str, Sequence[str]]
    origin: Mapping[str, str]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    licence: str | None = None


def write_model_card(card: ModelCard) -> str:
    """Return the card as Markdown."""
    parts = [
        f"# Model card: {card.model}",
        f"{card.title}. {card.verdict}",
        "## Model details",
        *_points(card.details),
        "## Intended use",
        *(f"* {line}" for line in card.purpose),
        "## How to use it",
        *_commands(card.commands),
        "## Training data",
        *_points(card.data),
        _table(card.splits),
        "## What counts as a cell",
        "Chosen on validation images, never on test, and kept in the model file.",
        _table(card.thresholds),
        "## Results on test images",
        *_results(card.results),
        *(text for title, table in card.tables.items() for text in (f"### {title}", _table(table))),
        "## Known weaknesses",
        *(f"* {line}" for line in card.weaknesses),
        "## Limits",
        *(f"* {line}" for line in card.limits),
        "## Licence",
        card.licence or "Not said; set `reporting.licence`. The code is AGPL-3.0-or-later.",
        "## Origin",
        *_points(card.origin),
    ]
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    """Put an empty line between blocks, and none between the points of a list."""
    lines: list[str] = []
    for part in parts:
        if lines and not (part.startswith("* ") and lines[-1].startswith("* ")):
            lines.append("")
        lines.append(part)
    return "\n".join(lines) + "\n"


def _points(facts: Mapping[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        yield f"* {_escaped(name)}: {_escaped(str(value))}"


def _commands(commands: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for title, lines in commands.items():
        yield title
        yield "\n".join(["```sh", *lines, "```"])


def _results(table: pd.DataFrame) -> Iterator[str]:
    """Yield a table of what the model has, one column per class, with intervals, and what the names mean."""
    import pandas as pd

    known = [name for name in _SHOWN if name in table and table[name].notna().any()]
    rows = table.iloc[-1:] if len(table) == 2 else table  # one class, and all classes, which are the same
    columns: dict[str, list[object]] = {"metric": ["images", "true cells", *known]}
    for _, row in rows.iterrows():
        values = [str(int(row["images"])), str(int(row["objects"])), *(_with_interval(row, name) for name in known)]
        columns[str(row["category"])] = list(values)
    yield _table(pd.DataFrame(columns))
    for name in (*known, "bootstrap_interval"):
        if name in DEFINITIONS:
            title = "in brackets, 95 %" if name == "bootstrap_interval" else name
            yield f"* {title}: {_escaped(DEFINITIONS[name])}"


def _with_interval(row: pd.Series, name: str) -> str | None:
    """Return a number, and in brackets its interval where it has one."""
    values = [float(row[key]) for key in (name, f"{name}_low", f"{name}_high") if key in row]
    if not math.isfinite(values[0]):
        return None
    texts = [f"{value:.{METRICS[name].decimals}f}".replace("-", "\u2212") for value in values]
    return (
        texts[0] if len(texts) < 3 or not all(map(math.isfinite, values)) else f"{texts[0]} ({texts[1]} to {texts[2]})"
    )


def _table(frame: pd.DataFrame) -> str:
    columns = format_table(frame)
    if not columns or not len(frame):
        return "None."
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [[_escaped(column.name) for column in columns], ["---:" if c.is_number else "---" for c in columns]]
    lines += [[_escaped(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(text: str) -> str:
    """Return text that Markdown takes as it is: no column, link or tag begins in it."""
    for sign in ("\\", "|", "<", "[", "*", "`"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
