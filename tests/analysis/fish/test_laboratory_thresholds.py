"""Thresholds from control samples are those of the laboratories."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cell_pipelines.analysis.fish.laboratory_thresholds import beta_inverse, compute_laboratory_thresholds, flag_samples
from cell_pipelines.analysis.fish.mosaicism import STATES


def table_of(*counts: int, nuclei: int | list[int] = 200, state: str = "monosomic") -> pd.DataFrame:
    sizes = np.array(nuclei if isinstance(nuclei, list) else [nuclei] * len(counts), dtype=np.int64)
    numbers = np.array(counts, dtype=np.int64)
    return pd.DataFrame(
        {
            "subject": [f"c{i}" for i in range(len(counts))],
            "chromosome": "X",
            "state": state,
            "nuclei": sizes,
            "count": numbers,
            "fraction_percent": 100 * numbers / np.where(sizes > 0, sizes, np.nan),
        }
    )


@pytest.mark.parametrize("n", [1, 20, 200, 500])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_the_beta_inverse_is_the_upper_clopper_pearson_limit_of_n_more_nuclei(n: int, share: float) -> None:
    x = int(share * n)
    assert beta_inverse(x, n) == pytest.approx(stats.beta.ppf(0.95, x + 1, n))
    # Two-sided at 90 % is one-sided at 95 %.
    assert beta_inverse(x, n) == pytest.approx(proportion_confint(x, n + x, alpha=0.1, method="beta")[1])


def test_with_no_false_positive_it_is_the_exact_limit() -> None:
    assert beta_inverse(0, 200) == pytest.approx(1 - 0.05 ** (1 / 200))


def test_thresholds_of_equal_controls() -> None:
    row = compute_laboratory_thresholds(table_of(2, 4, 6)).iloc[0]
    assert (row["controls"], row["n_nuclei"], row["most_false_positives"]) == (3, 200, 6)
    assert row["mean_3sd_percent"] == pytest.approx(2 + 3 * 1)
    assert row["beta_inverse_percent"] == pytest.approx(100 * stats.beta.ppf(0.95, 7, 200))
    exact = proportion_confint(6, 200, alpha=0.1, method="beta")[1]
    assert row["clopper_pearson_percent"] == pytest.approx(100 * exact)


def test_controls_of_other_sizes_are_brought_to_the_nuclei_that_are_scored() -> None:
    row = compute_laboratory_thresholds(table_of(1, 3, nuclei=[100, 150]), n_nuclei=500).iloc[0]
    assert row["most_false_positives"] == 10  # 3 of 150 is 2 %
    assert compute_laboratory_thresholds(table_of(1, 1, nuclei=[3, 0])).iloc[0]["controls"] == 1


def test_one_control_has_no_spread() -> None:
    thresholds = compute_laboratory_thresholds(table_of(4))
    assert np.isnan(thresholds["mean_3sd_percent"]).all() and thresholds["beta_inverse_percent"].notna().all()
    flagged = flag_samples(table_of(4, 50), thresholds)
    assert flagged["above_mean_3sd"].isna().all() and flagged["above_beta_inverse"].tolist() == [False, True]
    assert flagged["note"].tolist() == ["Only 1 control: a threshold needs 3 or more, better 5."] * 2


def test_controls_without_an_abnormal_nucleus_give_no_threshold_of_0_percent() -> None:
    thresholds = compute_laboratory_thresholds(table_of(0, 0, 0, 0, 0))
    assert np.isnan(thresholds["mean_3sd_percent"]).all() and (thresholds["threshold_percent"] >= 1).all()
    flagged = flag_samples(table_of(1), thresholds, table_of(0, 0, 0, 0, 0))
    assert flagged["above_mean_3sd"].isna().all() and not flagged["above_threshold"].any()


def test_no_controls_leave_everything_open_and_say_so() -> None:
    thresholds = compute_laboratory_thresholds(table_of())
    flagged = flag_samples(table_of(5, 6), thresholds)
    assert thresholds.empty and flagged["above_mean_3sd"].isna().all() and flagged["above_beta_inverse"].isna().all()
    assert set(flagged["note"]) == {"No control sample is named, so there is no threshold."}


def test_samples_are_flagged_by_their_own_state_and_the_normal_one_is_not() -> None:
    controls = pd.concat([table_of(2, 4, 6, 4, 4, state=state) for state in STATES])
    thresholds = compute_laboratory_thresholds(controls)
    assert "disomic" not in set(thresholds["state"]) and len(thresholds) == 4
    samples = pd.concat(
        [table_of(30, 4), table_of(190, state="disomic"), table_of(0, nuclei=0), table_of(9, nuclei=90)]
    )
    flagged = flag_samples(samples, thresholds)
    assert (
        flagged["above_mean_3sd"].tolist()[:2] == [True, False]
        and flagged["above_mean_3sd"].isna().tolist()[2:4] == [True] * 2
    )
    assert flagged["note"].tolist() == [
        "", "", "Disomy is the normal state, so it has no threshold.", "There is no whole nucleus to compare.",
        "The threshold is for the 90 nuclei of this sample, the laboratories' thresholds for 200.",
    ]  # fmt: skip
    assert flag_samples(samples.iloc[:0], thresholds).empty


def test_the_beta_inverse_holds_back_most_normal_samples() -> None:
    rng = np.random.default_rng(0)
    most = rng.binomial(200, 0.03, (2000, 20)).max(axis=1)
    limits = np.array([beta_inverse(x, 200) for x in range(40)])[most]
    assert np.mean(rng.binomial(200, 0.03, 2000) / 200 > limits) < 0.01


def test_wrong_numbers_and_names_are_told() -> None:
    with pytest.raises(ValueError, match="`n_nuclei` must be 1 or more, got 0"):
        compute_laboratory_thresholds(table_of(1), n_nuclei=0)
    with pytest.raises(ValueError, match=r"`false_positives` must lie between 0 and `n_nuclei` \(5\), got 6"):
        beta_inverse(6, 5)
    with pytest.raises(ValueError, match=r"`level` must lie in \(0, 1\), got 1"):
        beta_inverse(1, 5, level=1)
