"""Nodes of plates: a small plate to its tables, workbook, figures and page."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.plates import nodes
from cell_pipelines.report.figures.plates import MOST_PLATES
from cell_pipelines.report.page.embedding import embed
from cell_pipelines.report.page.html import render_page
from cell_pipelines.study import choose_plate_counts, plate_measurements
from cell_pipelines.workflows.parameters.plates import PlateParameters


def small_plate(compounds: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return counts and layout of 96 wells: a column of each control, compounds along the rows."""
    rng = np.random.default_rng(0)
    layout, counts = [], []
    for row in "ABCDEFGH":
        for column in range(1, 13):
            role = {1: "control_negative", 12: "control_positive"}.get(column, "sample")
            compound = f"=x{ord(row) % compounds}" if role == "sample" else None
            dose = 10.0 ** (column - 7) if role == "sample" else None
            mean = {"control_negative": 100, "control_positive": 5}.get(role) or 100 / (1 + (dose or 0))
            layout.append((f"{row}{column}", compound, dose, role))
            counts.append((f"run_{row}{column:02d}_s1_w1.tif", rng.poisson(mean), "edge" if column == 3 else ""))
    wells = pd.DataFrame(layout, columns=["well", "compound", "concentration", "role"])
    table = pd.DataFrame(counts, columns=["image", "total", "warning"])
    return table.assign(model_run_id="run 7", thresholds="{}"), wells


def report(measurements: pd.DataFrame, layout: pd.DataFrame, parameters: PlateParameters) -> str:
    result, *_ = nodes.analyse(measurements, layout, parameters)
    figures = [embed(figure) for figure in nodes.plot(result, parameters)]
    return render_page(nodes.write_report(result, measurements, Invocation(Path()), parameters, *figures))


def test_the_page_shows_quality_maps_curves_hits_and_wells() -> None:
    page = report(*small_plate(), PlateParameters(title="Run 7"))
    for text in ("Run 7", "Z′", "with a 95 % interval from", "Quality", "Dose and response", "Hits", "ec50",
                 "run 7", "Every well", "8 images carry a warning"):  # fmt: skip
        assert text in page


def test_a_plate_without_a_layout_has_a_page_that_says_what_is_not_known() -> None:
    measurements, _ = small_plate()
    page = report(measurements, pd.DataFrame(), PlateParameters())
    assert "the plate has 0 negative controls with a value" in " ".join(page.split())
    assert "There is no hit" in page and "Dose and response" not in page


def test_the_workbook_has_a_sheet_for_each_table_and_text_stays_text(tmp_path: Path) -> None:
    import zipfile

    _, *tables = nodes.analyse(*small_plate(), PlateParameters())
    nodes.write_tables(*tables)(tmp_path)
    with zipfile.ZipFile(tmp_path / "plates.xlsx") as book:
        sheets = book.read("xl/workbook.xml").decode()
        assert all(f'name="{name}"' in sheets for name in nodes.TABLES)
        assert "=x0" in book.read("xl/sharedStrings.xml").decode()
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_z_prime_is_logged_and_what_is_unknown_is_not() -> None:
    result, *_ = nodes.analyse(*small_plate(), PlateParameters())
    metrics = nodes.log_metrics(result.quality)
    assert metrics["plates_z_prime/plate/measured"]["value"] == result.quality["z_prime"].iloc[0]
    assert nodes.log_metrics(result.quality.assign(z_prime=np.nan, z_prime_robust=np.nan, ssmd=np.nan)) == {}


@pytest.mark.parametrize(("path", "expected"), [(None, "new_counts"), ("/my/counts.csv", "plate_counts")])
def test_plates_are_made_of_new_counts_unless_a_table_is_named(path: str | None, expected: str) -> None:
    choose_plate_counts(path)
    try:
        assert plate_measurements() == expected
    finally:
        choose_plate_counts(None)


@pytest.mark.exhaustive
def test_more_plates_and_compounds_than_a_figure_has_room_for_are_in_the_tables() -> None:
    measurements, layout = small_plate()
    plates = [f"p{number:02d}" for number in range(MOST_PLATES + 2)]
    layouts = [layout.assign(plate=plate, compound=layout["compound"] + plate) for plate in plates]
    images = [measurements.assign(image=f"{plate}/" + measurements["image"]) for plate in plates]
    result, *_ = nodes.analyse(pd.concat(images), pd.concat(layouts, ignore_index=True), PlateParameters())
    maps, *_ = nodes.plot(result, PlateParameters())
    assert len(result.quality) == len(plates) and len(result.doses) == 2 * len(plates)
    titles = [axes.get_title(loc="left") for axes in maps.axes]
    assert sum(title.endswith("total") for title in titles) == MOST_PLATES
