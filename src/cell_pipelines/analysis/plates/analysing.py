"""From measurements and a layout to all that is said of plates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cell_pipelines.analysis.plates.controls import add_response, assess_plates, control_range
from cell_pipelines.analysis.plates.doses import fit_compounds, tabulate_doses
from cell_pipelines.analysis.plates.hits import find_hits
from cell_pipelines.analysis.plates.layout import layout_of_wells, plate_shape, read_layout
from cell_pipelines.analysis.plates.placing import place_images
from cell_pipelines.analysis.plates.position import add_residuals, compare_regions, position_effects
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.analysis.plates.wells import measure_wells
from cell_pipelines.analysis.viability.dose_response import DoseResponse
from cell_pipelines.annotations.plate_index import IndexedImage

#: Corrections one after another: the medians of controls are those of corrected wells from the second on.
_ROUNDS: Final = 2


@dataclass(frozen=True, eq=False)
class PlateResult:
    """Everything that is said of plates.

    Attributes:
        wells: One row per well: layout, value with interval, `response_percent`, `residual_percent`,
            `position_percent` (the effect of its row and column that is still in the value) and `measured_value`, the
            value before a correction.
        quality: One row per plate, and one more per plate of corrected values; `controls.QUALITY_COLUMNS`.
        effects: One row per plate and region; `position.EFFECT_COLUMNS`.
        doses: One row per compound with several concentrations; `doses.DOSE_COLUMNS`.
        curves: Points of the curves; `doses.POINT_COLUMNS`.
        hits: One row per treatment; `hits.HIT_COLUMNS`.
        responses: The curves by compound.
        shape: Rows and columns of the plates.
        is_share: Whether curves are of shares of cells, in per cent of the cells, not of the controls.
    """

    wells: pd.DataFrame
    quality: pd.DataFrame
    effects: pd.DataFrame
    doses: pd.DataFrame
    curves: pd.DataFrame
    hits: pd.DataFrame
    responses: dict[str, DoseResponse]
    shape: tuple[int, int]
    is_share: bool


def analyse_plates(
    measurements: pd.DataFrame, layout: pd.DataFrame, rules: PlateRules, index: Sequence[IndexedImage] = ()
) -> PlateResult:
    """Return what measurements say of the wells of plates.

    Args:
        measurements: One row per image or cell, as `placing.place_images` takes it.
        layout: One row per well, as `layout.read_layout` takes it; empty where only the places of wells are known.
        rules: What is measured and compared.
        index: What index files of the plate reader say of the images, as `annotations.plate_index` reads them.

    Raises:
        ValueError: The layout or the measurements can't be read, or do not fit each other.
    """
    wells, shape = place_wells(measurements, layout, rules, index)
    wells = add_response(wells)
    is_share = bool(rules.relative_to)
    measured = fit_compounds(wells, as_shares=False)
    wells = _locate(wells, measured, shape).assign(measured_value=wells["value"])
    quality, effects = assess_plates(wells), compare_regions(wells, shape)
    if rules.correct == "median_polish":
        for _ in range(_ROUNDS):
            wells = _correct(wells)
            measured = fit_compounds(wells, as_shares=False)
            wells = _locate(wells, measured, shape)
        quality = pd.concat([quality, assess_plates(wells, values="corrected")], ignore_index=True)
        is_share = False
    responses = fit_compounds(wells, as_shares=True) if is_share else measured
    doses, curves = tabulate_doses(responses)
    return PlateResult(wells, quality, effects, doses, curves, find_hits(wells, rules), responses, shape, is_share)


def place_wells(
    measurements: pd.DataFrame, layout: pd.DataFrame, rules: PlateRules, index: Sequence[IndexedImage] = ()
) -> tuple[pd.DataFrame, tuple[int, int]]:
    """Return one row per well with its value, and rows and columns of the plates.

    Args:
        measurements: As for `analyse_plates`.
        layout: As for `analyse_plates`.
        rules: As for `analyse_plates`.
        index: As for `analyse_plates`.

    Raises:
        ValueError: As `analyse_plates`.
    """
    known = read_layout(layout, wells=rules.plate_wells) if len(layout) else None
    placed = place_images(measurements, [] if known is None else list(known["plate"].unique()), rules, index)
    known = layout_of_wells(list(placed["plate"]), list(placed["well"])) if known is None else known
    return measure_wells(placed, known, rules), plate_shape(known, rules.plate_wells)


def _locate(wells: pd.DataFrame, responses: dict[str, DoseResponse], shape: tuple[int, int]) -> pd.DataFrame:
    """Return wells with what is left of them beyond their treatment, and the effect of their position on it."""
    left = add_residuals(wells, responses)
    return left.assign(position_percent=position_effects(left, shape))


def _correct(wells: pd.DataFrame) -> pd.DataFrame:
    """Return wells whose values, intervals and responses lack the effect of the position."""
    corrected = wells.copy()
    for _, own in wells.groupby("plate", sort=False):
        zero, hundred, of = control_range(own)
        per_percent = (hundred - zero if of else own["value"].median()) / 100
        for name in ("value", "low", "high"):
            corrected.loc[own.index, name] = own[name] - own["position_percent"] * per_percent
    return add_response(corrected)
