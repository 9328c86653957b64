"""Summaries of series and conditions hold every cell once, with intervals over fields and over series."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.viability.summary import summarise_viability, viability_tables
from cell_pipelines.metrics.clustered_proportions import clustered_interval

Make = Callable[..., pd.DataFrame]
ROWS = [
    ("s1", "a", 0.0, 8, 10), ("s1", "a", 1.0, 9, 10), ("s2", "a", 1.0, 5, 10), ("s3", "b", 0.0, 2, 10),
    ("s3", "b", 0.0, 0, 0),
]  # fmt: skip


def test_cells_of_a_condition_are_summed_and_both_intervals_are_those_of_clusters(make_fields: Make) -> None:
    table = summarise_viability(make_fields(ROWS)).set_index("condition")
    row = table.loc["a"]
    assert row[["fields", "series_count", "live", "dead", "total"]].tolist() == [3, 2, 22, 8, 30]
    for unit, counts in (("field", ([8, 9, 5], [10, 10, 10])), ("series", ([17, 5], [20, 10]))):
        interval = clustered_interval(*counts)
        ends = [row[f"low_by_{unit}_percent"], row[f"high_by_{unit}_percent"]]
        assert ends == pytest.approx([100 * interval.low, 100 * interval.high])
    assert row["sd_between_fields_percent"] == pytest.approx(np.std([80, 90, 50], ddof=1))
    assert row["sd_between_series_percent"] == pytest.approx(np.std([85, 50], ddof=1))
    assert table.loc["b", ["low_by_field_percent", "low_by_series_percent", "design_effect_by_field"]].isna().all()


def test_the_three_tables_hold_the_same_cells(make_fields: Make) -> None:
    tables = viability_tables(make_fields(ROWS))
    assert {name: int(table["total"].sum()) for name, table in tables.items()} == dict.fromkeys(tables, 40)
    assert tables["series"]["series"].tolist() == ["s1", "s2", "s3"]
    assert tables["groups"][["condition", "dose"]].values.tolist() == [["a", 0.0], ["a", 1.0], ["b", 0.0]]


def test_no_condition_is_one_group_and_some_are_unknown(make_fields: Make) -> None:
    rows = make_fields(ROWS)
    assert summarise_viability(rows.assign(condition=None))["condition"].tolist() == ["all"]
    some = summarise_viability(rows.assign(condition=rows["condition"].where(rows["condition"] == "a")))
    assert some["condition"].tolist() == ["a", "unknown"]


def test_without_series_there_is_an_interval_over_fields_only(make_fields: Make) -> None:
    rows = make_fields(ROWS)
    table = summarise_viability(rows.assign(series=rows["series"].where(rows["series"] != "s2")))
    assert np.isnan(table.loc[0, "low_by_series_percent"])
    assert np.isfinite(table.loc[0, "low_by_field_percent"])


def test_no_fields_and_no_cells_keep_the_columns(make_fields: Make) -> None:
    full, empty = summarise_viability(make_fields(ROWS)), summarise_viability(make_fields(ROWS)[:0])
    assert empty.empty
    assert empty.dtypes.equals(full.dtypes)
    none = summarise_viability(make_fields([("s", "a", 0, 0, 0)]))
    assert none[["live", "total"]].values.tolist() == [[0, 0]]
    assert none["viability_percent"].isna().all()


def test_unknown_groups_are_refused(make_fields: Make) -> None:
    with pytest.raises(ValueError, match=r"series, condition, dose, time, got \['well'\]"):
        summarise_viability(make_fields(ROWS), ["well"])


def test_fields_are_not_changed(make_fields: Make) -> None:
    rows = make_fields(ROWS)
    before = rows.copy()
    viability_tables(rows)
    pd.testing.assert_frame_equal(rows, before)
