"""Nodes of plates."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.invocation import Invocation
from cell_pipelines.provenance import code_versions
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page
from cell_pipelines.workflows import plates
from cell_pipelines.workflows.outputs import write_workbook
from cell_pipelines.workflows.parameters.plates import PlateParameters
from cell_pipelines.workflows.plates import FIGURES, TABLES


def analyse(measurements: pd.DataFrame, layout: pd.DataFrame, parameters: PlateParameters) -> tuple[Any, ...]:
    """Return everything that is said of the plates, an `analysis.plates.analysing.PlateResult`, and its tables."""
    result = plates.analyse(measurements, layout, parameters)
    return result, *(getattr(result, name) for name in TABLES)


def plot(result: Any, parameters: PlateParameters) -> tuple[Any, ...]:
    """Return the figures of maps, controls, curves and hits."""
    return tuple(plates.plot(result, parameters).values())


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
    named = dict(zip(FIGURES, figures, strict=True))
    return plates.report(result, measurements, parameters, named, code_versions(invocation.project))
