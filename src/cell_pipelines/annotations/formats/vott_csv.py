"""VoTT's CSV export: one table of boxes, one row per tag.

Corners are pixel edges as on VoTT's canvas: ``xmax`` is the left side plus the width.
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
SUMMARY = "VoTT CSV: one table of boxes, exported by Microsoft's VoTT."

_LAYOUT = BoxLayout("image", "label", ("image", "xmin", "ymin", "xmax", "ymax", "label"))
_FILES: dict[str | None, str] = {
    None: "vott-export.csv",
    "train": "train-export.csv",
    "val": "val-export.csv",
    "test": "test-export.csv",
}


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _LAYOUT.fits(path))
    return evidence(folder, found, f"a table with the columns {', '.join(_LAYOUT.columns)}")


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every such table below `folder`; a folder or file called train, valid or test is a split.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    found = [path for path in data_files(folder, ".csv") if _LAYOUT.fits(path)]
    for file, table in read_each(folder, split_files_first(folder, found), read_table, collector.skip_file):
        read_rows(collector, file, table, _LAYOUT)
    return collector.finish("vott_csv")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``vott-export.csv``, and ``train-export.csv`` and so on for images with a split.

    Scores and attributes stand in columns of their own after those of the format.
    """
    write_boxes(annotations, folder, _LAYOUT, _FILES)
    return ()
