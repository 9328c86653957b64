"""One pass over the predictions counts what a matching for every number of them counts."""

import numpy as np
import pytest

from cell_pipelines.metrics.centroid_counts import count_found
from cell_pipelines.metrics.centroids import match_centroids


@pytest.mark.parametrize(("n_true", "n_predicted"), [(0, 0), (0, 3), (3, 0), (1, 1), (5, 9), (40, 60), (60, 25)])
@pytest.mark.parametrize("distance", [0.5, 2.0, 5.0, 100.0])
def test_every_number_of_predictions_finds_what_an_optimal_matching_of_them_finds(
    n_true: int, n_predicted: int, distance: float
) -> None:
    rng = np.random.default_rng([n_true, n_predicted, round(distance * 2)])
    true, predicted = (rng.integers(0, 20, (n, 2)).astype(float) for n in (n_true, n_predicted))
    expected = [match_centroids(true, predicted[:n], max_distance=distance).tp for n in range(n_predicted + 1)]
    assert count_found(true, predicted, max_distance=distance).tolist() == expected


def test_a_prediction_makes_room_along_a_long_chain() -> None:
    n = 3000
    true = np.stack([np.zeros(n + 1), np.arange(n + 1.0)], axis=1)
    predicted = np.stack([np.zeros(n + 1), np.append(np.arange(n) + 0.5, -0.5)], axis=1)
    assert count_found(true, predicted, max_distance=0.5)[-1] == n + 1


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_a_distance_that_is_not_above_0_is_refused(distance: float) -> None:
    with pytest.raises(ValueError, match="`max_distance` must be above 0"):
        count_found([[0, 0]], [[0, 0]], max_distance=distance)
