"""Numbers are rounded alike down a column, and nothing is shown as a dash."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.page.tables import defined, format_numbers, format_table, readable, significant


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.12345, 1.0], ("0.123", "1.000")),
        ([0.5, 9.25], ("0.50", "9.25")),
        ([0.5, 99.25], ("0.5", "99.2")),
        ([2.5, 12345.6], ("2", "12\u202f346")),
        ([5.0, float("nan"), None], ("5", "–", "–")),
        ([-0.5, 0.0], ("−0.500", "0.000")),
        ([-12345.0], ("−12\u202f345",)),
        ([9999], ("9999",)),
        ([0.9, 0.0001], ("0.900", "1.0e−04")),
        ([0.99964, 1.0, 0.5], ("0.9996", "1.000", "0.500")),
        ([float("inf"), 0.25], ("∞", "0.250")),
        ([], ()),
        ([None], ("–",)),
    ],
)
def test_numbers_are_rounded_as_their_column_needs(values: list[float | None], texts: tuple[str, ...]) -> None:
    assert format_numbers(values) == texts


def test_only_columns_that_a_table_has_are_defined() -> None:
    frame = pd.DataFrame(columns=["low_percent", "sd_between_fields"])
    meanings = {"low_percent, high_percent": "a", "sd_…": "b", "…_between_…": "c", "high": "d", "percent": "e"}
    assert list(defined(frame, meanings)) == ["low_percent, high_percent", "sd_…", "…_between_…"]


def test_what_holds_nothing_or_traces_a_row_is_left_out() -> None:
    frame = pd.DataFrame({"a": [1], "error": [""], "none": [None], "source": ["truth"], "source_images": ["120"]})
    assert list(readable(frame)) == ["a"] and list(readable(frame.iloc[:0])) == ["a", "error", "none"]


def test_numbers_of_several_units_keep_their_digits() -> None:
    frame = pd.DataFrame({"estimate": [95.58823, 2.96123, -0.00123456, np.nan], "p_adjusted": 0.5, "count": 3})
    shown = significant(frame)
    assert shown["estimate"].tolist()[:3] == ["95.59", "2.961", "−0.001235"]
    assert format_table(shown)[0].cells[3] == "–"
    assert shown["p_adjusted"].tolist() == [0.5] * 4 and frame["estimate"].dtype.kind == "f"


def test_numbers_are_known_from_words_and_flags() -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, 2],
            "part": [0.5, np.nan],
            "word": ["a", None],
            "flag": [True, False],
            "mixed": [3, "b"],
            "gap": pd.array([1, None], dtype="Int64"),
            "blank": [2.5, ""],
        }
    )
    columns = {column.name: column for column in format_table(frame)}
    assert [name for name, column in columns.items() if column.is_number] == ["whole", "part", "gap", "blank"]
    assert columns["word"].cells == ("a", "–")
    assert columns["flag"].cells == ("yes", "no")
    assert columns["mixed"].cells == ("3", "b")
    assert columns["gap"].cells == ("1", "–")
    assert columns["blank"].cells == ("2.50", "–")


def test_an_index_that_names_rows_is_shown_and_one_that_numbers_them_is_not() -> None:
    assert [c.is_index for c in format_table(pd.DataFrame({"n": [1]}))] == [False]
    named = format_table(pd.DataFrame({"n": [1]}, index=pd.Index(["RBC"], name="category")))
    assert [(c.name, c.cells, c.is_index) for c in named] == [("category", ("RBC",), True), ("n", ("1",), False)]
    levels = pd.MultiIndex.from_tuples([("a", 1)], names=["split", "fold"])
    assert [c.name for c in format_table(pd.DataFrame({("f1", "low"): [0.5]}, index=levels))] == [
        "split",
        "fold",
        "f1 · low",
    ]


def test_two_columns_of_one_name_are_both_shown() -> None:
    assert [c.cells for c in format_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))] == [("1",), ("2",)]


def test_an_empty_table_has_columns_without_cells() -> None:
    assert [c.cells for c in format_table(pd.DataFrame(columns=["a", "b"]))] == [(), ()]
