"""Count how many true centroids the surest predictions find, for every number of them that is kept.

One more prediction lets one more centroid be found where an augmenting path leads from it to a free centroid, and
else none (Berge 1957, doi:10.1073/pnas.43.9.842); so one pass over the predictions takes the place of a matching for
every threshold.
"""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from cell_pipelines.metrics.checks import check_points
from cell_pipelines.typing import IntArray


def count_found(true_points: ArrayLike, predicted_points: ArrayLike, *, max_distance: float) -> IntArray:
    """Return how many true points the first 0 to N_predicted predictions find, each at most one.

    Args:
        true_points: (N_true, 2) as (row, column). N_true may be 0.
        predicted_points: (N_predicted, 2), the surest first.
        max_distance: Largest distance of a match, above 0, in the points' unit.

    Returns:
        (N_predicted + 1,) int64; place n is `match_centroids(true, predicted[:n]).tp` under the optimal rule.

    Example:
        >>> count_found([[0, 0], [0, 8]], [[0, 5], [0, 1], [0, 2]], max_distance=5).tolist()
        [0, 1, 2, 2]
    """
    true, predicted = check_points(true_points, "true_points"), check_points(predicted_points, "predicted_points")
    if not max_distance > 0:
        raise ValueError(f"`max_distance` must be above 0, got {max_distance}.")
    if not len(true) or not len(predicted):
        return np.zeros(len(predicted) + 1, dtype=np.int64)
    near = [list(map(int, row)) for row in KDTree(true).query_ball_point(predicted, max_distance)]
    owner = [-1] * len(true)  # the prediction that holds each true point
    gains = [_augment(start, near, owner) for start in range(len(predicted))]
    return np.append(0, np.cumsum(np.array(gains, dtype=np.int64)))


def _augment(start: int, near: list[list[int]], owner: list[int]) -> bool:
    """Let a prediction find a true point, others moving on to make room, in place; say whether it could."""
    before: dict[int, int] = {}  # true point: the prediction that reached it
    held = {start: -1}  # prediction: the true point that it would give up
    waiting = deque([start])
    while waiting:
        prediction = waiting.popleft()
        for point in near[prediction]:
            if point in before:
                continue
            before[point] = prediction
            if owner[point] < 0:
                while point >= 0:
                    owner[point] = before[point]
                    point = held[before[point]]
                return True
            held[owner[point]] = point
            waiting.append(owner[point])
    return False
