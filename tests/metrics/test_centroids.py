"""Points are matched one-to-one, as many as possible and as near as possible, or as the paper of 2021 did."""

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.measure import regionprops

from cell_pipelines.metrics.centroids import label_centroids, match_centroids


def random_points(seed: int, n_true: int, n_predicted: int, side: float = 300):
    """Give points on a grid of quarters, so that distances tie."""
    rng = np.random.default_rng(seed)
    return tuple(np.round(rng.uniform(0, side, (n, 2)) * 4) / 4 for n in (n_true, n_predicted))


def match_densely(true, predicted, limit: float) -> tuple[int, float]:
    """Give the number of matches and their total distance of a Hungarian algorithm on the whole table."""
    distances = cdist(true, predicted)
    i, j = linear_sum_assignment(np.where(distances <= limit, distances, 1e6))
    near = distances[i, j] <= limit
    return int(near.sum()), float(distances[i, j][near].sum())


def match_by_the_script_of_2021(true, predicted) -> int:
    """Count as the authors' loops do: each prediction strikes its nearest cell, nearer than 50, off the list."""
    left, found = [tuple(point) for point in true], 0
    for row, column in predicted:
        least, nearest = 50.0, None
        for cell in left:
            distance = math.hypot(row - cell[0], column - cell[1])
            if distance < least:
                least, nearest = distance, cell
        if nearest is not None:
            found += 1
            left.remove(nearest)
    return found


@pytest.mark.parametrize(("n_true", "n_predicted"), [(1, 1), (30, 40), (120, 100), (400, 300), (1, 30_000)])
@pytest.mark.parametrize("limit", [5.0, 50.0])
@pytest.mark.parametrize("seed", range(2))
def test_matches_are_as_many_and_as_near_as_a_dense_hungarian_finds(
    seed: int, limit: float, n_true: int, n_predicted: int
) -> None:
    true, predicted = random_points(seed, n_true, n_predicted)
    matching = match_centroids(true, predicted, max_distance=limit)
    count, total = match_densely(true, predicted, limit)
    assert (matching.tp, matching.fp, matching.fn) == (count, n_predicted - count, n_true - count)
    assert np.nansum(matching.distance) == pytest.approx(total)
    found = matching.true_index[matching.is_true_positive]
    assert np.unique(found).size == found.size
    assert (matching.distance[matching.is_true_positive] <= limit).all()


def test_one_blob_between_two_cells_is_one_match() -> None:
    matching = match_centroids([[0, 0], [0, 20]], [[0, 10]], max_distance=50)
    assert (matching.tp, matching.fp, matching.fn) == (1, 0, 1)


def test_as_many_matches_as_possible_come_before_short_distances() -> None:
    """The nearest pair is 1 apart; taking it would leave the other two points without a partner."""
    true, predicted = [[0, 0], [0, 10]], [[0, 9], [0, 19]]
    assert match_centroids(true, predicted, max_distance=10).true_index.tolist() == [0, 1]
    assert match_centroids(true, predicted, max_distance=9.5).true_index.tolist() == [0, 1]
    greedy = match_centroids(true[::-1], predicted, max_distance=9.5, rule="greedy_2021")
    assert greedy.true_index.tolist() == [0, -1]


def test_a_distance_of_exactly_the_limit_matches_and_does_not_under_the_rules_of_2021() -> None:
    points = [[0, 0]], [[3, 4]]
    assert match_centroids(*points, max_distance=5).tp == 1
    assert match_centroids(*points, max_distance=5, rule="greedy_2021").tp == 0
    assert match_centroids(*points, max_distance=5, rule="greedy_2021_code").tp == 0
    assert match_centroids(*points, max_distance=5).distance.tolist() == [5]


@pytest.mark.parametrize("seed", range(8))
def test_the_code_of_2021_is_repeated_and_the_paper_reads_it_from_the_other_side(seed: int) -> None:
    true, predicted = random_points(seed, 40, 50, side=400)
    code = match_centroids(true, predicted, max_distance=50, rule="greedy_2021_code")
    paper = match_centroids(predicted, true, max_distance=50, rule="greedy_2021")
    assert code.tp == match_by_the_script_of_2021(true, predicted) == paper.tp
    assert code.tp <= match_centroids(true, predicted, max_distance=50).tp


@pytest.mark.parametrize("rule", ["optimal", "greedy_2021", "greedy_2021_code"])
@pytest.mark.parametrize(("n_true", "n_predicted"), [(0, 0), (3, 0), (0, 3)])
def test_an_empty_side_matches_nothing(n_true: int, n_predicted: int, rule: str) -> None:
    matching = match_centroids(np.zeros((n_true, 2)), np.zeros((n_predicted, 2)), max_distance=5, rule=rule)
    assert (matching.tp, matching.fp, matching.fn) == (0, n_predicted, n_true)
    assert np.isnan(matching.distance).all()


def test_centroids_equal_those_of_scikit_image(make_labels) -> None:
    labels, _ = make_labels(5)
    cells = regionprops(labels)
    ids, points = label_centroids(labels)
    assert ids.tolist() == [cell.label for cell in cells]
    np.testing.assert_allclose(points, [cell.centroid for cell in cells])


def test_labels_without_cells_have_no_points() -> None:
    ids, points = label_centroids(np.zeros((4, 5), dtype=np.int32))
    assert ids.shape == (0,) and points.shape == (0, 2)


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    points = np.zeros((2, 2))
    with pytest.raises(ValueError, match="`max_distance` must be above 0, got 0"):
        match_centroids(points, points, max_distance=0)
    with pytest.raises(ValueError, match="`rule` must be one of optimal, greedy_2021, .* got 'nearest'"):
        match_centroids(points, points, max_distance=1, rule="nearest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`true_points` must have shape \(N, 2\)"):
        match_centroids([1, 2], points, max_distance=1)
