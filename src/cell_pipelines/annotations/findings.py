"""List what a reader met: objects dropped or changed, files skipped, each with file, entry and reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Literal

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet

Action = Literal["dropped", "changed", "suspect", "skipped", "noted"]
UNKNOWN_CLASS = "(unknown class)"
# A damaged file may have a name or a number of any length.
_MAX_CHARACTERS = 2000


class AnnotationFormatError(ValueError):
    """Annotation files that can't be read as what they should be; the sentence names file and place."""


@dataclass(frozen=True)
class Finding:
    """One sentence about one entry of one file.

    Attributes:
        file: File the entry stands in, relative to the source's folder.
        entry: Where in the file, such as ``object 3``; empty for the file as a whole.
        action: ``dropped`` and ``changed`` for objects, ``skipped`` for files, ``suspect`` for what is taken as it
            stands though it probably means something else, ``noted`` for the rest.
        reason: Why, in words.
        objects: How many objects it is about.
        category: Class of the objects; empty where it isn't known or they are of several.
    """

    file: str
    entry: str
    action: Action
    reason: str
    objects: int = 1
    category: str = ""

    def __post_init__(self) -> None:
        """Spell out what is no Unicode, such as a file name of an old system, and cut what nobody would read."""
        for name in ("file", "entry", "reason", "category"):
            text = getattr(self, name)
            if not text.isascii():
                object.__setattr__(self, name, text.encode(errors="backslashreplace").decode())
            if name != "category" and len(text) > _MAX_CHARACTERS:
                object.__setattr__(self, name, getattr(self, name)[:_MAX_CHARACTERS] + " …")

    def sentence(self) -> str:
        """Return the finding as one sentence."""
        place = f"{self.file}, {self.entry}" if self.entry else self.file
        return f"{place}: {self.action}: {self.reason}"


@dataclass(frozen=True)
class Conversion:
    """Result of reading or writing a source, with the list of what was lost.

    Attributes:
        annotations: The objects that were kept.
        objects_in: Objects that the source holds, counted before any was dropped.
        findings: Everything dropped, changed, skipped or noted.
        source_format: Name of the format that was read.
        recognised_by: What spoke for that format.
    """

    annotations: AnnotationSet
    objects_in: int
    findings: tuple[Finding, ...] = field(default=())
    source_format: str = ""
    recognised_by: str = ""

    @property
    def objects_dropped(self) -> int:
        """Number of objects listed as dropped."""
        return sum(f.objects for f in self.findings if f.action == "dropped")

    def describe_losses(self) -> str:
        """Return how much was left out or looks wrong, in a sentence; empty where nothing was."""
        sums = {
            "objects dropped": self.objects_dropped,
            "files skipped": sum(f.action == "skipped" for f in self.findings),
            "entries that look wrong": sum(f.action == "suspect" for f in self.findings),
        }
        told = [f"{number} {name}" for name, number in sums.items() if number]
        bad = next((f for f in self.findings if f.action in ("dropped", "skipped", "suspect")), None)
        return f"Of the annotations: {', '.join(told)}; the first: {bad.sentence()}" if bad else ""

    def by_class(self) -> pd.DataFrame:
        """Return what came in, was dropped or changed and went out, one row per class: in = out + dropped.

        What was dropped before its class was known stands in a last row, ``(unknown class)``.
        """
        out = dict(zip(self.annotations.categories, self.annotations.counts().sum(axis=0).tolist(), strict=True))
        sums = {action: Counter[str]() for action in ("dropped", "changed")}
        for finding in self.findings:
            if finding.action in sums:
                sums[finding.action][finding.category or UNKNOWN_CLASS] += finding.objects
        names = dict.fromkeys([*out, *sums["dropped"], *sums["changed"]])
        known = [
            *(name for name in names if name != UNKNOWN_CLASS),
            *([UNKNOWN_CLASS] if UNKNOWN_CLASS in names else []),
        ]
        rows = [(name, out.get(name, 0), sums["dropped"][name], sums["changed"][name]) for name in known]
        table = pd.DataFrame(rows, columns=["category", "objects_out", "objects_dropped", "objects_changed"])
        table.insert(1, "objects_in", table["objects_out"] + table["objects_dropped"])
        return table

    def check(self) -> None:
        """Prove that objects in = objects out + objects listed as dropped.

        Raises:
            AnnotationFormatError: The sum is wrong, so an object was lost or made silently.
        """
        out, dropped = self.annotations.n_objects, self.objects_dropped
        if self.objects_in != out + dropped:
            raise AnnotationFormatError(
                f"the conversion must account for every object: {self.objects_in} came in, "
                f"{out} went out and {dropped} are listed as dropped."
            )

    def check_strict(self) -> None:
        """Refuse a source with any file skipped, any object dropped or changed, or anything suspect.

        Raises:
            AnnotationFormatError: Lists all of them at once.
        """
        bad = [f.sentence() for f in self.findings if f.action != "noted"]
        if bad:
            raise AnnotationFormatError(f"`strict` reading met {len(bad)} problems:\n" + "\n".join(bad))


def to_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return the findings as a table with the columns file, entry, action, reason, objects, category."""
    return pd.DataFrame([asdict(f) for f in findings], columns=[f.name for f in fields(Finding)])
