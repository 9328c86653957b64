"""Lists of points: text of ``x y class`` lines, or CSV tables with the columns x and y (or r and c, row and column).

Coordinates count pixels, so that their centres lie at whole numbers; only ImageJ's result tables (a first column
without a name, then X and Y) are measured from the corner of the first pixel. `origin` decides otherwise. A list
belongs to the image of its name, or names images in a column.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeReader
from cell_pipelines.annotations.formats.objects.point_tables import (
    CATEGORY_COLUMNS,
    CENTRE,
    SCORE_COLUMNS,
    PointReader,
    read_points,
    row_and_column,
    write_point_tables,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages
from cell_pipelines.annotations.formats.sources.planes import Position, choose_planes
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    data_files,
    evidence,
    fitting_rows,
    peek,
    peek_header,
    read_table,
    to_numbers,
)
from cell_pipelines.annotations.formats.sources.text import read_text
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("point",), classes="used")
SUMMARY = "Point lists: text of x y class, or CSV with x and y (ImageJ results, deepBlink, counting tools)."

Origin = Literal["auto", "centre", "corner"]

_SUFFIXES = (".txt", ".csv", ".tsv")
_PAIRS = (("x", "y"), ("col", "row"), ("column", "row"), ("c", "r"))
_MORE_CLASS_COLUMNS = ("label", "type")
_IMAGE_COLUMNS = ("image", "filename", "file_name", "image_name", "file")
# Tables of boxes, of measurements and of tracks have x and y besides.
_NOT_POINTS = {"width", "height", "w", "h", "axis-0", "position_x", "position_y", "frame", "particle", "track_id"}
_NUMBER = r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?"
_GAP = r"(\s+|\s*[,;]\s*)"
# A class of several words needs a comma before it, as else four numbers would be a point.
_LINE = re.compile(rf"\s*{_NUMBER}{_GAP}{_NUMBER}({_GAP}[^\s,;]+|\s*[,;][^,;]+)?\s*")
_SEPARATOR = re.compile(r"[\s,;]+")
_LOOKED_AT = 20


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, *_SUFFIXES) if _is_table(path) or _is_list(path))
    return evidence(folder, found, "a list of points")


def _is_table(path: Path) -> bool:
    names = peek_header(path) if path.suffix.lower() != ".txt" else ()
    header = set(names)
    # ImageJ's results tell the frame of a point.
    others = _NOT_POINTS - {"frame"} if names[:1] == ("",) else _NOT_POINTS
    return any(header.issuperset(pair) for pair in _PAIRS) and not header & others


def _is_list(path: Path) -> bool:
    # The last line may be cut off by the peek.
    lines = [line for line in peek(path, 4096).splitlines() if line.strip() and not line.startswith("#")]
    lines = lines[: max(1, len(lines) - 1)][:_LOOKED_AT]
    return bool(lines) and all(len(line) < 200 and _LINE.fullmatch(line) for line in lines)


def read(
    folder: Path,
    images: ImageIndex,
    *,
    image: str | None = None,
    origin: Origin = "auto",
    class_name: str = "cell",
    **options: Any,
) -> Conversion:
    """Read every list below `folder`; a text file without a line, named as an image, is one without points.

    Args:
        folder: Where the lists lie, at any depth.
        images: The images that are there.
        image: Name of the image that all points belong to; None finds it by the list's name.
        origin: Where (0, 0) lies: in the ``centre`` or at the ``corner`` of the first pixel.
        class_name: The class of points without one.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `origin` is unknown.
    """
    if origin not in get_args(Origin):
        raise ValueError(f"`origin` must be one of {', '.join(get_args(Origin))}, got {origin!r}.")
    collector = AnnotationCollector(images, sort_categories=True, **options)
    paths = [path for path in data_files(folder, *_SUFFIXES) if _is_table(path) or _is_list(path)]
    empty = [path for path in data_files(folder, ".txt") if not peek(path).strip()]
    for path in sorted([*paths, *empty]):
        file = path.relative_to(folder).as_posix()
        if path in empty and images.find(path.name, str(Path(file).parent)) is None:
            continue
        try:
            reader, rows, names = _open(collector, file, path, (origin, class_name))
        except ValueError as error:
            collector.skip_file(file, str(error))
            continue
        if names is not None and image is None:
            _read_named(collector, file, rows, (reader, names))
            continue
        planes = choose_planes(collector, file, image=image, alone=len(paths) == 1)
        read_points(collector, planes, reader, rows, reader.position or (lambda _: Position()))
    return collector.finish("point_list")


def _open(
    collector: AnnotationCollector, file: str, path: Path, choices: tuple[Origin, str]
) -> tuple[PointReader, Iterable[tuple[int, list[str]]], int | None]:
    """Return how to read a file, its rows, and the position of the column of image names."""
    origin, category = choices
    if not _is_table(path):
        shift = 0.0 if origin == "corner" else CENTRE
        rows = list(_lines(collector, file, read_text(path)))
        classes = 2 if any(row[2] for _, row in rows) else None
        return PointReader(0, 1, AttributeReader(()), classes, default=category, shift=shift), rows, None
    table = read_table(path)
    image_at, rows = table.column(*_IMAGE_COLUMNS), list(fitting_rows(collector, file, table))
    if image_at is None and _is_imagej(table):
        image_at = _find_titles(table, rows, collector.images)
    return _table_reader(table, image_at, choices), rows, image_at


def _is_imagej(table: Table) -> bool:
    """Say whether a table is ImageJ's results: a first column without a name, then X and Y among others."""
    return table.header[0] == "" and {"X", "Y"} <= set(table.header)


def _find_titles(table: Table, rows: list[tuple[int, list[str]]], images: ImageIndex) -> int | None:
    """Return the column in which ImageJ keeps the title of the image, where its titles are those of several images.

    Of a single one, which may be a stack, the planes are told by other columns.
    """
    label_at = table.column("label")
    if label_at is None or not rows:
        return None
    titles = {_title(row[label_at]) for _, row in rows}
    return label_at if len(titles) > 1 and all(images.find(title) is not None for title in titles) else None


def _title(label: str) -> str:
    """Return the title of the image in a label of ImageJ, behind which the ROI and the slice may stand."""
    return label.partition(":")[0].strip()


def _lines(collector: AnnotationCollector, file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        cells = _SEPARATOR.split(line.strip(), maxsplit=2)
        if not line.strip() or line.startswith("#"):
            continue
        if len(cells) < 2:
            collector.drop(file, f"line {number}", f"expected x, y and a class, got {line.strip()[:40]!r}.")
        else:
            yield number, [*cells, ""][:3]


def _table_reader(table: Table, image_at: int | None, choices: tuple[Origin, str]) -> PointReader:
    origin, category = choices
    pairs = ((table.column(x), table.column(y)) for x, y in _PAIRS)
    x, y = next((x, y) for x, y in pairs if x is not None and y is not None)
    is_imagej = _is_imagej(table)
    # ImageJ's Label is the title of the image.
    more = [name for name in _MORE_CLASS_COLUMNS if not (is_imagej and name == "label")]
    class_at, score_at = table.column(*CATEGORY_COLUMNS, *more), table.column(*SCORE_COLUMNS)
    shift = 0.0 if origin == "corner" or (origin == "auto" and is_imagej) else CENTRE
    used = {x, y, class_at, score_at, image_at}
    attributes = AttributeReader.of(table.header, used)
    position = _imagej_position(table) if is_imagej else None
    return PointReader(x, y, attributes, class_at, score_at, default=category, shift=shift, position=position)


def _imagej_position(table: Table) -> Callable[[list[str]], Position]:
    """Return what reads the plane of a row of ImageJ's results, which are counted from 1.

    Of a film or a stack, and of one with channels, ``Slice`` alone is the number of the plane in the whole.
    """
    columns = table.column("slice", "z"), table.column("frame", "t")

    def read_position(row: list[str]) -> Position:
        stated = [0 if at is None or not row[at].strip() else int(to_numbers([row[at]])[0]) for at in columns]
        depth, time = (number - 1 if number > 0 else None for number in stated)
        return Position(index=depth) if columns[1] is None else Position(time, depth)

    return read_position


def _read_named(
    collector: AnnotationCollector, file: str, rows: Iterable[tuple[int, list[str]]], how: tuple[PointReader, int]
) -> None:
    reader, image_at = how
    found = FileImages(collector, file)
    for line, row in rows:
        name = row[image_at].strip()
        name = name if collector.images.find(name) is not None else _title(name)
        image = found.row(name)
        if image is None:
            found.leave_out(name)
        else:
            reader.add(collector, (file, f"line {line}"), image, row)
    found.finish()


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write a CSV table for each image under the image's name, with the columns x, y and class.

    Raises:
        ValueError: A name leads out of `folder`, or two are equal; nothing is written.
    """
    names = (name for pair in _PAIRS for name in pair)
    reserved = {*names, *_IMAGE_COLUMNS, *_NOT_POINTS, *_MORE_CLASS_COLUMNS}
    write_point_tables(annotations, folder, ("x", "y"), lambda point: row_and_column(point)[::-1], reserved)
    return ()
