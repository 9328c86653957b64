"""Run lengths of masks in a table, one cell per row, as Kaggle's competitions give them.

A cell holds ``start length start length …``, pixels counted from 1. Sartorius (``id, annotation, width, height,
cell_type, …``) counts row by row; the Data Science Bowl 2018 and Airbus (``ImageId, EncodedPixels``) count column by
column. Of other tables the header doesn't tell, so that `order` must say it. Cells may overlap.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeColumns, AttributeReader
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages
from cell_pipelines.annotations.formats.sources.json_values import parse_number
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    data_files,
    evidence,
    fitting_rows,
    peek_header,
    read_table,
    write_table,
)
from cell_pipelines.annotations.geometry.intervals import merge_intervals
from cell_pipelines.annotations.geometry.run_lengths import (
    run_lengths_box,
    runs_from_row_major,
    runs_to_row_major,
)
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("mask",), splits=True, classes="used")
SUMMARY = "Run-length CSV: one mask per row (Sartorius, Data Science Bowl 2018, other Kaggle competitions)."

Order = Literal["auto", "rows", "columns"]

_KNOWN: dict[tuple[str, str], Order] = {
    ("id", "annotation"): "rows", ("id", "predicted"): "rows", ("imageid", "encodedpixels"): "columns",
}  # fmt: skip
_IMAGES = ("id", "imageid", "image_id", "image", "img", "filename")
_RUNS = ("annotation", "predicted", "encodedpixels", "encoding", "rle", "rle_mask", "segmentation")
_CLASSES = ("cell_type", "class", "classid", "class_id", "category", "label")
_SIZES = (("width", "img_width"), ("height", "img_height"))
_HEADER = ("id", "annotation", "width", "height", "cell_type")
_SCORE = "score"


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _names(peek_header(path)))
    return evidence(folder, found, "a table with a column of run lengths")


def _names(header: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the columns of images and run lengths in lower case; None where there are none."""
    image, runs = (next((name for name in names if name in header), None) for names in (_IMAGES, _RUNS))
    return None if image is None or runs is None else (image, runs)


def read(
    folder: Path, images: ImageIndex, *, order: Order = "auto", class_name: str = "cell", **options: Any
) -> Conversion:
    """Read every such table below `folder`; a row without run lengths is an image without objects.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        order: Whether pixels are counted along ``rows`` or ``columns``; ``auto`` knows it of known headers.
        class_name: The class of cells in a table without one.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `order` is unknown.
        AnnotationFormatError: The header doesn't tell how pixels are counted.
    """
    if order not in get_args(Order):
        raise ValueError(f"`order` must be one of {', '.join(get_args(Order))}, got {order!r}.")
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for path in data_files(folder, ".csv"):
        names = _names(peek_header(path))
        if names is None:
            continue
        file = path.relative_to(folder).as_posix()
        chosen = _KNOWN.get(names) if order == "auto" else order
        if chosen is None:
            raise AnnotationFormatError(
                f"{file}: the columns {' and '.join(names)} don't tell how pixels are counted; set `order` to 'rows' "
                "(left to right, then down, as Sartorius) or 'columns' (top to bottom, then right, as the Data "
                "Science Bowl 2018)."
            )
        try:
            table = read_table(path)
        except ValueError as error:
            collector.skip_file(file, str(error))
            continue
        _MaskTable.of(table, names, chosen).read(collector, file, class_name)
    return collector.finish("run_length_csv")


@dataclass(frozen=True)
class _MaskTable:
    """A table and where its columns are; `along_rows` says how pixels are counted."""

    table: Table
    image: int
    runs: int
    category: int | None
    score: int | None
    size: tuple[int | None, ...]
    attributes: AttributeReader
    along_rows: bool

    @classmethod
    def of(cls, table: Table, names: tuple[str, str], order: Order) -> "_MaskTable":
        image, runs = table.column(names[0]) or 0, table.column(names[1]) or 0
        category, score = table.column(*_CLASSES), table.column(_SCORE)
        size = tuple(table.column(*side) for side in _SIZES)
        reader = AttributeReader.of(table.header, {image, runs, category, score, *size})
        return cls(table, image, runs, category, score, size, reader, order == "rows")

    def read(self, collector: AnnotationCollector, file: str, default: str) -> None:
        """Take all rows."""
        images = FileImages(collector, file)
        for line, row in fitting_rows(collector, file, self.table):
            name, text = row[self.image].strip(), row[self.runs].strip()
            image = images.row(name)
            if image is None:
                if text:
                    images.leave_out(name)
            elif text:
                self._read_mask(collector, (file, f"line {line}"), image, (row, default))
        images.finish()

    def _read_mask(
        self, collector: AnnotationCollector, place: tuple[str, str], image: int, content: tuple[list[str], str]
    ) -> None:
        row, default = content
        width, height = collector.size(image)
        category = default if self.category is None else row[self.category].strip()
        try:
            if not category:
                raise ValueError("the cell has no class.")
            self._check_size(row, (width, height))
            counts = _read_runs(row[self.runs], height, width, self.along_rows)
            stated = "" if self.score is None else row[self.score].strip()
            score = parse_number(stated, _SCORE) if stated else None
            extra: dict[str, Any] = {"score": score, "attributes": self.attributes.read(row)}
        except (ValueError, OverflowError) as error:
            collector.drop(*place, str(error))
            return
        collector.add_mask(*place, image, category, run_lengths_box(counts, height), counts, **extra)

    def _check_size(self, row: list[str], size: tuple[int, int]) -> None:
        said = [row[at].strip() if at is not None else "" for at in self.size]
        if all(said) and tuple(map(float, said)) != size:
            raise ValueError(f"run lengths of {'x'.join(said)} pixels don't fit the image of {size[0]}x{size[1]}.")


def _read_runs(text: str, height: int, width: int, along_rows: bool) -> npt.NDArray[np.uint32]:
    """Return COCO run lengths of ``start length …`` counted from 1.

    Raises:
        ValueError: The numbers are no runs of such an image.
    """
    try:
        numbers = np.array([int(number) for number in text.split()], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"run lengths must be whole numbers, got {text[:40]!r}.") from error
    if numbers.size % 2:
        raise ValueError(f"run lengths must be pairs of start and length, got {numbers.size} numbers.")
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    size = height * width
    if (starts < 0).any() or (lengths < 1).any() or (lengths > size).any() or (starts > size - lengths).any():
        raise ValueError(f"run lengths must lie in 1..{size}, the pixels of the image of {width}x{height}.")
    if along_rows:
        return runs_from_row_major(starts, lengths, height, width)
    order = np.argsort(starts, kind="stable")
    start, stop = merge_intervals(starts[order], (starts + lengths)[order])
    edges = np.concatenate([[0], np.stack([start, stop], axis=1).ravel(), [size]])
    counts = np.diff(edges).astype(np.uint32)
    # Foreground up to the last pixel is not followed by a run of none.
    return counts if counts[-1] else counts[:-1]


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``annotations.csv`` in the layout of Sartorius, and ``train.csv`` and so on for images with a split.

    Pixels are counted row by row. The id of a PNG file has no ending as there, unless another image differs in the
    ending only.
    """
    objects = annotations.objects
    attributes, scores = objects["attributes"].to_pylist(), objects["score"].to_pylist()
    extra = AttributeColumns.of(attributes, (*_IMAGES, *_RUNS, *_CLASSES, *_SIZES[0], *_SIZES[1], _SCORE))
    scored = [_SCORE] if objects["score"].null_count < len(scores) else []
    splits = annotations.images["split"].to_pylist()
    header = [*_HEADER, *scored, *extra.header]
    tables: dict[str | None, list[list[str]]] = {split: [] for split in splits or [None]}
    for image, row in _rows(annotations, bool(scored), extra):
        tables[splits[image]].append(row)
    for split, rows in tables.items():
        write_table(folder / f"{split or 'annotations'}.csv", header, rows)
    return ()


def _rows(annotations: AnnotationSet, scored: bool, extra: AttributeColumns) -> Iterator[tuple[int, list[str]]]:
    """Yield the image and the cells of each object, and of each image without objects."""
    names = [annotations.objects[name].to_pylist() for name in ("category", "score", "attributes")]
    counts = RunLengths.from_arrow(annotations.objects["counts"])
    stems = [str(PurePosixPath(name).with_suffix("")) for name in annotations.names]
    times = Counter(stems)
    images = annotations.images.to_pylist()
    for image, (record, stem, rows) in enumerate(zip(images, stems, annotations.rows_by_image(), strict=True)):
        identity = stem if times[stem] == 1 and record["name"].lower().endswith(".png") else record["name"]
        size = [str(record["width"]), str(record["height"])]
        tail = [""] * (scored + len(extra.header))
        if not len(rows):
            yield image, [identity, "", *size, "", *tail]
        for row in rows.tolist():
            category, score, text = (column[row] for column in names)
            starts, lengths = runs_to_row_major(counts.of(row), record["height"], record["width"])
            runs = " ".join(map(str, np.stack([starts + 1, lengths], axis=1).ravel().tolist()))
            cells = ["" if score is None else f"{score:.9g}"] if scored else []
            yield image, [identity, runs, *size, annotations.categories[category], *cells, *extra.cells(text)]
