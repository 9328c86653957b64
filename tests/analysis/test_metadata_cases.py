"""Tables of real cases keep their columns, and series numbered anew are not paired."""

import os
from pathlib import Path

import pandas as pd
import pytest

from cell_pipelines.analysis.metadata import describe_images
from cell_pipelines.analysis.viability.comparison import compare_conditions

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[2] / ".." / "shared" / "cases")) / "data"
BASE = r"(?P<field>(?P<series>series[0-9]+)_(?P<condition>[a-z0-9]+)_field[0-9]+)_(?P<channel>blue|red)"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")


def facts_of(case: str) -> pd.DataFrame:
    names = sorted(path.name for path in (CASES / case / "images").iterdir())
    table = pd.read_csv(CASES / case / "meta.csv", dtype="str")
    return describe_images(names, pattern=BASE, table=table, key="field")


def test_two_conditions_of_a_table_stay_beside_a_pattern_that_fits_no_name() -> None:
    facts = facts_of("metadata_two_conditions")
    assert facts[["condition", "series"]].to_numpy().tolist() == [["ctrl", "s1"], ["drug", "s2"]]


def test_series_numbered_anew_are_separate_with_a_caution() -> None:
    facts = facts_of("series_numbered_anew")
    live = facts["condition"].map({"ctrl": 19, "drug": 11})
    fields = facts.assign(live=live, total=live + facts["condition"].map({"ctrl": 2, "drug": 10}))
    (row,) = compare_conditions(fields).to_dict("records")
    assert (row["n1"], row["n2"], row["shared"]) == (3, 3, 0)
    assert "3 series have one name in both conditions" in row["caution"]
