"""Tables with one box per row and the image's name in a column, as several tools write them under other names."""

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np

from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeColumns, AttributeReader
from cell_pipelines.annotations.formats.sources.chunks import ObjectChunk
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages
from cell_pipelines.annotations.formats.sources.json_values import parse_number
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    fitting_rows,
    peek_header,
    to_numbers,
    to_text,
    write_table,
)
from cell_pipelines.annotations.schema import AnnotationSet, box_array

SIDES = ("xmin", "ymin", "xmax", "ymax")
SCORE = "score"


@dataclass(frozen=True)
class BoxLayout:
    """The columns of a format, in the order they are written.

    Attributes:
        image: Column of the image's name.
        category: Column of the class.
        columns: All columns; the box is in `SIDES`.
        size: Columns of the image's width and height; none for a format without.
    """

    image: str
    category: str
    columns: tuple[str, ...]
    size: tuple[str, ...] = ()

    def fits(self, path: Path) -> bool:
        """Say whether a file has these columns."""
        return set(self.columns) <= set(peek_header(path))


def read_rows(collector: AnnotationCollector, file: str, table: Table, layout: BoxLayout, *, origin: int = 0) -> None:
    """Take every row of `table`; `origin` is 1 where boxes are first and last pixel counted from 1."""
    column = {name: table.column(name) for name in (*layout.columns, SCORE)}
    missing = [name for name in layout.columns if column[name] is None]
    if missing:
        collector.skip_file(file, f"expected the columns {', '.join(layout.columns)}; no {' and no '.join(missing)}.")
        return
    at = {name: position for name, position in column.items() if position is not None}
    image_at, category_at, sides = at[layout.image], at[layout.category], [at[side] for side in SIDES]
    found = _Boxes(at.get(SCORE), AttributeReader.of(table.header, set(at.values())))
    images = FileImages(collector, file)
    rows: dict[str, int | None] = {}
    for line, row in fitting_rows(collector, file, table):
        name, category = row[image_at].strip(), row[category_at].strip()
        if name not in rows:
            rows[name] = images.row(name, _size(row[at[side]] for side in layout.size))
        image = rows[name]
        if image is None:
            images.leave_out(name)
            continue
        try:
            if not category:
                raise ValueError("it has no class.")
            found.add(image, category, to_numbers([row[side] for side in sides]), (line, row))
        except ValueError as error:
            collector.drop(file, f"line {line}", f"the box can't be read: {error}")
    collector.add_chunk(file, found.to_chunk(origin))
    images.finish()


class _Boxes:
    """Gathers the boxes of a table as columns, since a table may have millions.

    Args:
        score: Position of the column of scores; None for a table without.
        attributes: Reads the columns of attributes.
    """

    def __init__(self, score: int | None, attributes: AttributeReader) -> None:
        self._score = score
        self._reader = attributes
        self._names: dict[str, int] = {}
        self._lines = array("q")
        self._images = array("q")
        self._categories = array("q")
        self._sides = array("d")
        self._scores = array("d")
        self._attributes: list[str | None] = []

    def add(self, image: int, category: str, box: list[float], place: tuple[int, list[str]]) -> None:
        """Take a box; `place` is its line and row.

        Raises:
            ValueError: Score or attributes can't be read.
        """
        line, row = place
        stated = "" if self._score is None else row[self._score].strip()
        score = parse_number(stated, SCORE) if stated else nan
        attributes = self._reader.read(row) if self._reader.columns else None
        self._attributes.append(json.dumps(attributes, sort_keys=True) if attributes else None)
        self._scores.append(score)
        self._lines.append(line)
        self._images.append(image)
        self._categories.append(self._names.setdefault(category, len(self._names)))
        self._sides.extend(box)

    def to_chunk(self, origin: int) -> ObjectChunk:
        """Return the boxes in pixel edges; `origin` is what the first pixel is called."""
        boxes = np.array(self._sides, dtype=np.float64).reshape(-1, 4) - [origin, origin, 0, 0]
        return ObjectChunk(
            np.array(self._images, dtype=np.int64), np.array(self._categories, dtype=np.int64), list(self._names),
            boxes, lambda row: f"line {self._lines[row]}",
            scores=np.array(self._scores, dtype=np.float64), attributes=self._attributes,
        )  # fmt: skip


def _size(cells: Iterable[str]) -> tuple[int, int] | None:
    try:
        width, height = (int(cell) for cell in cells)
    except ValueError:
        return None
    return width, height


def write_boxes(annotations: AnnotationSet, folder: Path, layout: BoxLayout, files: dict[str | None, str]) -> None:
    """Write one table for each split that occurs; `files` gives its name, under None for images without a split."""
    splits = annotations.images["split"].to_pylist()
    images = annotations.images.select(["name", "width", "height"]).to_pylist()
    objects = annotations.objects
    attributes = objects["attributes"].to_pylist()
    scores = objects["score"].to_pylist()
    extra = AttributeColumns.of(attributes, (*layout.columns, SCORE))
    scored = [SCORE] if objects["score"].null_count < len(scores) else []
    tables: dict[str | None, list[Sequence[str]]] = defaultdict(list)
    columns = (objects[name].to_pylist() for name in ("image", "category"))
    for image, category, box, score, text in zip(
        *columns, box_array(objects).tolist(), scores, attributes, strict=True
    ):
        record = images[image]
        known = dict(zip(SIDES, map(to_text, box), strict=True))
        known[layout.image], known[layout.category] = record["name"], annotations.categories[category]
        known.update(zip(layout.size, (str(record["width"]), str(record["height"])), strict=False))
        cells = [known[name] for name in layout.columns]
        cells += ["" if score is None else f"{score:.9g}" for _ in scored]
        tables[splits[image]].append([*cells, *extra.cells(text)])
    for split, rows in (tables or {None: []}).items():
        write_table(folder / files[split], [*layout.columns, *scored, *extra.header], rows)
