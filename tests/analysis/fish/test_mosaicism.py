"""Signals are counted per nucleus, and nuclei per pattern and state."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from cell_pipelines.analysis.fish.mosaicism import STATES, count_signals, measure_aneuploidy, tabulate_patterns


def nuclei_of(*patterns: str, subject: str = "s1", destroyed: int = 0) -> pd.DataFrame:
    numbers = [[None if part == "?" else int(part) for part in pattern.split(":")] for pattern in patterns]
    return pd.DataFrame(
        {
            "image": f"{subject}.png",
            "nucleus": range(1, len(patterns) + 1),
            "category": ["destroyed"] * destroyed + ["whole"] * (len(patterns) - destroyed),
            "subject": subject,
            "red": pd.array([n[0] for n in numbers], dtype="Int64"),
            "green": pd.array([n[1] for n in numbers], dtype="Int64"),
            "pattern": pd.array(list(patterns), dtype="str"),
        }
    )


def signals_of(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["image", "channel", "nucleus"]).astype({"nucleus": "int64"})


NUCLEI = pd.DataFrame({"image": ["a", "a", "b"], "nucleus": [1, 2, 1], "category": ["whole", "destroyed", "whole"]})


def test_signals_are_counted_in_their_own_nucleus() -> None:
    signals = signals_of(("a", "red", 1), ("a", "red", 1), ("a", "green", 2), ("b", "green", 1))
    counted = count_signals(signals, NUCLEI)
    assert counted["pattern"].tolist() == ["2:0", "0:1", "0:1"]
    assert counted["red"].sum() + counted["green"].sum() == len(signals)
    assert list(counted.columns) == ["image", "nucleus", "category", "red", "green", "pattern"]


def test_a_channel_that_was_not_looked_at_is_not_known_rather_than_zero() -> None:
    counted = count_signals(signals_of(("a", "red", 1)), NUCLEI, channels=("red",))
    assert counted["pattern"].tolist() == ["1:?", "0:?", "0:?"]
    table = measure_aneuploidy(counted.assign(subject="s"))
    x = table[table["chromosome"] == "X"]
    assert (x["nuclei"] == 0).all() and (x["unknown"] == 2).all() and x["fraction_percent"].isna().all()


def test_no_nuclei_and_no_signals_give_empty_tables_of_the_same_kind() -> None:
    nothing = count_signals(signals_of(), NUCLEI.iloc[:0])
    assert nothing.empty and nothing["red"].dtype == "Int64"
    assert count_signals(signals_of(), NUCLEI)["pattern"].tolist() == ["0:0"] * 3
    for measure in (tabulate_patterns, measure_aneuploidy):
        full = measure(nuclei_of("2:2"))
        empty = measure(nuclei_of("2:2").iloc[:0])
        assert empty.empty and list(empty.columns) == list(full.columns) and (empty.dtypes == full.dtypes).all()


def test_wrong_tables_are_told() -> None:
    with pytest.raises(ValueError, match="`signals` must belong to `nuclei`, got 1 of others, such as nucleus 9 of b"):
        count_signals(signals_of(("b", "red", 9)), NUCLEI)
    with pytest.raises(ValueError, match="`nuclei` must name each nucleus once"):
        count_signals(signals_of(), pd.concat([NUCLEI, NUCLEI]))
    with pytest.raises(ValueError, match="Channels must be among red, green, got blue"):
        count_signals(signals_of(), NUCLEI, channels=("blue",))
    with pytest.raises(ValueError, match="`channels` must name every channel with signals, green is missing"):
        count_signals(signals_of(("a", "green", 1)), NUCLEI, channels=("red",))
    with pytest.raises(ValueError, match="sample is missing"):
        measure_aneuploidy(nuclei_of("2:2"), by=("sample",))


def test_patterns_of_a_group_add_up_and_the_commonest_comes_first() -> None:
    table = tabulate_patterns(nuclei_of("2:1", "2:2", "2:1", "2:2", "2:2", destroyed=1))
    assert table["pattern"].tolist() == ["2:2", "2:1"] and table["count"].tolist() == [3, 1]
    assert table["fraction_percent"].sum() == 100 and (table["destroyed"] == 1).all() and (table["nuclei"] == 4).all()


def test_a_group_without_a_whole_nucleus_is_shown() -> None:
    broken = nuclei_of("2:2", "1:2", destroyed=2)
    row = tabulate_patterns(broken).iloc[0]
    assert (row["pattern"], row["nuclei"], row["destroyed"]) == ("", 0, 2) and np.isnan(row["fraction_percent"])
    assert measure_aneuploidy(broken)["fraction_percent"].isna().all()


def test_every_state_is_counted_with_its_wilson_interval() -> None:
    nuclei = nuclei_of(*["0:2", "1:2", "2:2", "2:2", "3:2", "4:2", "6:2"])
    table = measure_aneuploidy(nuclei)
    reds = table[table["chromosome"] == "21"]
    assert reds["state"].tolist() == list(STATES) and reds["count"].tolist() == [1, 1, 2, 1, 2]
    low, high = proportion_confint(reds["count"].to_numpy(), 7, method="wilson")
    assert np.allclose(reds["low_percent"], 100 * low) and np.allclose(reds["high_percent"], 100 * high)
    assert table[(table["chromosome"] == "X") & (table["state"] == "disomic")]["fraction_percent"].item() == 100


def test_groups_are_apart_and_a_missing_name_is_a_group() -> None:
    nuclei = pd.concat([nuclei_of("1:2", "2:2"), nuclei_of("2:2", subject="s2")], ignore_index=True)
    nuclei.loc[2, "subject"] = np.nan
    table = measure_aneuploidy(nuclei)
    mono = table[(table["chromosome"] == "21") & (table["state"] == "monosomic")]
    assert mono["fraction_percent"].tolist() == [50, 0] and mono["subject"].isna().tolist() == [False, True]


def test_samples_that_differ_widen_the_interval() -> None:
    patterns = ["1:2"] * 30 + ["2:2"] * 30
    nuclei = nuclei_of(*patterns).assign(sample=["a"] * 30 + ["b"] * 30)
    row = measure_aneuploidy(nuclei, cluster="sample").iloc[1]
    assert row["clusters"] == 2 and row["clustered_low_percent"] < row["low_percent"]
    alone = measure_aneuploidy(nuclei.assign(sample="a"), cluster="sample").iloc[1]
    assert alone["clusters"] == 1 and np.isnan(alone["clustered_low_percent"])


def test_the_wilson_intervals_of_simulated_samples_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    samples = rng.choice(["1:2", "2:2", "3:2"], p=[0.15, 0.8, 0.05], size=(600, 80))
    nuclei = nuclei_of(*samples.ravel().tolist()).assign(subject=np.repeat(np.arange(600), 80))
    table = measure_aneuploidy(nuclei)
    mono = table[(table["chromosome"] == "21") & (table["state"] == "monosomic")]
    covered = ((mono["low_percent"] <= 15) & (mono["high_percent"] >= 15)).mean()
    assert 0.93 <= covered <= 0.97
