"""Layouts are read as laboratories write them, and what is wrong is one sentence."""

import pandas as pd
import pytest

from cell_pipelines.analysis.plates.layout import LAYOUT_COLUMNS, layout_of_wells, plate_shape, read_layout


def test_wells_get_their_place_and_what_is_not_said_is_a_sample_on_one_plate() -> None:
    layout = read_layout(pd.DataFrame({"well": ["a1", "B12"], "compound": ["x", None], "concentration": ["0.5", ""]}))
    assert list(layout) == list(LAYOUT_COLUMNS)
    assert layout["well"].tolist() == ["A01", "B12"]
    assert layout[["row", "column"]].to_numpy().tolist() == [[0, 0], [1, 11]]
    assert layout["role"].tolist() == ["sample", "sample"] and layout["plate"].nunique() == 1
    assert layout["concentration"].iloc[0] == 0.5 and layout["compound"].isna().tolist() == [False, True]
    assert plate_shape(layout) == (8, 12)


def test_negative_controls_have_the_concentration_0() -> None:
    layout = read_layout(pd.DataFrame({"well": ["A1", "A2"], "role": ["control_negative", "control_positive"]}))
    assert layout["concentration"].iloc[0] == 0 and layout["concentration"].isna().iloc[1]


def test_wells_of_two_plates_may_have_one_name() -> None:
    assert len(read_layout(pd.DataFrame({"plate": ["1", "2"], "well": ["A1", "A1"]}))) == 2
    assert len(layout_of_wells(["p", "p", "p"], ["A01", "A01", "A02"])) == 2


@pytest.mark.parametrize(
    ("table", "wells", "message"),
    [
        (pd.DataFrame({"name": ["A1"]}), None, "must have a column `well` .* it has name"),
        (pd.DataFrame({"well": ["A1", "7", "Z99"]}), None, "expected wells such as A01 or P24, got 7, Z99"),
        (pd.DataFrame({"well": ["A1", "I1"]}), 96, "a plate of 96 wells ends at H12, got I01"),
        (pd.DataFrame({"well": ["A1", "A01"]}), None, "once, A01 are there more often"),
        (pd.DataFrame({"well": ["A1"], "role": ["dmso"]}), None, "`role` must be one of sample, .*, got dmso"),
        (pd.DataFrame({"well": ["A1"], "concentration": ["1 uM"]}), None, "must be a number, 0 or more, got 1 uM"),
        (pd.DataFrame({"well": ["A1"], "concentration": [-1]}), None, "must be a number, 0 or more, got -1"),
    ],
)
def test_a_layout_that_can_not_be_used_is_refused(table: pd.DataFrame, wells: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_layout(table, wells=wells)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="got 7; .* got dmso; .* got x"):
        read_layout(pd.DataFrame({"well": ["7", "A1"], "role": ["dmso", ""], "concentration": ["x", "1"]}))
