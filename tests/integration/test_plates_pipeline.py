"""A generated plate through `kedro run`: tables, workbook and page, with the EC50s that were put in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.simulation.plate import PlateScene, simulate_plate

from .conftest import Project

pytestmark = pytest.mark.slow


def test_a_plate_of_384_wells_goes_from_counts_and_layout_to_the_page(tmp_path: Path) -> None:
    plate = simulate_plate(PlateScene(), seed=3)
    names = [f"run_{well}_s1_w1.tif" for well in plate.layout["well"]]
    pd.DataFrame({"image": names, "total": plate.counts}).to_csv(tmp_path / "counts.csv", index=False)
    plate.layout.to_csv(tmp_path / "layout.csv", index=False)
    project = Project(tmp_path / "project")
    project.run("plates", plate_counts=str(tmp_path / "counts.csv"), plate_layout=str(tmp_path / "layout.csv"))
    folder = project.path("08_reporting", "plates")
    doses = pd.read_parquet(folder / "doses.parquet").merge(plate.compounds, on="compound", suffixes=("", "_true"))
    error = np.log10(doses["ec50"] / doses["ec50_true"]).abs()
    assert error.median() < 0.2 and len(pd.read_csv(folder / "wells.csv")) == 384
    assert (folder / "workbook" / "plates.xlsx").is_file()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("Quality", "Dose and response", "compound 32", "Every well"))
