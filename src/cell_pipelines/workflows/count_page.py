"""The page about the counts of images: what was counted and how, some pictures, and what speaks against the counts."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cell_pipelines.analysis.region_counts import RegionCounts
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.imaging.reading import Image, ImageFile
from cell_pipelines.workflows.counting import count_columns
from cell_pipelines.workflows.drawing import draw_preview
from cell_pipelines.workflows.left_out import is_counted
from cell_pipelines.workflows.regions import describe_regions, shown_regions
from cell_pipelines.workflows.stacks import describe_stacks, link_stacks, shown_stacks
from cell_pipelines.workflows.trained_model import TrainedModel

if TYPE_CHECKING:
    from cell_pipelines.report.page.html import Page

# Longer side of a picture on the page, in pixels.
_PICTURE_PX = 640


def report_counts(
    counts: pd.DataFrame, annotations: AnnotationSet, images: Mapping[str, ImageFile], model: TrainedModel,
    in_regions: RegionCounts | None = None,
) -> "Page":  # fmt: skip
    """Return a page with the counts of new images, some of them with their cells, and what speaks against the counts.

    Args:
        counts: As `counting.count_cells` gives them.
        annotations: The cells.
        images: The images by name; those of the pictures are read again.
        model: The model that found the cells.
        in_regions: Counts within annotated regions.
    """
    from cell_pipelines.report.page.html import embedded_page
    from cell_pipelines.report.pages.new_counts import count_sections, count_summary, region_section, stack_section

    classes = list(count_columns(annotations).values())
    counts = counts.fillna({"warning": "", "left_out": "", "error": ""})
    sections = count_sections(
        counts,
        classes,
        account=_account(counts, annotations, model),
        folders=totals_by_folder(counts, classes),
        pictures=_pictures(counts, annotations, images),
        compared=bool(model.record.get("training_images")),
    )
    if (stacks := link_stacks(annotations, images)) is not None:
        sections.insert(1, stack_section(shown_stacks(stacks), describe_stacks(stacks)))
    if in_regions is not None:
        sections.insert(1, region_section(shown_regions(in_regions), describe_regions(in_regions)))
    return embedded_page("Cells of new images", {**count_summary(counts), "Model": model.path.name}, sections)


def totals_by_folder(counts: pd.DataFrame, classes: list[str]) -> pd.DataFrame | None:
    """Return images and cells of each folder, by the names of the images; None where all are in one folder.

    Args:
        counts: One row per image with `image`, `total`, `error` and a column for each class.
        classes: Names of the classes' columns.
    """
    read = counts[is_counted(counts)]
    folders = read["image"].map(lambda name: PurePosixPath(name).parent.as_posix()).rename("folder")
    if folders.nunique() < 2:
        return None
    columns = [*(classes if len(classes) > 1 else ()), "total"]
    table = read.groupby(folders)[columns].sum().astype(int)
    table.insert(0, "images", folders.value_counts())
    return table.reset_index()


def choose_examples(counts: pd.DataFrame) -> dict[str, str]:
    """Return the images to be shown, each with why: the first, the most and the fewest cells, the most warnings."""
    read = counts[is_counted(counts)].reset_index(drop=True)
    if read.empty:
        return {}
    warnings = read["warning"].map(lambda text: len(text.split("; ")) if text else 0)
    rows = {"first image": 0, "most cells": int(read["total"].argmax()), "fewest cells": int(read["total"].argmin())}
    if warnings.max() > warnings.min():
        rows["most warnings"] = int(warnings.argmax())
    if read["total"].nunique() == 1:
        rows = {why: row for why, row in rows.items() if not why.endswith("cells")}
    reasons: dict[str, str] = {}
    for why, row in rows.items():
        name = str(read["image"][row])
        reasons[name] = f"{reasons[name]}, {why}" if name in reasons else why
    return reasons if len(read) > 1 else dict.fromkeys(reasons, "")


def _pictures(
    counts: pd.DataFrame, annotations: AnnotationSet, images: Mapping[str, ImageFile]
) -> list[tuple[str, Image]]:
    rows = {name: row for row, name in enumerate(annotations.names) if name in images}
    pictures: list[tuple[str, Image]] = []
    for name, why in choose_examples(counts).items():
        if name in rows:
            cells = select_images(annotations, [rows[name]])
            picture, part = draw_preview(images[name], cells, _PICTURE_PX)
            said = f"{_several(len(cells.objects), 'cell')}{part}"
            pictures.append((f"{name}: {said}{f' ({why})' if why else ''}.", picture))
    return pictures


def _account(counts: pd.DataFrame, annotations: AnnotationSet, model: TrainedModel) -> list[str]:
    """Return what was counted, in which units, and by what."""
    read = counts[is_counted(counts)]
    cells, kinds = int(read["total"].sum()), ", ".join(annotations.categories)
    n_images = f"{len(read)} of {len(counts)} images" if len(read) < len(counts) else _several(len(counts), "image")
    return [f"{_several(cells, 'cell')} ({kinds}) in {n_images}, found by the model {model.path.name}.",
            *_pixel_sizes(read), *_diameters(read)]  # fmt: skip


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _pixel_sizes(read: pd.DataFrame) -> list[str]:
    """Return how large pixels are and how that is known; nothing where it is not known of any image."""
    if "pixel_size_from" not in read or not read["pixel_size_from"].notna().any():
        return []
    said = [
        f"{_range(images['pixel_width_um'], 3)} µm in {_several(len(images), 'image')} "
        + ("by their files" if origin == "file" else "as given")
        for origin, images in read.groupby("pixel_size_from", sort=True)
    ]
    unknown = int(read["pixel_size_from"].isna().sum())
    return [f"Width of a pixel: {'; '.join([*said, *([f'unknown in {unknown}'] if unknown else [])])}."]


def _range(values: "pd.Series[float]", digits: int) -> str:
    low, high = values.min(), values.max()
    return f"{low:.{digits}g}" if np.isclose(low, high) else f"{low:.{digits}g} to {high:.{digits}g}"


def _diameters(read: pd.DataFrame) -> list[str]:
    """Return by which diameters of cells the images were rescaled, where the model knows cells of one diameter."""
    if "diameter_px" not in read or not read["diameter_px"].notna().any():
        return []
    sizes = read["diameter_px"].dropna()
    origins = " or ".join(dict.fromkeys(read["diameter_from"].dropna()))
    return [
        f"Images were rescaled by the diameter of their cells, {_range(sizes, 2)} pixels ({origins}); with another, "
        "others are counted. The option diameter gives it."
    ]
