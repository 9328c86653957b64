"""Thresholds flag few normal subjects, whatever the controls, and still find mosaics."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cell_pipelines.analysis.fish.reference_range import LEAST_CONTROLS, ReferenceRange, add_thresholds

#: Share of nuclei of a normal subject in each state of either chromosome.
NORMAL = {"nullisomic": 0.002, "monosomic": 0.02, "trisomic": 0.01, "tetrasomic or more": 0.002}
NUCLEI = 200


def draw(rng: np.random.Generator, subjects: int, rho: float, mosaic: float = 0.0) -> pd.DataFrame:
    """Draw normal subjects, or mosaics with so many monosomic nuclei of X, by beta-binomial counts."""
    parts = []
    for chromosome in ("21", "X"):
        for state, share in NORMAL.items():
            p = share + (mosaic if (chromosome, state) == ("X", "monosomic") else 0.0)
            own = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, subjects) if rho else np.full(subjects, p)
            counts = rng.binomial(NUCLEI, own)
            parts.append(pd.DataFrame({"subject": range(subjects), "chromosome": chromosome, "state": state,
                                       "nuclei": NUCLEI, "count": counts}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def share_flagged(controls: int, rho: float, laboratories: int, mosaic: float = 0.0) -> float:
    rng, flagged = np.random.default_rng(2), []
    for _ in range(laboratories):
        found = add_thresholds(draw(rng, 60, rho, mosaic), draw(rng, controls, rho))
        flagged.append(found.groupby("subject")["above_threshold"].any().mean())
    return float(np.mean(flagged))


@pytest.mark.parametrize(("controls", "rho"), [(5, 0.0), (5, 0.01)])
def test_few_normal_subjects_are_flagged_with_five_controls(controls: int, rho: float) -> None:
    assert share_flagged(controls, rho, 6) <= 0.05  # 28 % by the laboratories' thresholds at 0.01


@pytest.mark.exhaustive
@pytest.mark.parametrize("controls", [3, 5, 10, 20])
@pytest.mark.parametrize("rho", [0.0, 0.01, 0.03])
def test_few_normal_subjects_are_flagged_with_any_number_of_controls(controls: int, rho: float) -> None:
    assert share_flagged(controls, rho, 40) <= 0.06


def test_mosaics_of_a_fifth_of_the_nuclei_are_found() -> None:
    assert share_flagged(5, 0.0, 6, mosaic=0.2) > 0.9


def test_a_subject_is_above_from_its_threshold_on() -> None:
    controls = draw(np.random.default_rng(0), 8, 0.01)
    reference = ReferenceRange(controls)
    assert reference.tests == 8
    least = int(reference.threshold("X", "monosomic", 100))
    counts = pd.DataFrame({"chromosome": "X", "state": "monosomic", "nuclei": 100, "count": [least - 1, least]})
    found = add_thresholds(counts, controls)
    assert found["above_threshold"].tolist() == [False, True]
    assert found["threshold_percent"].tolist() == [least, least]
    assert found["p_adjusted"].tolist() == pytest.approx((8 * found["p_normal"]).tolist())


def test_many_equal_controls_give_the_binomial_threshold() -> None:
    rng = np.random.default_rng(1)
    counts = rng.binomial(NUCLEI, 0.02, 3000)
    controls = pd.DataFrame({"chromosome": "X", "state": "monosomic", "nuclei": NUCLEI, "count": counts})
    expected = stats.binom.isf(0.05, NUCLEI, 0.02) + 1
    assert ReferenceRange(controls).threshold("X", "monosomic", NUCLEI) == pytest.approx(expected, abs=1)


def test_too_few_controls_disomy_and_no_nuclei_have_no_threshold() -> None:
    rng = np.random.default_rng(3)
    few = add_thresholds(draw(rng, 2, 0.0), draw(rng, LEAST_CONTROLS - 1, 0.0))
    assert few[["threshold_percent", "p_normal", "above_threshold"]].isna().all(axis=None)
    other = pd.DataFrame({"chromosome": "X", "state": ["disomic", "monosomic"], "nuclei": [200, 0], "count": [200, 0]})
    assert add_thresholds(other, draw(rng, 5, 0.0))["above_threshold"].isna().all()
    assert add_thresholds(other.iloc[:0], draw(rng, 5, 0.0)).empty
