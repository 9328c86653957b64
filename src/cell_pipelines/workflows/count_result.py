"""The counts of images with everything behind them: tables, cells, pictures, and files of all of them."""

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.region_counts import RegionCounts
from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.typing import ByteImage
from cell_pipelines.workflows.count_page import report_counts, totals_by_folder
from cell_pipelines.workflows.counting import count_columns
from cell_pipelines.workflows.left_out import is_counted
from cell_pipelines.workflows.outputs import INFINITE, notebook_table
from cell_pipelines.workflows.parallel import ParallelParameters
from cell_pipelines.workflows.stacks import Stacks, link_stacks
from cell_pipelines.workflows.trained_model import TrainedModel

_SHOWN_ROWS, _THUMBNAIL_PX = 10, 480
#: What lies in the folder, where each that was asked for is.
FILES = {
    "counts.csv": "counts", "counts.xlsx": "counts and cells", "report.html": "page", "cells.csv": "cells",
    "regions.csv": "regions", "objects.csv": "objects in stacks", "annotations": "annotations", "overlays": "overlays",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class CountResult:
    """Counts of images; in a notebook it shows the table and the first image with its cells.

    Attributes:
        table: One row per image, as `workflows.counting.count_cells` gives it: counts by class, `total`, the ends of
            intervals, `warning`, `left_out` where the image is not counted, `error` where it can't be read, model and
            thresholds.
        annotations: The cells with their scores.
        images: The images by name, which are read again when they are drawn.
        model: The model that found them.
        in_regions: Counts within annotated regions, `in_regions.table`; None where none were asked for.
    """

    table: pd.DataFrame
    annotations: AnnotationSet
    images: Mapping[str, ImageFile]
    model: TrainedModel
    in_regions: RegionCounts | None = None

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per cell: image, category, score, centroid, size and box."""
        from cell_pipelines.workflows.cell_table import tabulate_cells

        return tabulate_cells(self.annotations)

    @cached_property
    def stacks(self) -> Stacks | None:
        """Cells of slices (``z="each"``) linked to objects in three dimensions; None where no image is a slice."""
        return link_stacks(self.annotations, self.images)

    @property
    def folders(self) -> pd.DataFrame | None:
        """One row per folder with its images and cells; None where all images are in one."""
        return totals_by_folder(self.table, list(count_columns(self.annotations).values()))

    @property
    def failed(self) -> pd.DataFrame:
        """The images that can't be read: `image` and `error`."""
        return self.table.loc[self.table["error"] != "", ["image", "error"]].reset_index(drop=True)

    def overlay(self, name: str | None = None) -> ByteImage:
        """Return an image with its cells drawn, (H, W, 3) uint8, with a legend below.

        Args:
            name: Name of the image in `table`; None for the first that was counted.

        Raises:
            MistakeError: There is no such image, or it can't be read.
        """
        from cell_pipelines.annotations.selection import select_images
        from cell_pipelines.workflows.drawing import draw_picture

        names = self.annotations.names
        chosen = names[0] if name is None and names else name
        if chosen not in names:
            shown = ", ".join(names[:_SHOWN_ROWS]) + (" …" if len(names) > _SHOWN_ROWS else "")
            raise MistakeError(f"`name` must be one of the counted images ({shown or 'there is none'}), got {name!r}.")
        return draw_picture(self.images[chosen], select_images(self.annotations, [names.index(chosen)]))

    def save(self, folder: str | Path, *, format: str = "coco", overlays: bool = True) -> Path:
        """Write the counts (CSV, XLSX and a page), the cells, the annotations and the overlays into a new folder.

        Args:
            folder: Must not hold anything yet.
            format: Format of the annotations, one of `annotations.formats.registry.FORMATS`.
            overlays: Draw every image with its cells.

        Returns:
            The folder.

        Raises:
            MistakeError: Something lies in the folder, or there is no such format.
            WriteError: It can't be written.
        """
        return self._fill(folder, lambda place: _write(self, place, format=format, overlays=overlays), format)

    def to(self, format: str, folder: str | Path) -> tuple[Finding, ...]:
        """Write the cells as annotations into a new folder.

        Args:
            format: One of `annotations.formats.registry.FORMATS`.
            folder: Must not hold anything yet.

        Returns:
            What the format can't hold and what was changed for it; empty where nothing was.

        Raises:
            MistakeError: Something lies in the folder, or there is no such format.
        """
        from cell_pipelines.annotations.formats.registry import write_annotations

        findings: list[Finding] = []
        self._fill(
            folder, lambda place: findings.extend(write_annotations(self.annotations, place, format=format)), format
        )
        return tuple(findings)

    def to_qupath(self, folder: str | Path) -> tuple[Finding, ...]:
        """Write the cells as GeoJSON that QuPath opens, one file per image; see `to`."""
        return self.to("qupath_geojson", folder)

    def _fill(self, folder: str | Path, write: Callable[[Path], object], format: str) -> Path:
        from cell_pipelines.workflows.outputs import check_format, check_new_folder

        check_format(format)
        path = check_new_folder(Path(folder))
        with atomic_folder(path) as temporary:
            write(temporary)
        return path

    def page(self) -> str:
        """Return the page with counts, intervals and warnings as HTML."""
        from cell_pipelines.report.page.html import render_page

        return render_page(report_counts(self.table, self.annotations, self.images, self.model, self.in_regions))

    def shown_table(self) -> pd.DataFrame:
        """Return the columns that a person reads: counts with intervals, warnings and errors, where there are any."""
        classes = count_columns(self.annotations).values()
        # Of one class the count is the total.
        columns = ["image", *(classes if len(classes) > 1 else ()), "total", "total_low", "total_high"]
        table = self.table[[*columns, "warning", "left_out", "error"]].copy()
        for name in columns[1:]:
            table[name] = pd.Series([_whole(value) for value in table[name]], table.index, dtype=object)
        empty = [name for name in table if name not in ("image", "total") and not _has_content(table[name])]
        return table.drop(columns=empty)

    def __repr__(self) -> str:
        """Return the sums in a sentence, and the table."""
        read, left_out = self.table[is_counted(self.table)], int((self.table["left_out"] != "").sum())
        cells = int(read["total"].sum())
        found, images = (f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in ((cells, "cell"), (len(read), "image")))
        more = f"; {left_out} image{'' if left_out == 1 else 's'} left out" if left_out else ""
        head = f"{found} in {images}, found by {self.model.path.stem}{more}."
        return f"{head}\n{self.shown_table().to_string(index=False, max_rows=2 * _SHOWN_ROWS)}"

    def _repr_html_(self) -> str:
        """Return the table, and the first image with its cells, for a notebook."""
        head = html.escape(repr(self).splitlines()[0])
        table = self.shown_table()
        more = f"<p>… {len(table) - _SHOWN_ROWS} more in <code>.table</code></p>" if len(table) > _SHOWN_ROWS else ""
        text = notebook_table(table.head(_SHOWN_ROWS))
        return f"<p>{head}</p>{text}{more}{self._thumbnail()}"

    def _thumbnail(self) -> str:
        if not self.annotations.n_images:
            return ""
        from cell_pipelines.workflows.drawing import thumbnail

        name = html.escape(self.annotations.names[0])
        source = thumbnail(self.overlay(), _THUMBNAIL_PX)
        image = f'<img alt="cells of {name}" src="{source}" style="max-width: 100%; height: auto">'
        return f'<figure style="margin: 1em 0">{image}<figcaption>{name}</figcaption></figure>'


def _whole(value: float) -> object:
    """Return a number as a person reads it: whole ones as such, ∞, and nothing for a missing one."""
    if pd.isna(value):
        return ""
    if math.isinf(value):
        return INFINITE
    return int(value) if float(value).is_integer() else value


def _has_content(column: pd.Series) -> bool:
    return bool((column.notna() & (column.astype(str) != "")).any())


def _write(result: CountResult, folder: Path, *, format: str, overlays: bool) -> None:
    """Fill an empty folder with `FILES`; what the annotation format can't hold is in ``annotation_findings.csv``."""
    from cell_pipelines.annotations.findings import to_table
    from cell_pipelines.annotations.formats.registry import write_annotations
    from cell_pipelines.workflows.drawing import draw_pictures
    from cell_pipelines.workflows.outputs import write_csv, write_workbook

    write_csv(result.table, folder / "counts.csv")
    write_csv(result.cells, folder / "cells.csv")
    more = {} if result.in_regions is None else {"regions": result.in_regions.table}
    more |= {} if result.stacks is None else {"objects": result.stacks.objects}
    for name, table in more.items():
        write_csv(table, folder / f"{name}.csv")
    write_workbook({"counts": result.table, **more, "cells": result.cells}, folder / "counts.xlsx")
    (folder / "report.html").write_text(result.page(), encoding="utf-8")
    for name in ("annotations", *(["overlays"] if overlays else [])):
        (folder / name).mkdir()
    findings = write_annotations(result.annotations, folder / "annotations", format=format)
    if findings:
        write_csv(to_table(findings), folder / "annotation_findings.csv")
    if overlays:
        draw_pictures(result.annotations, result.images, ParallelParameters(), folder / "overlays")
