"""Values of wells and their intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cell_pipelines.analysis.plates.layout import read_layout
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.analysis.plates.wells import measure_wells

LAYOUT = read_layout(pd.DataFrame({"well": ["A01", "A02"]}))


def placed(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"plate": LAYOUT["plate"].iloc[0], "well": "A01", **columns})


def test_the_value_is_the_mean_of_the_sites_with_students_interval() -> None:
    wells = measure_wells(placed(image=["a", "b", "c"], site=["1", "2", "3"], total=[10, 14, 18]), LAYOUT, PlateRules())
    low, high = stats.t.interval(0.95, 2, loc=14, scale=stats.sem([10, 14, 18]))
    assert wells.loc[0, ["value", "sites", "interval"]].tolist() == [14, 3, "sites"]
    np.testing.assert_allclose(wells.loc[0, ["low", "high"]].astype(float), [low, high])


def test_a_well_without_an_image_has_no_value() -> None:
    wells = measure_wells(placed(image=["a"], total=[10]), LAYOUT, PlateRules())
    assert wells.loc[1, ["images", "sites"]].tolist() == [0, 0] and np.isnan(wells.loc[1, "value"])
    assert np.isnan(wells.loc[0, "low"]) and wells.loc[0, "interval"] == ""


def test_one_site_has_the_interval_of_its_count() -> None:
    table = placed(image=["a"], total=[10], total_low=[8], total_high=[13])
    wells = measure_wells(table, LAYOUT, PlateRules())
    assert wells.loc[0, ["value", "low", "high", "interval"]].tolist() == [10, 8, 13, "count"]


def test_rows_of_one_image_are_averaged_before_sites_are() -> None:
    table = placed(image=["a", "a", "a", "b"], area=[1.0, 2.0, 3.0, 10.0])
    assert measure_wells(table, LAYOUT, PlateRules(measure="area")).loc[0, "value"] == 6.0


def test_a_share_is_that_of_all_cells_with_wilsons_interval_of_one_site() -> None:
    rules = PlateRules(measure="dead", relative_to="total")
    wells = measure_wells(placed(image=["a"], dead=[3], total=[12]), LAYOUT, rules)
    np.testing.assert_allclose(
        wells.loc[0, ["value", "low", "high"]].astype(float),
        [25, *(100 * end for end in proportion_confint(3, 12, method="wilson"))],
    )
    assert wells.loc[0, "interval"] == "cells"


def test_a_share_of_no_cells_is_unknown() -> None:
    rules = PlateRules(measure="dead", relative_to="total")
    wells = measure_wells(placed(image=["a"], dead=[0], total=[0]), LAYOUT, rules)
    assert np.isnan(wells.loc[0, "value"]) and wells.loc[0, "images"] == 1


@pytest.mark.parametrize(
    ("table", "rules", "message"),
    [
        (placed(image=["a"], total=[1]), {"measure": "area"}, r"column of numbers \(total\), got area"),
        (placed(image=["a"], total=[1]).assign(well="H12"), {}, "1 wells with images are not in the layout"),
        (placed(image=["a"], dead=[5], total=[1]), {"measure": "dead", "relative_to": "total"}, "a part of"),
    ],
)  # fmt: skip
def test_what_can_not_be_measured_is_a_sentence(table: pd.DataFrame, rules: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_wells(table, LAYOUT, PlateRules(**rules))
