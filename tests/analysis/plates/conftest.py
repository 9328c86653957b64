"""A generated plate and what is measured of it."""

import pandas as pd
import pytest

from cell_pipelines.simulation.plate import PlateScene, SimulatedPlate, simulate_plate


def measured(plate: SimulatedPlate) -> pd.DataFrame:
    """Return the counts of a plate as the table of images that counting writes."""
    names = [f"run_{well}_s1_w1.tif" for well in plate.layout["well"]]
    return pd.DataFrame({"image": names, "total": plate.counts, "error": "", "left_out": "", "warning": ""})


@pytest.fixture(scope="session")
def plate() -> SimulatedPlate:
    return simulate_plate(PlateScene(), seed=1)
