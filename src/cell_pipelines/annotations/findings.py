"""What a reader met on its way: objects dropped or changed, files skipped, each with file, entry and reason."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet

Action = Literal["dropped", "changed", "skipped", "noted"]


class AnnotationFormatError(ValueError):
    """Annotation files that can't be read as what they should be; the sentence names file and place."""


@dataclass(frozen=True)
class Finding:
    """One sentence about one entry of one file.

    Attributes:
        file: File the entry stands in, relative to the source's folder.
        entry: Where in the file, such as ``object 3``; empty for the file as a whole.
        action: ``dropped`` and ``changed`` for objects, ``skipped`` for files, ``noted`` for the rest.
        reason: Why, in words.
        objects: How many objects it is about.
    """

    file: str
    entry: str
    action: Action
    reason: str
    objects: int = 1

    def sentence(self) -> str:
        """Return the finding as one sentence."""
        place = f"{self.file}, {self.entry}" if self.entry else self.file
        return f"{place}: {self.action}: {self.reason}"


@dataclass(frozen=True)
class Conversion:
    """What came out of reading or writing a source, with the account of what did not.

    Attributes:
        annotations: The objects that were kept.
        objects_in: Objects that the source holds, counted before any was dropped.
        findings: Everything dropped, changed, skipped or noted.
        source_format: Name of the format that was read.
    """

    annotations: AnnotationSet
    objects_in: int
    findings: tuple[Finding, ...] = field(default=())
    source_format: str = ""

    @property
    def objects_dropped(self) -> int:
        """Number of objects listed as dropped."""
        return sum(f.objects for f in self.findings if f.action == "dropped")

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
        """Refuse a source with any file skipped or object dropped or changed.

        Raises:
            AnnotationFormatError: Lists all of them at once.
        """
        bad = [f.sentence() for f in self.findings if f.action != "noted"]
        if bad:
            raise AnnotationFormatError(f"`strict` reading met {len(bad)} problems:\n" + "\n".join(bad))


def to_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return the findings as a table with the columns file, entry, action, reason, objects."""
    return pd.DataFrame([asdict(f) for f in findings], columns=["file", "entry", "action", "reason", "objects"])
