"""Nodes of viability."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.viability.counting import count_viability
from cell_pipelines.analysis.viability.regions import count_region_viability, no_regions
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.inside_paths import resolve_inside
from cell_pipelines.pipelines.viability.parameters import ViabilityParameters
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.drawing import draw_nothing, draw_pictures, some_pictures, with_states
from cell_pipelines.workflows.origin import Origin, with_origin
from cell_pipelines.workflows.regions import read_regions

#: What the page is made of, in the order of its inputs.
TABLES = ("fields", "series", "conditions", "groups", "comparisons", "cells", "regions", "dose_response")
#: States of cells in the order of their colours.
STATES = ("live", "dead", "dead_without_nucleus", "dead_stain", "other_category", "other_channel", "crowd")


def count(
    cells: AnnotationSet, facts: pd.DataFrame, origin: Origin, parameters: ViabilityParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per field with its living and dead cells, and one row per cell with its state."""
    fields, states = count_viability(cells, facts, parameters)
    return origin.added_to(fields), origin.added_to(states)


def count_within_regions(
    cells: AnnotationSet,
    facts: pd.DataFrame,
    states: pd.DataFrame,
    origin: Origin,
    images: dict[str, ImageFile],
    parameters: ViabilityParameters,
) -> pd.DataFrame:
    """Return one row per annotated region with its living and dead cells; none where no regions are given.

    Raises:
        MistakeError: No regions can be read, there is none, or one is on an image that is in no field.
    """
    if parameters.regions is None:
        return origin.added_to(no_regions())
    source = Path(parameters.regions)
    regions = read_regions(images, source, parameters.regions_format)
    try:
        return origin.added_to(count_region_viability(cells, facts, states, regions, parameters))
    except ValueError as error:
        raise MistakeError(f"{source}: {error}") from error


def summarise(fields: pd.DataFrame, origin: Origin) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return one row per series, one row per condition, and one row per condition, dose and time."""
    from cell_pipelines.analysis.viability.summary import viability_tables

    tables = viability_tables(fields)
    return tuple(origin.added_to(tables[name]) for name in ("series", "conditions", "groups"))  # type: ignore[return-value]


def compare(fields: pd.DataFrame, origin: Origin, parameters: ViabilityParameters) -> pd.DataFrame:
    """Return one row per pair of conditions."""
    from cell_pipelines.analysis.viability.comparison import compare_conditions

    return origin.added_to(compare_conditions(fields, reference=parameters.reference, paired=parameters.paired))


def fit_doses(fields: pd.DataFrame, origin: Origin) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Return the dose-response curves by name with their fields, one row per parameter of each, and their points."""
    from cell_pipelines.analysis.viability.dose_response import (
        CURVE_COLUMNS,
        PARAMETER_COLUMNS,
        fit_dose_responses,
    )

    responses = fit_dose_responses(fields)
    parameters = {name: found.parameters.assign(note=found.note) for name, found in responses.items()}
    points = {name: found.curve for name, found in responses.items()}
    types = {**PARAMETER_COLUMNS, "note": "str"}
    tables = (_by_curve(parameters, types), _by_curve(points, CURVE_COLUMNS))
    shown = {name: (_fields_of(fields, name), found) for name, found in responses.items()}
    return shown, *(origin.added_to(table) for table in tables)  # type: ignore[return-value]


def _by_curve(tables: dict[str, pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    """Return tables below each other with the name of their curve in front; fixed columns also without any."""
    columns = {"response": "str", **types}
    named = [table.assign(response=name)[list(columns)] for name, table in tables.items()]
    return pd.concat([pd.DataFrame(columns=list(columns)).astype(columns), *named], ignore_index=True).astype(columns)


def _fields_of(fields: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the fields that a curve is fitted to: its condition's, and controls, which have no dose but 0."""
    if name not in set(fields["condition"]):
        return fields[fields["dose"].notna()]
    tested = fields.loc[fields["dose"] > 0, "condition"]
    control = (fields["dose"] == 0) & ~fields["condition"].isin(tested)
    return fields[control | ((fields["condition"] == name) & fields["dose"].notna())]


def plot_doses(responses: dict[str, Any]) -> Callable[[Path], None]:
    """Return what fills a folder with the figure of each dose-response curve."""
    return partial(_write_doses, responses)


def _write_doses(responses: dict[str, Any], folder: Path) -> None:
    from cell_pipelines.report.figures.dose_response import plot_dose_response
    from cell_pipelines.report.figures.files import write_figure

    for name, (fields, response) in responses.items():
        figure = plot_dose_response(fields, response, name="" if name == "all" else name)
        write_figure(figure, resolve_inside(folder, name))


def plot(fields: pd.DataFrame, conditions: pd.DataFrame) -> Any:
    """Return the figure of viability over conditions."""
    from cell_pipelines.report.figures.viability import plot_viability

    return plot_viability(fields, conditions)


def log_metrics(fields: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the numbers of the whole study as MLflow wants them."""
    live, dead = float(fields["live"].sum()), float(fields["dead"].sum())
    values = {"fields": float(len(fields)), "live": live, "dead": dead}
    if live + dead:
        values["percent"] = 100 * live / (live + dead)
    return {f"viability_{name}": {"value": value, "step": 0} for name, value in values.items()}


def draw(
    cells: AnnotationSet, states: pd.DataFrame, images: dict[str, ImageFile], parameters: ViabilityParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the images and the state of each cell."""
    if not parameters.pictures:
        return draw_nothing
    last = max((STATES.index(state) for state in states["status"].unique()), default=0)
    return partial(draw_pictures, with_states(cells, states, STATES[: last + 1]), images, parameters.parallel)


def write_report(
    pictures: Path,
    conditions: Embedded,
    doses: Path,
    origin: Origin,
    findings: pd.DataFrame,
    parameters: ViabilityParameters,
    *tables: pd.DataFrame,
) -> Page:
    """Return the page; `tables` as `TABLES` names them; the figures of conditions and of doses are already drawn."""
    from cell_pipelines.report.page.embedding import embed_figure_file
    from cell_pipelines.report.pages.viability import viability_cards, viability_sections

    named = dict(zip(TABLES, tables, strict=True))
    shown = some_pictures(pictures, parameters.pictures, _with_most_states(named["cells"]))
    curves = {
        name: embed_figure_file(resolve_inside(doses, f"{name}.png").read_bytes())
        for name in named["dose_response"]["response"].unique()
    }
    sections = viability_sections(named, shown, conditions, curves)
    return embedded_page(parameters.title, viability_cards(named), with_origin(sections, findings, origin))


def _with_most_states(cells: pd.DataFrame) -> list[str]:
    """Return the images that show living and dead cells side by side, or, where there are none, either."""
    shown = cells[cells["status"].isin(("live", "dead"))].groupby("image", sort=True)["status"].nunique()
    return [str(name) for name in shown.index[shown == shown.max()]] if len(shown) else []
