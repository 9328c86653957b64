"""From counts and a layout to the tables, figures and page of plates: the same for the pipeline and the command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cell_pipelines.analysis.plates.rules import NEGATIVE, PlateRules
from cell_pipelines.annotations.plate_index import read_plate_index
from cell_pipelines.failures import MistakeError
from cell_pipelines.provenance import package_versions
from cell_pipelines.report.page.embedding import Embedded, embed_figure_file
from cell_pipelines.report.page.html import Page, embedded_page, render_page
from cell_pipelines.spreadsheet_text import restore_table
from cell_pipelines.workflows.image_sources import describe_missing
from cell_pipelines.workflows.origin import Origin
from cell_pipelines.workflows.outputs import write_csv, write_workbook
from cell_pipelines.workflows.parameters.plates import PlateParameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cell_pipelines.analysis.plates.analysing import PlateResult

#: Tables of a `PlateResult`, and figures, in the order of the page.
TABLES = ("wells", "quality", "effects", "doses", "curves", "hits")
FIGURES = ("maps", "roles", "curves", "hits")
#: What `write_plates` writes, but for the tables.
FILES = {"plates.html": "page", "plates.xlsx": "tables", "figures": "figures"}
# Stands for the counts before there are any.
_TRIED = "total"
#: Columns of the table of counts that say by what was counted.
_TRACED = ("model_run_id", "model_sha256", "thresholds")


def describe_plates(rules: PlateRules) -> str:
    """Return what was measured and compared, in sentences."""
    measure = f"the mean of {rules.measure} over its sites"
    if rules.relative_to:
        measure = f"the part of {rules.measure} in {rules.relative_to}, in per cent"
    reference = "the negative controls" if rules.reference == NEGATIVE else "the samples"
    position = (
        "Effects of rows and columns were taken from the values by median polish of what treatments leave."
        if rules.correct == "median_polish"
        else "Effects of the position are shown, and not taken from the values."
    )
    effect = f" and by {rules.least_effect_percent:g} percentage points" if rules.least_effect_percent else ""
    return (
        f"The value of a well is {measure}. A hit differs from {reference} of its plate at a false discovery rate of "
        f"{rules.false_discovery_rate:g}{effect}. {position}"
    )


def measured_by(measurements: pd.DataFrame, code: Mapping[str, str]) -> Origin:
    """Return where measurements come from, with the warnings about their images, as far as their table says."""
    known = {
        name: "; ".join(map(str, measurements[name].dropna().unique())) for name in _TRACED if name in measurements
    }
    warnings: dict[str, str] = {}
    if {"image", "warning"} <= set(measurements):
        rows = measurements[measurements["warning"].notna() & (measurements["warning"] != "")]
        warnings = dict(zip(rows["image"].astype("str"), rows["warning"].astype("str"), strict=True))
    images = str(measurements["image"].nunique()) if "image" in measurements else None
    return Origin("measurements", **known, images=images, code=code, warnings=warnings)


def analyse(measurements: pd.DataFrame, layout: pd.DataFrame, parameters: PlateParameters) -> PlateResult:
    """Return everything that is said of the plates.

    Args:
        measurements: One row per image or cell.
        layout: One row per well; empty where only the places of wells are known.
        parameters: What is measured and compared.

    Raises:
        ValueError: No well is known, or measurements and layout don't fit.
    """
    from cell_pipelines.analysis.plates.analysing import analyse_plates

    index = read_plate_index(parameters.index) if parameters.index else ()
    return analyse_plates(measurements, layout, parameters, index)


def check_images(names: Iterable[str], layout: pd.DataFrame, parameters: PlateParameters) -> None:
    """Refuse images that are on no well of the layout, before they are counted.

    Args:
        names: Of the images.
        layout: As for `analyse`.
        parameters: As for `analyse`.

    Raises:
        ValueError: As `analyse`.
    """
    from cell_pipelines.analysis.plates.analysing import place_wells

    index = read_plate_index(parameters.index) if parameters.index else ()
    rules = replace(parameters, measure=_TRIED, relative_to=None)
    place_wells(pd.DataFrame({"image": list(names), _TRIED: 1.0}), layout, rules, index)


def plot(result: PlateResult, parameters: PlateParameters) -> dict[str, Figure]:
    """Return the figures, by the names in `FIGURES`."""
    from cell_pipelines.report.figures.compound_curves import plot_compound_curves
    from cell_pipelines.report.figures.plates import plot_hits, plot_plate_maps, plot_roles

    measure = parameters.measure if parameters.relative_to is None else f"{parameters.measure}, %"
    column, label = ("value", "% of the cells") if result.is_share else ("response_percent", "response, %")
    figures = (
        plot_plate_maps(result.wells, result.shape, measure=measure),
        plot_roles(result.wells, measure=measure),
        plot_compound_curves(result.wells, result.doses, result.curves, column=column, label=label),
        plot_hits(result.hits),
    )
    return dict(zip(FIGURES, figures, strict=True))


def report(
    result: PlateResult, measurements: pd.DataFrame, parameters: PlateParameters, figures: Mapping[str, Embedded],
    code: Mapping[str, str],
) -> Page:  # fmt: skip
    """Return the page.

    Args:
        result: Of `analyse`.
        measurements: What it was made of.
        parameters: As for `analyse`.
        figures: Those of `plot`, drawn.
        code: Versions of what made it.
    """
    from cell_pipelines.report.pages.plates import plate_cards, plate_sections

    tables = {name: getattr(result, name) for name in TABLES}
    label = "Part of the cells, %," if result.is_share else "Response"
    sections = plate_sections(tables, figures, account=describe_plates(parameters), dose_label=label)
    origin = measured_by(measurements, code)
    return embedded_page(
        parameters.title, plate_cards(tables), [*origin.warning_sections(), *sections, origin.section()]
    )


def shown_quality(quality: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the table of quality that a person reads in a terminal."""
    corrected = [] if quality["values"].nunique() < 2 else ["values"]
    z_prime = ["z_prime", "z_prime_low", "z_prime_high", "z_prime_robust"]
    return quality[["plate", *corrected, "negative", "positive", *z_prime, "ssmd", "note"]]


def read_table(path: Path, what: str, *, as_text: bool = False) -> pd.DataFrame:
    """Read a CSV that a person or a count wrote.

    Args:
        path: The file.
        what: What it holds, for the sentence.
        as_text: Leave everything as it is written, so that 01 stays 01.

    Raises:
        MistakeError: There is no such table.
    """
    file = path.expanduser()
    if not file.is_file():
        raise MistakeError(f"{file}: expected a CSV with {what}; {describe_missing(file)}")
    try:
        return restore_table(pd.read_csv(file, dtype="str") if as_text else pd.read_csv(file))
    except ValueError as error:
        raise MistakeError(f"{file}: expected a CSV with {what}; {' '.join(str(error).split())}") from error


def write_plates(
    measurements: pd.DataFrame, layout: pd.DataFrame, parameters: PlateParameters, folder: Path
) -> PlateResult:
    """Write tables (CSV, and a workbook), figures and page of plates into a folder that is there.

    Args:
        measurements: As for `analyse`.
        layout: As for `analyse`.
        parameters: As for `analyse`.
        folder: Gets `FILES`, a CSV of each table, and the figures.

    Raises:
        ValueError: As `analyse`.
    """
    from cell_pipelines.report.figures.files import write_figure

    result = analyse(measurements, layout, parameters)
    tables = {name: getattr(result, name) for name in TABLES}
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")
    write_workbook(tables, folder / "plates.xlsx")
    (folder / "figures").mkdir()
    drawn = {
        name: embed_figure_file(write_figure(figure, folder / "figures" / name)[0].read_bytes())
        for name, figure in plot(result, parameters).items()
    }
    page = report(result, measurements, parameters, drawn, package_versions())
    (folder / "plates.html").write_text(render_page(page), encoding="utf-8")
    return result
