"""napari's points layer as CSV: ``index, axis-0, axis-1, …`` and a column for each property.

The last two axes are row and column; pixel centres lie at whole numbers. Earlier axes (time, depth) choose the image of
a stack to which a point belongs, and are kept as attributes by their names. A table belongs to one image or stack: the
one of its name, or the only one.
"""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeReader
from cell_pipelines.annotations.formats.objects.point_tables import (
    CATEGORY_COLUMNS,
    SCORE_COLUMNS,
    PointReader,
    read_points,
    row_and_column,
    write_point_tables,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.planes import MAX_PLANE, PlaneImages, Position, choose_planes
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    data_files,
    evidence,
    fitting_rows,
    peek_header,
    read_table,
    to_numbers,
)
from cell_pipelines.annotations.formats.sources.text import read_each
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("point",), classes="used")
SUMMARY = "napari points CSV: index, axis-0, axis-1 and properties, one table per image."

_AXIS = re.compile(r"axis-(\d{1,3})")
_INDEX = "index"


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _is_points(path))
    return evidence(folder, found, "a table with the columns axis-0 and axis-1")


def _is_points(path: Path) -> bool:
    header = peek_header(path)
    # A table of shapes has the column shape-type.
    return {"axis-0", "axis-1"} <= set(header) and "shape-type" not in header


def read(
    folder: Path,
    images: ImageIndex,
    *,
    image: str | None = None,
    class_column: str | None = None,
    class_name: str = "cell",
    **options: Any,
) -> Conversion:
    """Read every such table below `folder`.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        image: Name of the image that all points belong to; None finds it by the table's name.
        class_column: The property that is the class; None for one called class, category or cell_type.
        class_name: The class of points without that property.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    paths = [path for path in data_files(folder, ".csv") if _is_points(path)]
    read_one = partial(_open, class_column=class_column, category=class_name)
    for file, (table, reader) in read_each(folder, paths, read_one, collector.skip_file):
        planes = choose_planes(collector, file, image=image, alone=len(paths) == 1)
        leading = _leading_axes(table, planes)
        read_points(collector, planes, reader, fitting_rows(collector, file, table), partial(_position, leading))
    return collector.finish("napari_points")


def _open(path: Path, class_column: str | None, category: str) -> tuple[Table, PointReader]:
    table = read_table(path)
    axes = sorted((int(found[1]), i) for i, name in enumerate(table.header) if (found := _AXIS.fullmatch(name)))
    if len(axes) < 2:
        raise ValueError("expected the columns axis-0 and axis-1.")
    (_, row), (_, column) = axes[-2:]
    names = CATEGORY_COLUMNS if class_column is None else (class_column.casefold(),)
    class_at, score_at = table.column(*names), table.column(*SCORE_COLUMNS)
    used = {row, column, class_at, score_at, table.column(_INDEX)}
    attributes = AttributeReader.of(table.header, used)
    return table, PointReader(column, row, attributes, class_at, score_at, default=category)


def _leading_axes(table: Table, planes: PlaneImages) -> dict[str, int]:
    """Return the column of each axis before row and column: those of the file in their order, time, depth, channel."""
    axes = sorted((int(found[1]), i) for i, name in enumerate(table.header) if (found := _AXIS.fullmatch(name)))
    columns = [column for _, column in axes[:-2]]
    plane = planes.records[0].plane if planes.records else None
    long = "".join(axis for axis, length in zip("TZC", plane.lengths, strict=True) if length > 1) if plane else ""
    # napari shows channels as layers, unless it is told not to.
    orders = (long, long.replace("C", ""), "T", "TZ", "TZC")
    letters = next((order for order in orders if len(order) == len(columns)), "")
    return dict(zip(letters, columns, strict=False))


def _position(leading: Mapping[str, int], row: list[str]) -> Position:
    numbers = {axis: to_numbers([row[column]])[0] for axis, column in leading.items() if row[column].strip()}
    whole = {axis: round(number) for axis, number in numbers.items() if abs(number) < MAX_PLANE}
    return Position(whole.get("T"), whole.get("Z"))


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write a table for each image under the image's name, with the class as a property.

    Raises:
        ValueError: A name leads out of `folder`, or two are equal; nothing is written.
    """
    header = (_INDEX, "axis-0", "axis-1")
    write_point_tables(annotations, folder, header, lambda p: [str(p.number), *row_and_column(p)])
    return ()
