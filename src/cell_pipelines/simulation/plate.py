"""A plate of 384 wells with dilution series of compounds whose EC50 is known, controls, and an effect of one side."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cell_pipelines.simulation.checks import Allowed, check_numbers, check_seed
from cell_pipelines.typing import FloatArray, IntArray

_ROWS, _COLUMNS = 16, 24
_DOSES: Final = 10
#: First columns of the two dilution series of each row, from 0; around them lie controls.
_SERIES: Final = (2, 12)
_REACH: Final = 3  # columns of the effect of a side
_ALLOWED = {
    "cells": Allowed(1.0, 1e6),
    "scatter": Allowed(0.0, 1.0),
    "positive": Allowed(0.0, 1.0),
    "inactive": Allowed(0.0, 1.0),
    "side_effect": Allowed(-1.0, 1.0),
    "highest": Allowed(1e-12, 1e12),
}


@dataclass(frozen=True)
class PlateScene:
    """A plate of 384 wells: 32 compounds at 10 concentrations each, 16 positive and 48 negative controls.

    Attributes:
        cells: Expected cells in a well of the negative control.
        scatter: Standard deviation of what wells differ by beyond the Poisson distribution, relative to the mean.
        positive: Cells that the positive control leaves, as a part of those of the negative one.
        inactive: Part of the compounds that do nothing.
        side_effect: Change of the number of cells in the leftmost column, relative to it; half of it in the next, a
            quarter in the third; 0 for none.
        highest: Highest concentration; each other is a third of that before.
    """

    cells: float = 100.0
    scatter: float = 0.08
    positive: float = 0.05
    inactive: float = 0.25
    side_effect: float = 0.0
    highest: float = 10.0

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_numbers(vars(self), _ALLOWED)


@dataclass(frozen=True, eq=False)
class SimulatedPlate:
    """A plate and the truth about it.

    Attributes:
        layout: One row per well: `well`, `compound`, `concentration`, `role`.
        expected: (384,) expected cells of each well, effects of the side included.
        counts: (384,) drawn cells of each well.
        compounds: One row per compound: `compound`, `ec50` (NaN of an inactive one), `hill`, `bottom`, the part of the
            cells that it leaves.
    """

    layout: pd.DataFrame
    expected: FloatArray
    counts: IntArray
    compounds: pd.DataFrame


def simulate_plate(scene: PlateScene, seed: int) -> SimulatedPlate:
    """Simulate one plate; the same scene and seed give the same plate.

    Args:
        scene: What the plate is like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> plate = simulate_plate(PlateScene(), seed=1)
        >>> len(plate.layout), plate.layout["role"].value_counts().to_dict()
        (384, {'sample': 320, 'control_negative': 48, 'control_positive': 16})
    """
    check_seed(seed)
    rng = np.random.default_rng(seed)
    compounds = _draw_compounds(scene, rng)
    layout = _lay_out(scene, list(compounds["compound"]))
    share = _shares(layout, compounds, scene)
    distance = layout["well"].str[1:].astype("int64") - 1
    share *= 1 + scene.side_effect * np.where(distance < _REACH, 0.5**distance, 0.0)
    expected = scene.cells * share
    means = expected
    if scene.scatter:
        shape = 1 / scene.scatter**2
        means = expected * rng.gamma(shape, 1 / shape, expected.size)
    return SimulatedPlate(layout, expected, rng.poisson(means).astype(np.int64), compounds)


def _draw_compounds(scene: PlateScene, rng: np.random.Generator) -> pd.DataFrame:
    count = _ROWS * len(_SERIES)
    lowest = scene.highest / 3 ** (_DOSES - 1)
    first, last = (float(np.log10(dose)) for dose in (lowest * 9, scene.highest / 9))  # two steps from either end
    ec50 = 10 ** rng.uniform(first, last, count)
    ec50[rng.permutation(count)[: round(scene.inactive * count)]] = np.nan
    return pd.DataFrame({
        "compound": [f"compound {number + 1:02d}" for number in range(count)], "ec50": ec50,
        "hill": rng.uniform(0.8, 2.0, count), "bottom": rng.uniform(0.05, 0.3, count),
    })  # fmt: skip


def _lay_out(scene: PlateScene, compounds: list[str]) -> pd.DataFrame:
    wells: list[tuple[str, str | None, float, str]] = []
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            name = f"{chr(ord('A') + row)}{column + 1:02d}"
            place = (column - _SERIES[0]) // _DOSES
            if _SERIES[0] <= column < _SERIES[0] + _DOSES * len(_SERIES):
                dose = scene.highest / 3.0 ** ((column - _SERIES[place]) % _DOSES)
                wells.append((name, compounds[row * len(_SERIES) + place], dose, "sample"))
            elif column in (1, _COLUMNS - 2) and (row + (column > 1)) % 2:
                wells.append((name, "reference", scene.highest, "control_positive"))
            else:
                wells.append((name, None, 0.0, "control_negative"))
    return pd.DataFrame(wells, columns=["well", "compound", "concentration", "role"])


def _shares(layout: pd.DataFrame, compounds: pd.DataFrame, scene: PlateScene) -> FloatArray:
    facts = compounds.set_index("compound").reindex(layout["compound"])
    dose, ec50 = layout["concentration"].to_numpy(dtype=np.float64), facts["ec50"].to_numpy(dtype=np.float64)
    hill, bottom = facts["hill"].to_numpy(dtype=np.float64), facts["bottom"].to_numpy(dtype=np.float64)
    acts = np.isfinite(ec50)
    share = np.ones(len(layout))
    share[acts] = bottom[acts] + (1 - bottom[acts]) / (1 + (dose[acts] / ec50[acts]) ** hill[acts])
    share[layout["role"] == "control_positive"] = scene.positive
    return share
