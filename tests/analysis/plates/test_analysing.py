"""A generated plate of 384 wells against the truth that was put in."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.plates.analysing import analyse_plates
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.simulation.plate import PlateScene, SimulatedPlate, simulate_plate

from .conftest import measured


def test_ec50s_are_those_that_were_put_in(plate: SimulatedPlate) -> None:
    result = analyse_plates(measured(plate), plate.layout, PlateRules())
    doses = result.doses.merge(plate.compounds, on="compound", suffixes=("", "_true"))
    active = doses[doses["ec50_true"].notna()]
    error = np.abs(np.log10(active["ec50"] / active["ec50_true"]))
    assert np.median(error) < 0.2
    covered = (active["ec50_low"] <= active["ec50_true"]) & (active["ec50_true"] <= active["ec50_high"])
    assert covered.mean() > 0.85
    assert doses[doses["ec50_true"].isna()]["ec50"].notna().sum() <= 2
    assert 0.3 < result.quality["z_prime"].iloc[0] < 1
    assert result.shape == (16, 24) and len(result.wells) == 384
    assert not (result.effects["p_adjusted"] < 0.01).any()


@pytest.mark.exhaustive
def test_an_effect_of_one_side_is_seen_and_taken_from_the_values() -> None:
    plate = simulate_plate(PlateScene(side_effect=-0.3, inactive=1.0), seed=2)
    before = analyse_plates(measured(plate), plate.layout, PlateRules())
    after = analyse_plates(measured(plate), plate.layout, PlateRules(correct="median_polish"))
    left = before.effects.set_index("region").loc["left"]
    assert left["p_adjusted"] < 0.001 and left["high_percent"] < 0
    side = after.wells["column"] == 0
    truth = plate.expected.max()
    assert abs(after.wells[side]["value"].mean() - truth) < abs(before.wells[side]["value"].mean() - truth) / 2
    assert after.quality["values"].tolist() == ["measured", "corrected"]
    assert after.quality["z_prime"].iloc[1] > after.quality["z_prime"].iloc[0]
    pd.testing.assert_series_equal(after.wells["measured_value"], before.wells["value"], check_names=False)


@pytest.mark.exhaustive
def test_shares_of_cells_are_fitted_as_shares(plate: SimulatedPlate) -> None:
    rng = np.random.default_rng(0)
    share = np.clip(plate.expected / 110, 0, 1)
    table = measured(plate).assign(live=rng.binomial(200, share), total=200)
    result = analyse_plates(table, plate.layout, PlateRules(measure="live", relative_to="total"))
    assert result.is_share and result.wells["value"].between(0, 100).all()
    doses = result.doses.merge(plate.compounds, on="compound", suffixes=("", "_true")).dropna(subset="ec50_true")
    assert np.median(np.abs(np.log10(doses["ec50"] / doses["ec50_true"]))) < 0.1


def test_places_alone_give_values_and_effects_but_no_response(plate: SimulatedPlate) -> None:
    result = analyse_plates(measured(plate), pd.DataFrame(), PlateRules())
    assert len(result.wells) == 384 and result.wells["response_percent"].isna().all()
    assert result.doses.empty and not result.hits["hit"].any()
    assert result.effects["difference_percent"].notna().all()


@pytest.mark.exhaustive
def test_plates_are_set_against_their_own_controls(plate: SimulatedPlate) -> None:
    layout = pd.concat([plate.layout.assign(plate=name) for name in ("p1", "p2")])
    first = measured(plate)
    tables = [first.assign(image="p1/" + first["image"]),
              first.assign(image="p2/" + first["image"], total=3 * first["total"])]  # fmt: skip
    result = analyse_plates(pd.concat(tables), layout, PlateRules())
    by_plate = result.wells.set_index(["plate", "well"])["response_percent"]
    np.testing.assert_allclose(by_plate["p1"], by_plate["p2"])
    assert result.quality["z_prime"].nunique() == 1 and len(result.quality) == 2
    assert (result.hits["plates"] == 2).all()


@pytest.mark.parametrize("seed", [0, 7])
def test_a_generated_plate_is_the_same_again(seed: int) -> None:
    first, second = (simulate_plate(PlateScene(), seed) for _ in range(2))
    pd.testing.assert_frame_equal(first.layout, second.layout)
    np.testing.assert_array_equal(first.counts, second.counts)
