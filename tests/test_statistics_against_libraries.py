"""Statistics that are written here agree with those of libraries that others keep, where both know the case."""

import numpy as np
import pytest
from scipy import stats

from cell_pipelines.analysis.evaluation.knee import find_knee
from cell_pipelines.analysis.model_comparison.ranking import critical_difference, friedman
from cell_pipelines.analysis.viability.four_parameters import fit_curve
from cell_pipelines.analysis.viability.points import Points
from cell_pipelines.metrics.conformal import calibrate_counts, conformal_quantile, count_scale


@pytest.mark.parametrize("seed", range(4))
def test_nemenyis_distance_and_friedmans_test_decide_as_scikit_posthocs_does(seed):
    posthocs = pytest.importorskip("scikit_posthocs")
    values = np.random.default_rng(seed).normal(size=(25, 5)) + np.linspace(0, 1.2, 5)
    ranks = stats.rankdata(values, axis=1)
    average, distance = ranks.mean(axis=0), critical_difference(5, 25)
    theirs = posthocs.posthoc_nemenyi_friedman(values).to_numpy()
    apart = np.abs(average[:, None] - average[None, :]) >= distance
    assert 0 < apart.sum() < 20
    np.testing.assert_array_equal(apart, theirs < 0.05)
    assert friedman(ranks)[1] == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)


@pytest.mark.parametrize("seed", range(4))
def test_a_dose_response_is_that_of_lmfit_with_the_same_deviance(seed):
    lmfit = pytest.importorskip("lmfit")
    rng = np.random.default_rng(seed)
    dose = np.repeat(np.linspace(-2, 2, 9), 3)
    truth = 0.1 + 0.8 / (1 + 10 ** (1.4 * (dose - 0.3)))
    total = np.full(dose.size, 400.0)
    live = rng.binomial(400, truth).astype(float)

    def deviance_residuals(parameters):
        given = parameters.valuesdict()
        mean = given["bottom"] + (given["top"] - given["bottom"]) / (1 + 10 ** (given["hill"] * (dose - given["ec50"])))
        mean = np.clip(mean, 1e-12, 1 - 1e-12)
        share = live / total
        return np.sign(share - mean) * np.sqrt(2 * total * (stats.entropy([share, 1 - share], [mean, 1 - mean])))

    start = lmfit.create_params(
        top={"value": 0.9, "min": 0, "max": 1}, bottom={"value": 0.1, "min": 0, "max": 1}, ec50=0.0, hill=1.0
    )
    theirs = lmfit.minimize(deviance_residuals, start).params.valuesdict()
    top, bottom, ec50, log_hill = fit_curve(Points(dose, live, total, np.arange(dose.size))).values
    ours = {"top": top, "bottom": bottom, "ec50": ec50, "hill": np.exp(log_hill)}
    assert ours == pytest.approx(theirs, abs=2e-3)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
# Where level times images + 1 is a whole number, crepes takes the next larger error by the rounding of 1 - level.
@pytest.mark.parametrize("images", [23, 40, 137])
def test_a_conformal_interval_is_as_wide_as_that_of_crepes(level, images):
    crepes = pytest.importorskip("crepes")
    errors = np.random.default_rng(images).normal(size=images)
    regressor = crepes.ConformalRegressor()
    regressor.fit(errors)
    low, high = regressor.predict_int(np.array([5.0]), confidence=level)[0]
    assert (high - low) / 2 == pytest.approx(conformal_quantile(np.abs(errors), level))


class CountModel:
    """A fitted model as scikit-learn's: what it predicts of a count is a function of it."""

    is_fitted, n_features_in_ = True, 1

    def __init__(self, function):
        self.function = function

    def fit(self, features, targets):
        return self

    def predict(self, features):
        return self.function(np.asarray(features, dtype=float)[:, 0])


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("scale", ["constant", "sqrt", "linear"])
@pytest.mark.parametrize(("level", "images"), [(0.8, 24), (0.9, 47), (0.95, 139)])
def test_an_interval_of_a_count_is_that_of_mapie(scale, symmetric, level, images):
    mapie = pytest.importorskip("mapie.regression")
    from mapie.conformity_scores import ResidualNormalisedScore

    rng = np.random.default_rng(images)
    true = rng.poisson(rng.uniform(5, 200, images))
    predicted = rng.binomial(true, 0.9) + rng.poisson(3, images)
    new = np.array([0, 1, 8, 40, 250])
    identity = CountModel(lambda counts: counts)
    errors = CountModel(lambda counts: count_scale(counts, scale))
    score = ResidualNormalisedScore(errors, prefit=True, sym=symmetric, consistency_check=False)
    regressor = mapie.SplitConformalRegressor(identity, confidence_level=level, conformity_score=score)
    theirs = regressor.conformalize(predicted[:, None], true).predict_interval(new[:, None])[1][:, :, 0]
    ours = calibrate_counts(true, predicted, level=level, scale=scale, symmetric=symmetric)
    size = count_scale(new, scale)
    np.testing.assert_allclose(theirs[:, 0], new - ours.below * size)
    np.testing.assert_allclose(theirs[:, 1], new + ours.above * size)


@pytest.mark.parametrize("bend", [0.05, 0.2, 0.5])
def test_a_knee_is_that_of_kneed_without_smoothing(bend):
    kneed = pytest.importorskip("kneed")
    x = np.linspace(0, 1, 41)
    y = x / (x + bend)
    theirs = kneed.KneeLocator(x, y, S=0, curve="concave", direction="increasing").knee
    assert x[find_knee(x, y)] == pytest.approx(theirs)
