"""TensorFlow object detection CSV: one table, one box per row, as Roboflow and ``xml_to_csv`` scripts write it.

Corners are pixel edges: the tools that turn these tables into training records divide ``xmin`` and ``xmax`` by the
width to get fractions of the image, and Roboflow writes edges rounded to whole pixels. A table that was copied from
Pascal VOC files of the strict kind counts pixels from 1; `origin` says so.
"""

from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.box_tables import BoxLayout, read_rows, write_boxes
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import split_files_first
from cell_pipelines.annotations.formats.sources.tables import data_files, evidence, read_table
from cell_pipelines.annotations.formats.sources.text import read_each
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("box",), empty_images=False, splits=True, classes="used")
SUMMARY = "TensorFlow object detection CSV: one table of boxes (Roboflow, xml_to_csv)."

_LAYOUT = BoxLayout(
    "filename",
    "class",
    ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"),
    size=("width", "height"),
)
_FILES: dict[str | None, str] = {
    None: "_annotations.csv",
    "train": "train_labels.csv",
    "val": "val_labels.csv",
    "test": "test_labels.csv",
}


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _LAYOUT.fits(path))
    return evidence(folder, found, f"a table with the columns {', '.join(_LAYOUT.columns)}")


def read(folder: Path, images: ImageIndex, *, origin: int = 0, **options: Any) -> Conversion:
    """Read every such table below `folder`; a folder or file called train, valid or test is a split.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        origin: 0 for pixel edges as in the format, 1 for first and last pixel counted from 1.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `origin` is neither 0 nor 1.
    """
    if origin not in (0, 1):
        raise ValueError(f"`origin` must be 0 or 1, got {origin!r}.")
    collector = AnnotationCollector(images, sort_categories=True, **options)
    found = [path for path in data_files(folder, ".csv") if _LAYOUT.fits(path)]
    for file, table in read_each(folder, split_files_first(folder, found), read_table, collector.skip_file):
        read_rows(collector, file, table, _LAYOUT, origin=origin)
    return collector.finish("tensorflow_csv")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``_annotations.csv``, and ``train_labels.csv`` and so on for images with a split.

    Scores and attributes stand in columns of their own after those of the format.
    """
    write_boxes(annotations, folder, _LAYOUT, _FILES)
    return ()
