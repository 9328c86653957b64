"""Controls, position and hits against formulas written here, SciPy and planted effects."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cell_pipelines.analysis.plates.controls import add_response, assess_plates
from cell_pipelines.analysis.plates.hits import find_hits
from cell_pipelines.analysis.plates.position import compare_regions, polish, position_effects
from cell_pipelines.analysis.plates.rules import PlateRules


def wells(negative: list[float], positive: list[float], samples: list[float]) -> pd.DataFrame:
    values = [*negative, *positive, *samples]
    counts = (len(negative), len(positive), len(samples))
    roles = np.repeat(["control_negative", "control_positive", "sample"], counts)
    names = [f"A{number:02d}" for number in range(1, len(values) + 1)]
    compounds = [None if role != "sample" else name for role, name in zip(roles, names, strict=True)]
    return pd.DataFrame({"plate": "p", "well": names, "role": roles, "compound": compounds, "concentration": np.nan,
                         "value": values})  # fmt: skip


def test_z_prime_is_that_of_its_definition() -> None:
    negative, positive = [100.0, 110, 90, 104], [10.0, 14, 6]
    row = assess_plates(wells(negative, positive, [])).iloc[0]
    expected = 1 - 3 * (np.std(negative, ddof=1) + np.std(positive, ddof=1)) / (np.mean(negative) - np.mean(positive))
    assert row["z_prime"] == pytest.approx(expected)
    spread = [stats.median_abs_deviation(own, scale="normal") for own in (negative, positive)]
    assert row["z_prime_robust"] == pytest.approx(
        1 - 3 * sum(spread) / (np.median(negative) - np.median(positive)), abs=1e-4
    )


@pytest.mark.parametrize(
    ("negative", "positive", "note"),
    [
        ([], [1.0, 2.0], "the plate has 0 negative controls with a value"),
        ([1.0], [2.0], "1 negative control with a value and 1 positive control"),
        ([1.0, 3.0], [1.0, 3.0], "The means of the controls are the same"),
    ],
)
def test_without_controls_z_prime_is_unknown_and_says_why(
    negative: list[float], positive: list[float], note: str
) -> None:
    row = assess_plates(wells(negative, positive, [5.0])).iloc[0]
    assert np.isnan(row["z_prime"]) and np.isnan(row["z_prime_robust"])
    assert note in row["note"]


def test_an_interval_of_z_prime_lies_around_it_and_gets_shorter_with_more_wells() -> None:
    quantiles = {n: stats.norm.ppf((np.arange(n) + 0.5) / n) for n in (8, 16, 32)}
    rows = [assess_plates(wells(list(100 + 10 * q), list(10 + 3 * q), [])).iloc[0] for q in quantiles.values()]
    for name in ("z_prime", "z_prime_robust"):
        assert all(row[f"{name}_low"] < row[name] < row[f"{name}_high"] < 1 for row in rows)
        widths = [row[f"{name}_high"] - row[f"{name}_low"] for row in rows]
        assert widths == sorted(widths, reverse=True)
    assert all(row["note"] == "" for row in rows)


def test_of_far_controls_the_interval_is_that_of_a_standard_deviation() -> None:
    values = np.array([-12.0, 5, 3, -4, 9, 0, -7, 6])
    row = assess_plates(wells(list(1e9 + values), [0.0] * 8, [])).iloc[0]
    limits = np.sqrt(7 * values.var(ddof=1) / stats.chi2.ppf([0.025, 0.975], 7))
    assert (1 - row[["z_prime_low", "z_prime_high"]].to_numpy(float)) * 1e9 / 3 == pytest.approx(limits, rel=1e-4)


def test_intervals_of_z_prime_contain_the_truth_in_95_of_100_plates() -> None:
    rng, truth = np.random.default_rng(2), 1 - 3 * 13 / 90
    rows = pd.concat(
        assess_plates(wells(list(rng.normal(100, 10, 8)), list(rng.normal(10, 3, 8)), [])) for _ in range(300)
    )
    for name, least in (("z_prime", 0.92), ("z_prime_robust", 0.93)):
        assert ((rows[f"{name}_low"] <= truth) & (truth <= rows[f"{name}_high"])).mean() >= least


@pytest.mark.parametrize(
    ("negative", "positive", "note"),
    [
        ([9.0, 8, 7], [1.0, 2, 3, 4], "There is no interval of Z': it needs 4 wells of each control or more."),
        ([9.0] * 4, [1.0] * 4, "There is no interval of Z': the controls do not scatter."),
        ([9.0, 1, 9, 1], [8.0, 1, 8, 1], "the difference of the controls can't be told from 0."),
        ([9.0, 9, 9, 8], [1.0, 1, 1, 2], "There is no interval of the robust Z': the controls do not scatter."),
    ],
)
def test_without_an_interval_of_z_prime_a_sentence_says_why(
    negative: list[float], positive: list[float], note: str
) -> None:
    row = assess_plates(wells(negative, positive, [])).iloc[0]
    assert np.isfinite(row["z_prime"]) and np.isnan(
        row["z_prime_robust_low"] if "robust" in note else row["z_prime_low"]
    )
    assert note in row["note"]


def test_the_response_is_100_at_the_negative_and_0_at_the_positive_controls() -> None:
    table = add_response(wells([100, 100], [20, 20], [60, 20, 100]))
    assert table["response_percent"].tolist() == [100, 100, 0, 0, 50, 0, 100]
    assert add_response(wells([100, 100], [], [60]))["response_percent"].iloc[-1] == 60
    unknown = add_response(wells([], [20, 20], [60]))
    assert unknown["response_percent"].isna().all() and set(unknown["response_of"]) == {""}


def test_median_polish_gives_back_planted_effects_and_ignores_gaps() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.zeros(16), np.zeros(24)
    rows[3], columns[0] = 12.0, -20.0
    plate = np.add.outer(rows, columns) + rng.normal(0, 1, (16, 24))
    plate[5, 5] = np.nan
    row_effects, column_effects = polish(plate)
    assert np.abs(row_effects - rows).max() < 1.5 and np.abs(column_effects - columns).max() < 1.5
    assert polish(np.full((2, 3), np.nan))[0].tolist() == [0, 0]


def test_the_sides_of_a_plate_are_compared_with_its_inside() -> None:
    rng = np.random.default_rng(1)
    row, column = (grid.ravel() for grid in np.indices((8, 12)))
    table = pd.DataFrame({"plate": "p", "row": row, "column": column, "residual_percent": rng.normal(0, 3, 96)})
    table.loc[table["column"] == 0, "residual_percent"] -= 15
    effects = compare_regions(table, (8, 12)).set_index("region")
    inside = table[(row > 0) & (row < 7) & (column > 0) & (column < 11)]["residual_percent"]
    test = stats.ttest_ind(table[column == 0]["residual_percent"], inside, equal_var=False)
    assert effects.loc["left", "p"] == pytest.approx(test.pvalue)
    assert effects["p_adjusted"].idxmin() == "left" and effects.loc["right", "p_adjusted"] > 0.05
    assert effects.loc["left", "low_percent"] < -15 < effects.loc["left", "high_percent"]


def test_one_well_is_compared_with_the_controls_by_the_t_test_of_a_single_value() -> None:
    negative = [100.0, 104, 96, 99, 101, 103]
    table = find_hits(add_response(wells(negative, [10.0, 12], [60.0, 101])), PlateRules()).set_index("compound")
    for name, value in (("A09", 60.0), ("A10", 101.0)):
        expected = stats.ttest_ind([value], negative).pvalue
        assert table.loc[name, "p"] == pytest.approx(expected)
    assert table["hit"].tolist() == [True, False]
    np.testing.assert_allclose(table["p_adjusted"], stats.false_discovery_control(table["p"]))


def test_a_small_effect_is_no_hit_however_certain() -> None:
    table = add_response(wells([100.0, 100.2, 99.8, 100], [0.0, 1], [95.0]))
    assert find_hits(table, PlateRules()).iloc[0]["hit"]
    assert not find_hits(table, PlateRules(least_effect_percent=10)).iloc[0]["hit"]


def test_without_enough_reference_wells_there_is_no_p_and_the_note_says_so() -> None:
    table = find_hits(add_response(wells([100.0, 90], [1.0], [50.0])), PlateRules())
    assert table["p"].isna().all() and not table["hit"].any()
    assert "fewer than 3 wells of reference" in table["note"].iloc[0]
    assert find_hits(add_response(wells([100.0, 90], [1.0], [])), PlateRules()).empty


@pytest.mark.exhaustive
def test_among_samples_that_do_nothing_no_more_hits_are_found_than_the_rate_allows() -> None:
    rng = np.random.default_rng(3)
    plates = [wells([], [], list(rng.normal(100, 8, 320))) for _ in range(20)]
    hits = [find_hits(add_response(one), PlateRules(reference="sample"))["hit"].any() for one in plates]
    assert np.mean(hits) <= 0.15


def test_only_effects_of_position_that_stand_out_are_named() -> None:
    row, column = (grid.ravel() for grid in np.indices((16, 24)))
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"plate": "p", "row": row, "column": column, "residual_percent": rng.normal(0, 8, 384)})
    assert (position_effects(table, (16, 24)) != 0).mean() < 0.2
    table.loc[table["column"] == 0, "residual_percent"] -= 20
    effects = position_effects(table, (16, 24))
    assert effects[(column == 0) & (row > 0)].median() == pytest.approx(-20, abs=5)
    assert position_effects(table.assign(residual_percent=np.nan), (16, 24)).eq(0).all()
