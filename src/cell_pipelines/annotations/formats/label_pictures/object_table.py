"""A CSV beside label pictures that says what pictures can't: class, score, crowd and attributes of each label."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.annotations.formats.sources.label_paths import child
from cell_pipelines.annotations.formats.sources.text import read_text
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import is_file_inside
from cell_pipelines.spreadsheet_text import protect, restore

COLUMNS = ("file", "label", "class", "score", "crowd", "attributes")
_MAX_BYTES = 1 << 29


@dataclass(frozen=True)
class LabelRow:
    """Row about one label.

    Attributes:
        category: Its class; empty for none.
        score: In [0, 1], or None.
        crowd: Whether it stands for a crowd.
        attributes: Everything else.
    """

    category: str = ""
    score: float | None = None
    crowd: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def extra(self) -> dict[str, Any]:
        """Score, crowd and attributes as `AnnotationCollector` takes them."""
        return {"score": self.score, "crowd": self.crowd, "attributes": self.attributes}


def read_object_table(collector: AnnotationCollector, folder: Path, file: str) -> dict[str, dict[int, LabelRow]]:
    """Return what the table `file` in `folder` says of each label, by file and label; empty where there is none.

    A line that can't be read is listed; its label is taken without it.
    """
    rows: dict[str, dict[int, LabelRow]] = {}
    path = child(folder, file)
    if not is_file_inside(folder, path):
        return rows
    try:
        lines = list(csv.reader(io.StringIO(read_text(path, _MAX_BYTES))))
    except (ValueError, csv.Error) as error:
        collector.skip_file(file, str(error))
        return rows
    if not lines or tuple(lines[0]) != COLUMNS:
        collector.skip_file(file, f"expected the columns {', '.join(COLUMNS)}.")
        return rows
    for number, line in enumerate(lines[1:], start=2):
        try:
            values = dict(zip(COLUMNS, map(restore, line), strict=True))
            rows.setdefault(_spelling(folder, values["file"]), {})[_label(values["label"])] = _to_row(values)
        except (ValueError, RecursionError) as error:
            collector.note(file, f"line {number}", "noted", f"the line can't be read and is left out: {error}.", 0)
    return rows


def _spelling(folder: Path, file: str) -> str:
    """Return a file's name as it stands in the folder, which may differ from the table's in capitals."""
    return (
        child(folder, file).relative_to(folder).as_posix() if file and not PurePosixPath(file).is_absolute() else file
    )


def _label(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(f"`label` must be a whole number, got {text[:40]!r}")
    return int(text)


def _to_row(values: Mapping[str, str]) -> LabelRow:
    score = float(values["score"]) if values["score"] else None
    if score is not None and not 0 <= score <= 1:
        raise ValueError(f"`score` must lie in 0..1, got {values['score'][:40]}")
    attributes = json.loads(values["attributes"]) if values["attributes"] else {}
    if not isinstance(attributes, dict):
        raise ValueError("`attributes` must be a JSON object")
    json.dumps(attributes, allow_nan=False)
    return LabelRow(values["class"], score, values["crowd"] == "1", attributes)


def write_object_table(path: Path, entries: Iterable[tuple[str, int, Mapping[str, Any], str]]) -> None:
    """Write a line for each object: its file, its label, its record of `OBJECT_SCHEMA`, its class."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for file, label, record, category in entries:
            score = "" if record["score"] is None else repr(float(record["score"]))
            crowd, attributes = "1" if record["crowd"] else "0", record["attributes"] or ""
            writer.writerow([protect(file), label, protect(category), score, crowd, attributes])


def write_label_table(path: Path, annotations: AnnotationSet, files: Sequence[str]) -> None:
    """Write a line for each object; its label is its place, from 1, in the picture of its image among `files`."""
    entries = (
        (file, label, record, annotations.categories[record["category"]])
        for file, rows in zip(files, annotations.rows_by_image(), strict=True)
        for label, record in enumerate(annotations.objects.take(rows).drop_columns(["counts"]).to_pylist(), start=1)
    )
    write_object_table(path, entries)


def has_object_table(folder: Path, name: str) -> bool:
    """Say whether such a table is called `name` in `folder`."""
    path = child(folder, name)
    if not is_file_inside(folder, path):
        return False
    first = peek_utf8(path, 200).decode(errors="replace").partition("\n")[0]
    return first.strip() == ",".join(COLUMNS)
