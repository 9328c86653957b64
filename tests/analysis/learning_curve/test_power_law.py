"""The law is the least-squares one, and its intervals hold as often as they say."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from cell_pipelines.analysis.learning_curve.power_law import NotEnoughTrials, PowerLaw, fit_power_law

SIZES = np.repeat([5.0, 12, 25, 63, 126, 252], 3)


def _values(seed: int, noise: float = 0.01) -> np.ndarray:
    return 0.95 - 0.8 * SIZES**-0.6 + np.random.default_rng(seed).normal(0, noise, SIZES.size)


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_the_one_that_scipy_finds_from_several_starts(seed: int) -> None:
    values = _values(seed)
    law = fit_power_law(SIZES, values)
    weights = np.sqrt((SIZES / SIZES.max()) ** law.steadying)
    found = min(
        (
            least_squares(
                lambda p: weights * (p[0] - p[1] * SIZES ** -p[2] - values),
                [0.9, 0.5, start], bounds=([-5, 0, 0.02], [1, 50, 5]), xtol=1e-14, ftol=1e-14,
            )
            for start in (0.1, 0.5, 1, 2)
        ),
        key=lambda result: result.cost,
    )  # fmt: skip
    assert (law.limit, law.amplitude, law.exponent) == pytest.approx(tuple(found.x), rel=1e-3)


def test_exact_points_give_their_law_back() -> None:
    sizes = np.array([4.0, 16, 64, 256])
    law = fit_power_law(sizes, 0.9 - 0.6 * sizes**-0.5)
    assert (law.limit, law.amplitude, law.exponent) == pytest.approx((0.9, 0.6, 0.5), abs=1e-4)
    low, high = law.band([1000])
    assert low[0] == pytest.approx(high[0], abs=1e-4)


def test_an_error_is_a_quality_turned_over() -> None:
    values = _values(0)
    quality, error = fit_power_law(SIZES, values), fit_power_law(SIZES, 1 - values, is_error=True)
    assert error.exponent == pytest.approx(quality.exponent, rel=1e-6)
    for ours, theirs in zip(error.band([100, 500]), reversed(quality.band([100, 500])), strict=True):
        assert ours == pytest.approx(1 - theirs, abs=1e-6)


def test_the_band_holds_the_curves_that_a_grid_search_finds_to_fit_well_enough() -> None:
    values = _values(1)
    law = fit_power_law(SIZES, values)
    assert law.steadying == 0
    a = np.linspace(0.85, 1, 121)[:, None, None]
    b, c = np.linspace(0, 3, 241)[None, :, None], np.linspace(0.2, 1.5, 131)[None, None]
    residuals = sum((a - b * size**-c - value) ** 2 for size, value in zip(SIZES, values, strict=True))
    fitting = residuals <= law.region.allowed
    for images in (60.0, 504.0):
        reached = (a - b * images**-c)[fitting]
        low, high = law.band([images])
        assert low[0] <= reached.min() + 1e-9 and high[0] >= reached.max() - 1e-9
        assert high[0] - low[0] == pytest.approx(np.ptp(reached), rel=0.15)


def test_trainings_on_the_same_images_count_as_one() -> None:
    values = _values(3)
    samples = np.where(SIZES == 252, "all", [f"s{number}" for number in range(SIZES.size)])
    law = fit_power_law(SIZES, values, samples=samples)
    assert law.sizes.size == SIZES.size - 2
    assert values[SIZES == 252].mean() == pytest.approx(law.values[law.sizes == 252][0])
    with pytest.raises(ValueError, match="as many images"):
        fit_power_law([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], samples=["a", "a", "b", "c"])


@pytest.mark.parametrize("sizes", [[], [5], [5, 5, 10, 10], [5, 10, 20]])
def test_too_few_sizes_or_trials_are_refused(sizes: list[int]) -> None:
    with pytest.raises(NotEnoughTrials, match="at least 3 sizes and 4 trainings"):
        fit_power_law(sizes, [0.5] * len(sizes))


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        fit_power_law([1, 2, 3, 4], [50, 60, 70, 80])
    with pytest.raises(ValueError, match="0 or more"):
        fit_power_law([1, 2, 3, 4], [-1, 0, 1, 2], is_error=True)


@pytest.mark.parametrize(("sizes", "noise"), [((5, 12, 25, 63, 126, 252), 0.01), ((10, 50, 200), 0.01)])
def test_intervals_of_the_curve_hold_as_often_as_they_say(sizes: tuple[int, ...], noise: float) -> None:
    n, rng, held = np.repeat(np.array(sizes, dtype=float), 3), np.random.default_rng(5), []

    def truth(images: np.ndarray) -> np.ndarray:
        return 0.95 - 0.8 * images**-0.6

    for _ in range(250):
        law: PowerLaw = fit_power_law(n, np.minimum(truth(n) + rng.normal(0, noise, n.size), 1))
        low, high = law.band([2 * n.max()])
        expected = truth(np.array([2 * n.max()]))
        held.append(low[0] <= expected[0] <= high[0])
    assert 0.91 <= np.mean(held) <= 0.99
