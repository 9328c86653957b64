"""Nodes of plates."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.plate_index import read_plate_index
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.plates.parameters import PlateParameters
from cell_pipelines.provenance import code_versions
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.outputs import write_workbook
from cell_pipelines.workflows.plates import describe_plates, measured_by

#: Tables and figures in the order in which nodes return them.
TABLES = ("wells", "quality", "effects", "doses", "curves", "hits")
FIGURES = ("maps", "roles", "curves", "hits")


def analyse(measurements: pd.DataFrame, layout: pd.DataFrame, parameters: PlateParameters) -> tuple[Any, ...]:
    """Return everything that is said of the plates, an `analysis.plates.analysing.PlateResult`, and its tables."""
    from cell_pipelines.analysis.plates.analysing import analyse_plates

    index = read_plate_index(parameters.index) if parameters.index else ()
    result = analyse_plates(measurements, layout, parameters, index)
    return result, *(getattr(result, name) for name in TABLES)


def plot(result: Any, parameters: PlateParameters) -> tuple[Any, ...]:
    """Return the figures of maps, controls, curves and hits."""
    from cell_pipelines.report.figures.compound_curves import plot_compound_curves
    from cell_pipelines.report.figures.plates import plot_hits, plot_plate_maps, plot_roles

    measure = parameters.measure if parameters.relative_to is None else f"{parameters.measure}, %"
    column, label = ("value", "% of the cells") if result.is_share else ("response_percent", "response, %")
    curves = plot_compound_curves(result.wells, result.doses, result.curves, column=column, label=label)
    maps = plot_plate_maps(result.wells, result.shape, measure=measure)
    return maps, plot_roles(result.wells, measure=measure), curves, plot_hits(result.hits)


def log_metrics(quality: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return Z' and SSMD of each plate as MLflow wants them; those that can't be computed are left out."""
    return {
        f"plates_{name}/{row['plate']}/{row['values']}": {"value": row[name], "step": 0}
        for row in quality.to_dict("records")
        for name in ("z_prime", "z_prime_robust", "ssmd")
        if row[name] == row[name]
    }


def write_tables(*tables: pd.DataFrame) -> Callable[[Path], None]:
    """Return what writes the tables into a folder as one workbook, a sheet each."""
    return partial(_write_tables, dict(zip(TABLES, tables, strict=True)))


def _write_tables(sheets: dict[str, pd.DataFrame], folder: Path) -> None:
    write_workbook(sheets, folder / "plates.xlsx")


def write_report(
    result: Any,
    measurements: pd.DataFrame,
    invocation: Invocation,
    parameters: PlateParameters,
    *figures: Embedded,
) -> Page:
    """Return the page; `figures` as `FIGURES` names them."""
    from cell_pipelines.report.pages.plates import plate_cards, plate_sections

    tables = {name: getattr(result, name) for name in TABLES}
    label = "Part of the cells, %," if result.is_share else "Response"
    sections = plate_sections(
        tables, dict(zip(FIGURES, figures, strict=True)), account=describe_plates(parameters), dose_label=label
    )
    origin = measured_by(measurements, code_versions(invocation.project))
    return embedded_page(
        parameters.title, plate_cards(tables), [*origin.warning_sections(), *sections, origin.section()]
    )
