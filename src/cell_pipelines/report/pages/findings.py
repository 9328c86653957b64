"""Thousands of findings as a few rows: alike sentences together, each with its number and first examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pandas as pd

_EXAMPLES: Final = 3
_MOST_GROUPS: Final = 40
_LONGEST: Final = 220  # letters of a cell
_ACTIONS: Final = ("suspect", "dropped", "changed", "skipped", "noted")
# What differs between two findings of one kind: names in quotes, names of files, numbers.
_VARIABLE: Final = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+\.[A-Za-z][A-Za-z0-9]{1,4}(?=[\s,;:.)]|$)"""
    r"|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
)


def group_findings(findings: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Put findings of a conversion together that differ only in names and numbers.

    Args:
        findings: Columns file, entry, action, reason and objects, as `annotations.findings.to_table` gives them.

    Returns:
        A table of at most 40 rows with the columns action, reason (with … for what differs), findings, objects and
        examples; and how many kinds of findings it leaves out. The weightiest action comes first, then the most.
    """
    columns = ["action", "reason", "findings", "objects", "examples"]
    if findings.empty:
        return pd.DataFrame(columns=columns), 0
    told = findings.assign(pattern=[_pattern(str(reason)) for reason in findings["reason"]])
    rows = []
    for (action, pattern), own in told.groupby(["action", "pattern"], sort=False):
        reason = str(own["reason"].iloc[0]) if own["reason"].nunique() == 1 else str(pattern)
        rows.append((action, _shorten(reason), len(own), int(own["objects"].sum()), _examples(own)))
    table = pd.DataFrame(rows, columns=columns)
    weight = table["action"].map(lambda a: _ACTIONS.index(a) if a in _ACTIONS else len(_ACTIONS))
    order = table.assign(weight=weight).sort_values(["weight", "findings"], ascending=[True, False], kind="stable")
    return order.head(_MOST_GROUPS)[columns].reset_index(drop=True), max(0, len(table) - _MOST_GROUPS)


def group_problems(problems: pd.DataFrame, meanings: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count quality findings by kind.

    Args:
        problems: Columns kind, image, objects, category, value and sentence, as `annotations.quality` gives them.
        meanings: What each kind is about.

    Returns:
        A table of the kinds found (kind, findings, images, meaning), and one of the first examples of each (kind,
        example).
    """
    rows = []
    examples = []
    for kind, own in problems.groupby("kind", sort=False):
        named = own["image"][own["image"] != ""]
        # What the column `value` of the whole list holds is of no use without it.
        rows.append((kind, len(own), named.nunique(), meanings.get(str(kind), "").partition("; value")[0]))
        first = own.head(_EXAMPLES)
        examples += [(kind, _sentence(i, s)) for i, s in zip(first["image"], first["sentence"], strict=True)]
    counts = pd.DataFrame(rows, columns=["kind", "findings", "images", "meaning"])
    return counts, pd.DataFrame(examples, columns=["kind", "example"])


def _sentence(image: str, sentence: str) -> str:
    return _shorten(sentence if not image or sentence.startswith(image) else f"{image}: {sentence}")


def _pattern(reason: str) -> str:
    return _VARIABLE.sub("…", reason)


def _examples(own: pd.DataFrame) -> str:
    first = own.head(_EXAMPLES)
    places = [f"{f}, {e}" if e else str(f) for f, e in zip(first["file"], first["entry"], strict=True)]
    more = len(own) - len(places)
    return "; ".join(_shorten(place) for place in places) + (f"; and {more} more" if more else "")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
