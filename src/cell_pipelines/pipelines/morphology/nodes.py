"""Nodes of morphology."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.morphology.parameters import MorphologyParameters
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.drawing import draw_nothing, draw_pictures, some_pictures
from cell_pipelines.workflows.origin import Origin, with_origin
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.pixel_sizes import with_one_unit

_ALL = "all"
_SOURCE = "source"


def measure(
    cells: AnnotationSet,
    images: dict[str, ImageFile],
    facts: pd.DataFrame,
    origin: Origin,
    parameters: MorphologyParameters,
) -> pd.DataFrame:
    """Return one row per cell with its measures and what is known of its image."""
    measured = with_one_unit(cells)
    jobs = (_CellJob(images[one.names[0]], one, parameters) for one in iterate_images(measured))
    total = measured.n_images
    parts = list(map_images(_CellJob.run, jobs, description="measuring", total=total, parallel=parameters.parallel))
    table = pd.concat(parts or [_measure_nothing(parameters)], ignore_index=True)
    known = facts[["image", *(name for name in facts if name not in table.columns)]]
    return origin.added_to(table.merge(known, on="image", how="left"))


def _measure_nothing(parameters: MorphologyParameters) -> pd.DataFrame:
    """Return the table of no cell, with its columns."""
    from cell_pipelines.analysis.morphology.measuring import measure_cells

    builder = AnnotationBuilder()
    builder.add_image("", width=1, height=1)
    form = replace(parameters.measure, intensity=False, background="none", texture=False)
    return measure_cells(builder.build(), None, options=form)


@dataclass(frozen=True, eq=False)
class _CellJob:
    """One image whose cells are measured."""

    file: ImageFile
    cells: AnnotationSet
    parameters: MorphologyParameters

    def run(self) -> pd.DataFrame:
        """Measure the cells."""
        from cell_pipelines.analysis.morphology.measuring import measure_cells

        options = self.parameters.measure
        wanted = options.intensity or options.texture or options.background != "none"
        image = self.file() if wanted else None
        names = self.file.info().channel_names if image is not None and image.ndim == 3 else ()
        known = names if image is not None and image.ndim == 3 and len(names) == image.shape[2] else ()
        try:
            return measure_cells(self.cells, image, channel_names=known, options=options)
        except ValueError as error:
            raise ValueError(f"{self.cells.names[0]}: {error}") from error


def compare(
    table: pd.DataFrame, origin: Origin, parameters: MorphologyParameters
) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Return what each group measures, one row per measure and pair of groups, and the figure of both."""
    groups, comparisons, figure = _compare(table, parameters.group, parameters)
    return origin.added_to(groups), origin.added_to(comparisons), figure


def _compare(
    table: pd.DataFrame, group: str, parameters: MorphologyParameters
) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    from cell_pipelines.analysis.statistics.compared_series import compare_series
    from cell_pipelines.analysis.statistics.groups import compare_groups, describe_groups
    from cell_pipelines.report.figures.morphology import plot_box_plots

    features = shown_features(table, parameters.features)
    kept = _grouped(table, group, parameters)
    groups = describe_groups(kept, features, group, image=parameters.cluster)
    comparisons = compare_groups(kept, features, group, image=parameters.cluster, reference=parameters.reference)
    if parameters.cluster == "image":
        comparisons = compare_series(comparisons, kept, features, group, reference=parameters.reference)
    return groups, comparisons, plot_box_plots(kept, features, group, comparison=comparisons, unit=parameters.cluster)


def _grouped(table: pd.DataFrame, group: str, parameters: MorphologyParameters) -> pd.DataFrame:
    kept = table[~table["touches_border"].astype(bool)] if parameters.complete and "touches_border" in table else table
    named = kept.assign(**{group: _names(kept[group]) if group in kept else _ALL})
    cluster = parameters.cluster
    if parameters.paired or cluster in ("image", group) or group == _SOURCE or cluster not in named:
        return named
    # Clusters numbered anew in each group are not the same.
    return named.assign(**{cluster: named[group] + "/" + _names(named[cluster])})


def _names(values: pd.Series) -> pd.Series:
    """Return values of a group as text, whole numbers without a point."""
    return values.map(lambda v: "unknown" if pd.isna(v) else str(v).removesuffix(".0")).astype("str")


def shown_features(table: pd.DataFrame, chosen: Sequence[str]) -> list[str]:
    """Return the measures that are compared, those chosen or the usual ones in the table's unit.

    Raises:
        ValueError: A chosen one is not measured.
    """
    from cell_pipelines.analysis.morphology.measuring import paper_features

    missing = [name for name in chosen if name not in table or not pd.api.types.is_numeric_dtype(table[name])]
    if missing:
        raise ValueError(f"`features` must be columns of numbers in the table of cells, {', '.join(missing)} is not.")
    return list(chosen) or paper_features(pixel_size_known="area_um2" in table)


def compare_sources(count: int) -> Callable[..., tuple[pd.DataFrame, pd.DataFrame, Any]]:
    """Return the node's function that compares the cells of so many sources, such as methods and the truth."""

    def compare_methods(
        parameters: MorphologyParameters, *tables: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
        """Return what the cells of each source measure, how they differ, and the figure.

        Args:
            parameters: Of morphology.
            *tables: Of each source its cells, then of each its images, also those without cells.
        """
        cells = tables[:count]
        if len({"area_um2" in table for table in cells}) > 1:
            raise ValueError(
                "sources must measure in one unit to be compared: some know the pixel size and some do not."
            )
        return _compare(_seen_by_all(cells, tables[count:])[0], _SOURCE, parameters)

    return compare_methods


def _seen_by_all(cells: Sequence[pd.DataFrame], images: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Return the cells in the images that every source has seen, and how many images these are."""
    seen = set.intersection(*(set(table["image"]) for table in images))
    return pd.concat([table[table["image"].isin(seen)] for table in cells], ignore_index=True), len(seen)


def report_sources(count: int) -> Callable[..., Page]:
    """Return the node's function that writes the page about the comparison of so many sources."""

    def report_methods(
        parameters: MorphologyParameters, groups: pd.DataFrame, comparisons: pd.DataFrame, figure: Embedded,
        *tables: pd.DataFrame,
    ) -> Page:  # fmt: skip
        """Return the page; the figure is already drawn, and `tables` are those that were compared."""
        from cell_pipelines.report.pages.morphology import method_sections

        together, seen = _seen_by_all(tables[:count], tables[count:])
        runs = together.groupby("source", sort=False)[["model_run_id", "thresholds"]].first().reset_index()
        cards = {"Sources": str(count), "Images seen by all": str(seen), "Cells": str(len(together))}
        sections = method_sections(groups, comparisons, figure, runs, unit=parameters.cluster)
        return embedded_page(f"{parameters.title}: methods compared", cards, sections)

    return report_methods


def log_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the numbers of the whole study as MLflow wants them."""
    values = {"cells": float(len(table)), "images": float(table["image"].nunique())}
    medians = {name: float(table[name].median()) for name in shown_features(table, ()) if len(table)}
    values |= {f"median_{name}": value for name, value in medians.items() if pd.notna(value)}
    return {f"morphology_{name}": {"value": value, "step": 0} for name, value in values.items()}


def draw(
    cells: AnnotationSet, images: dict[str, ImageFile], parameters: MorphologyParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the images and the outlines of the measured cells."""
    return partial(draw_pictures, cells, images, parameters.parallel) if parameters.pictures else draw_nothing


def write_report(
    pictures: Path, origin: Origin, findings: pd.DataFrame, parameters: MorphologyParameters, cells: pd.DataFrame,
    groups: pd.DataFrame, comparisons: pd.DataFrame, figure: Embedded,
) -> Page:  # fmt: skip
    """Return the page; the figure of groups is already drawn."""
    from cell_pipelines.report.pages.morphology import morphology_cards, morphology_sections

    shown = some_pictures(pictures, parameters.pictures)
    sections = morphology_sections(groups, comparisons, figure, shown, unit=parameters.cluster)
    cards = morphology_cards(cells, _grouped(cells, parameters.group, parameters))
    return embedded_page(parameters.title, cards, with_origin(sections, findings, origin))
