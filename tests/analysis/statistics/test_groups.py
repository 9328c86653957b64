"""Groups compared cell by cell and image by image."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cell_pipelines.analysis.statistics.groups import compare_groups, describe_groups


def measured(groups: dict[str, float], n_images: int, n_cells: int, *, seed: int = 0):
    """Cells of images of groups with a mean each."""
    rng = np.random.default_rng(seed)
    rows = []
    for group, mean in groups.items():
        for number in range(n_images):
            values = rng.normal(mean, 1, (n_cells, 2))
            rows += [{"image": f"{group}{number}", "group": group, "area_um2": a, "solidity": b} for a, b in values]
    return pd.DataFrame(rows)


FEATURES = ["area_um2", "solidity"]


def test_tests_are_those_of_scipy_and_statsmodels() -> None:
    table = measured({"a": 0, "b": 0.2, "c": 0.6}, 6, 20)
    found = compare_groups(table, FEATURES, "group")
    assert found["group_1"].tolist() == ["a", "a", "b"] * 2
    for row in found.itertuples():
        one, other = (table[table["group"] == name] for name in (row.group_1, row.group_2))
        cells = stats.mannwhitneyu(one[row.feature], other[row.feature])
        assert (row.mann_whitney_u, row.p) == (cells.statistic, cells.pvalue)
        medians = [own.groupby("image")[row.feature].median() for own in (one, other)]
        assert row.p_images == stats.mannwhitneyu(*medians).pvalue
        assert row.median_1 == one[row.feature].median()
        assert_allclose(row.rank_biserial, 2 * cells.statistic / (120 * 120) - 1)
        differences = np.subtract.outer(one[row.feature].to_numpy(), other[row.feature].to_numpy())
        assert_allclose(row.hodges_lehmann_shift, np.median(differences))
        assert row.hodges_lehmann_low < row.hodges_lehmann_shift < row.hodges_lehmann_high
    for name in ("p", "p_images"):
        assert_allclose(found[f"{name}_adjusted"], multipletests(found[name], method="holm")[1])
    assert (found["n_images_1"] == 6).all()
    assert (found["image_test"] == "mann_whitney").all()


def test_methods_on_the_same_images_are_compared_image_by_image() -> None:
    table = measured({"a": 0}, 9, 30)
    other = table.assign(group="b", area_um2=table["area_um2"] + 0.1)
    found = compare_groups(pd.concat([table, other[other["image"] != "a0"]]), ["area_um2"], "group").loc[0]
    assert found["image_test"] == "wilcoxon_signed_rank"
    assert found["n_images_compared"] == 8
    assert found["p_images"] == pytest.approx(2 / 2**8)
    assert found["hodges_lehmann_images"] == pytest.approx(-0.1)
    assert found["caution"] == "Images left out at image level since they hold one group only: 1."


def test_all_are_compared_with_a_reference() -> None:
    table = measured({"a": 0, "b": 5, "c": 0}, 3, 5)
    found = compare_groups(table, ["solidity"], "group", reference="a")
    assert list(zip(found["group_1"], found["group_2"], strict=True)) == [("b", "a"), ("c", "a")]
    assert 4 < found["hodges_lehmann_shift"][0] < 6
    with pytest.raises(ValueError, match="`reference` must be one of the groups a, b, c, got x"):
        compare_groups(table, ["solidity"], "group", reference="x")


def test_too_few_images_are_warned_of() -> None:
    three = compare_groups(measured({"a": 0, "b": 1}, 3, 9), FEATURES, "group")["caution"][0]
    assert (
        three == "With 3 and 3 images the image-level p cannot fall below 0.1, so it cannot show a difference at 5 %."
    )
    four = compare_groups(measured({"a": 0, "b": 1}, 4, 9), FEATURES, "group")["caution"][0]
    assert four.endswith("cannot fall below 0.029, which Holm's correction over 2 rows can lift above 0.05.")
    assert (compare_groups(measured({"a": 0, "b": 1}, 7, 9), FEATURES, "group")["caution"] == "").all()


def test_missing_values_are_counted() -> None:
    table = measured({"a": 0, "b": 1}, 2, 10)
    table.loc[[0, 1], "solidity"] = [np.nan, np.inf]
    table.loc[table["group"] == "b", "area_um2"] = np.nan
    found = compare_groups(table, FEATURES, "group")
    assert found["n_missing_1"].tolist() == [0, 2]
    assert found["n_cells_1"].tolist() == [20, 18]
    assert np.isnan(found["p"][0])
    assert found["caution"][0] == "One group has no value."
    assert found["p_adjusted"][1] == found["p"][1]
    described = describe_groups(table, ["solidity"], "group")
    assert described["n_missing"].tolist() == [2, 0]


@pytest.mark.parametrize("groups", [{}, {"a": 0.0}])
def test_one_group_and_no_cells_have_nothing_to_compare(groups) -> None:
    table = measured(groups, 2, 3) if groups else measured({"a": 0}, 2, 3)[:0]
    found, two = (
        compare_groups(table, FEATURES, "group"),
        compare_groups(measured({"a": 0, "b": 1}, 2, 3), FEATURES, "group"),
    )
    assert len(found) == 0
    assert found.dtypes.equals(two.dtypes)
    assert len(describe_groups(table, FEATURES, "group")) == 2 * len(groups)


def test_groups_are_described_as_by_pandas() -> None:
    table = measured({"b": 0, "a": 1}, 4, 6)
    found = describe_groups(table, ["area_um2"], "group").set_index("group")
    theirs = table.groupby("group", sort=False)["area_um2"].describe()
    assert found.index.tolist() == ["b", "a"]
    assert_allclose(found[["mean", "sd", "min", "quartile_1", "median", "quartile_3", "max"]], theirs.iloc[:, 1:])
    assert found["n_images"].tolist() == [4, 4]


def test_wrong_columns_and_levels_are_refused() -> None:
    table = measured({"a": 0, "b": 1}, 2, 3)
    with pytest.raises(ValueError, match="area_px2 are missing"):
        compare_groups(table, ["area_px2"], "group")
    with pytest.raises(ValueError, match="group are missing"):
        describe_groups(table.drop(columns="group"), FEATURES, "group")
    with pytest.raises(ValueError, match="`level` must lie within 0 and 1"):
        compare_groups(table, FEATURES, "group", level=1.0)


def test_cells_of_an_image_alike_fool_the_test_over_cells_and_not_that_over_images() -> None:
    """No difference between the groups, but images that differ: 5 % may be found, of 300 features 1 % to 9 %."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.arange(12), 25)
    values = rng.normal(0, 0.5, (12, 300))[image] + rng.normal(size=(300, 300))
    table = pd.DataFrame(values, columns=[f"f{number}" for number in range(300)])
    features = list(table)
    found = compare_groups(table.assign(image=image, group=np.where(image < 6, "a", "b")), features, "group")
    assert (found["p"] < 0.05).mean() > 0.3
    assert 0.01 <= (found["p_images"] < 0.05).mean() <= 0.09
