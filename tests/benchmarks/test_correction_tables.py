import pandas as pd
import pytest
from correcting_user import KINDS, SECONDS
from correction_tables import RUN, tabulate_conditions, tabulate_runs, with_minutes, with_missing


def _rows(order: str, draw: int, tp: int, **work: float) -> pd.DataFrame:
    counts = pd.DataFrame({"image": ["a", "b", "c"], "true": 20, "found": tp + 2, "tp": [tp, tp - 1, tp + 1]})
    counts = counts.assign(fp=2, fn=20 - counts["tp"])
    amount = 0 if order == "start" else 1
    return counts.assign(set="dsb2018", unit="images", amount=amount, order=order, draw=draw, **work)


def _images(tp: int) -> pd.DataFrame:
    work = dict.fromkeys(KINDS, 0.0) | {"added": 15.0, "images_seen": 3.0, "corrected": 15.0}
    return pd.concat([_rows("start", 0, 15), *(_rows("random", draw, tp, **work) for draw in (0, 1))])


def test_minutes_are_those_of_the_given_seconds() -> None:
    images = with_minutes(_images(18), SECONDS | {"added": 12.0, "image": 20.0})
    assert images.loc[images["order"] == "random", "minutes"].unique() == pytest.approx([(15 * 12 + 3 * 20) / 60])


def test_a_gain_has_a_price_and_a_loss_has_none() -> None:
    for tp, is_gain in ((18, True), (12, False)):
        row = tabulate_conditions(with_minutes(_images(tp), SECONDS)).set_index("order").loc["random"]
        assert (row["gain"] > 0) == is_gain
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        expected = pytest.approx(row["minutes"] / (100 * row["gain"]))
        assert row["minutes_per_point"] == expected if is_gain else pd.isna(row["minutes_per_point"])


def test_runs_that_were_not_done_have_an_empty_row_in_the_table() -> None:
    runs = tabulate_runs(with_minutes(_images(18), SECONDS))
    table = with_missing(runs)
    assert len(table) == 2 * (1 + 6 * 2 * 2)
    assert not table.duplicated(RUN).any()
    assert table["f1"].notna().sum() == len(runs) == 3
