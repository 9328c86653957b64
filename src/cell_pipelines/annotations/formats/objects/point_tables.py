"""Tables with one point per row, as several tools write them under other names; most have one table per image."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeColumns, AttributeReader
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.json_values import parse_number
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.formats.sources.planes import PlaneImages, Position
from cell_pipelines.annotations.formats.sources.tables import to_numbers, to_text, write_table
from cell_pipelines.annotations.schema import AnnotationSet

CATEGORY, SCORE = "class", "score"
CATEGORY_COLUMNS = ("class", "category", "cell_type", "class_name")
SCORE_COLUMNS = ("score", "confidence")
# From pixel centres at whole numbers to pixel edges.
CENTRE = 0.5


@dataclass(frozen=True)
class PointReader:
    """Takes a point out of a row.

    Attributes:
        x: Position of the column of x.
        y: Position of the column of y.
        attributes: Reads the other columns.
        category: Position of the column of the class; None for a table without.
        score: Position of the column of the score; None for a table without.
        default: The class of points that have none.
        scale: Pixels a unit of the coordinates.
        shift: What the scaled coordinates need to be pixel edges.
        position: Gives the plane of a stack that a row names; None for a table that names none.
    """

    x: int
    y: int
    attributes: AttributeReader
    category: int | None = None
    score: int | None = None
    default: str = "cell"
    scale: float = 1.0
    shift: float = CENTRE
    position: Callable[[list[str]], Position] | None = None

    def add(self, collector: AnnotationCollector, place: tuple[str, str], image: int, row: Sequence[str]) -> None:
        """Take the point in `row`, or list it as dropped."""
        category = self.default if self.category is None else row[self.category].strip()
        if not category:
            collector.drop(*place, "the point has no class.")
            return
        try:
            x, y = to_numbers((row[self.x], row[self.y]))
            stated = "" if self.score is None else row[self.score]
            score = parse_number(stated, SCORE) if stated.strip() else None
            attributes = self.attributes.read(row)
        except ValueError as error:
            collector.drop(*place, f"the point can't be read: {error}")
            return
        point = (x * self.scale + self.shift, y * self.scale + self.shift)
        collector.add_point(*place, image, category, point, score=score, attributes=attributes)


def drop_all(collector: AnnotationCollector, file: str, rows: Iterable[tuple[int, list[str]]]) -> None:
    """Count the points of a file whose image is left out."""
    collector.drop(file, "", "the points of a file that is skipped.", sum(1 for _ in rows))


def read_points(
    collector: AnnotationCollector, planes: PlaneImages, reader: PointReader, rows: Iterable[tuple[int, list[str]]],
    position_of: Callable[[list[str]], Position],
) -> None:  # fmt: skip
    """Take the points of one file, each into the image of its plane.

    Args:
        collector: Where they go.
        planes: The images that the file is about.
        reader: Takes a point out of a row.
        rows: Line and cells of each point.
        position_of: Gives the plane of a row; a ValueError stands for none.
    """
    listed = list(rows)
    images = planes.rows([_position(row, position_of) for _, row in listed])
    if images is None:
        drop_all(collector, planes.file, listed)
        return
    for image, (line, row) in zip(images, listed, strict=True):
        if image is not None:
            reader.add(collector, (planes.file, f"line {line}"), image, row)


def _position(row: list[str], position_of: Callable[[list[str]], Position]) -> Position:
    try:
        return position_of(row)
    except ValueError:
        # The point is listed where it is read.
        return Position()


@dataclass(frozen=True)
class Point:
    """A point as it is written.

    Attributes:
        number: Counts from 0 in its image.
        x: From the centre of the first pixel.
        y: From the centre of the first pixel.
        category: Class name.
        score: Score or None.
        attributes: JSON text or None.
    """

    number: int
    x: float
    y: float
    category: str
    score: float | None
    attributes: str | None


def points_by_image(annotations: AnnotationSet) -> Iterator[list[Point]]:
    """Yield the points of each image, in the order of the images."""
    columns = [annotations.objects[n].to_pylist() for n in ("x_min", "y_min", "category", "score", "attributes")]
    names = annotations.categories
    for rows in annotations.rows_by_image():
        cells: Iterator[tuple[Any, ...]] = (tuple(column[row] for column in columns) for row in rows.tolist())
        yield [Point(i, x - CENTRE, y - CENTRE, names[c], *rest) for i, (x, y, c, *rest) in enumerate(cells)]


def write_point_tables(
    annotations: AnnotationSet,
    folder: Path,
    header: Sequence[str],
    cells: Callable[[Point], list[str]],
    reserved: Iterable[str] = (),
) -> None:
    """Write one table per image, named as the image: the columns `header`, the class, and scores and attributes if any.

    Args:
        annotations: The points.
        folder: Where to.
        header: Names of the first columns.
        cells: Gives those columns of a point.
        reserved: Names that no attribute may have as a column, since the reader takes them for something else.
    """
    paths = resolve_all(folder, label_paths(annotations.names, ".csv"))
    objects = annotations.objects
    scored = [SCORE] if objects["score"].null_count < len(objects) else []
    taken = (*header, *CATEGORY_COLUMNS, *SCORE_COLUMNS, *reserved)
    extra = AttributeColumns.of(objects["attributes"].to_pylist(), taken)
    for path, points in zip(paths, points_by_image(annotations), strict=True):
        rows = (
            [*cells(p), p.category, *(["" if p.score is None else f"{p.score:.9g}"] if scored else []),
             *extra.cells(p.attributes)]
            for p in points
        )  # fmt: skip
        write_table(path, [*header, CATEGORY, *scored, *extra.header], rows)


def row_and_column(point: Point) -> list[str]:
    """Return row and column of a point as cells."""
    return [to_text(point.y), to_text(point.x)]
