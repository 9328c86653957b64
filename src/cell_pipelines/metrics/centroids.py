"""Match predicted centroids to true ones, one to one within a distance, in one image.

Points are (row, column) in any one unit, pixels or micrometres. The default rule is optimal: as many matches
as the distance allows, and of those the least total distance. Nearest neighbours are no substitute: one blob
between two cells is the nearest of both and would count as two found cells.

Two further rules only serve to repeat published numbers (c-ResUNet, Morelli et al. 2021,
doi:10.1038/s41598-021-01929-5), for which the distance is 50 px. Both go through the cells in their order and
let each take the nearest that is still free and *nearer* than the distance. They are one-to-one, but not
optimal: a cell can take the only partner of the next, and the result depends on the order.

* ``greedy_2021``: true cells choose among predictions, as section 5.1 of the paper says.
* ``greedy_2021_code``: predictions choose among true cells, as the authors' published script does. The script
  measures between the centres of bounding boxes, rounded down to pixels.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from cell_pipelines.metrics.assignment import assign
from cell_pipelines.metrics.checks import check_labels, check_points
from cell_pipelines.metrics.label_overlap import number_cells
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

Pairs: TypeAlias = tuple[IntArray, IntArray, FloatArray]  # rows of both sides and their distance
CentroidRule = Literal["optimal", "greedy_2021", "greedy_2021_code"]

_RULES = get_args(CentroidRule)
_DENSE_PAIRS = 250 * 250  # up to here a table of all against all is faster than a search for neighbours


@dataclass(frozen=True, eq=False)
class CentroidMatching:
    """The one-to-one assignment of predicted to true points in one image.

    Attributes:
        true_index: (N_predicted,) int64, row of the true point that each prediction found, -1 for none.
        distance: (N_predicted,) float64, distance to it; nan for none.
        n_true: How many true points there are, found or not.
    """

    true_index: IntArray
    distance: FloatArray
    n_true: int

    @property
    def is_true_positive(self) -> BoolArray:
        """(N_predicted,) bool, True where the prediction found a true point."""
        return self.true_index >= 0

    @property
    def tp(self) -> int:
        """True positives: predictions that found a true point."""
        return int(np.count_nonzero(self.is_true_positive))

    @property
    def fp(self) -> int:
        """False positives: predictions that found none."""
        return self.true_index.size - self.tp

    @property
    def fn(self) -> int:
        """False negatives: true points that no prediction found."""
        return self.n_true - self.tp


def match_centroids(
    true_points: ArrayLike, predicted_points: ArrayLike, *, max_distance: float, rule: CentroidRule = "optimal"
) -> CentroidMatching:
    """Match predicted to true points, each at most once.

    Args:
        true_points: (N_true, 2) as (row, column). N_true may be 0.
        predicted_points: (N_predicted, 2), the same.
        max_distance: Largest distance of a match, above 0, in the points' unit. A distance of exactly this
            matches under ``optimal`` and does not under the two rules of 2021.
        rule: ``optimal``, or one of the two rules described at the top of this file.

    Returns:
        The matching.

    Example:
        >>> matching = match_centroids([[0, 0], [0, 8]], [[0, 5]], max_distance=10)
        >>> matching.tp, matching.fp, matching.fn, matching.true_index.tolist()
        (1, 0, 1, [1])
    """
    true, predicted = check_points(true_points, "true_points"), check_points(predicted_points, "predicted_points")
    if not max_distance > 0:
        raise ValueError(f"`max_distance` must be above 0, got {max_distance}.")
    if rule not in _RULES:
        raise ValueError(f"`rule` must be one of {', '.join(_RULES)}, got {rule!r}.")
    if rule == "greedy_2021":
        rows, columns, distances = _take_in_turn(true, predicted, max_distance)
    elif rule == "greedy_2021_code":
        columns, rows, distances = _take_in_turn(predicted, true, max_distance)
    elif len(true) * len(predicted) <= _DENSE_PAIRS:
        rows, columns, distances = _match_all_against_all(true, predicted, max_distance)
    else:
        rows, columns, distances = _match_neighbours(true, predicted, max_distance)
    true_index = np.full(len(predicted), -1, dtype=np.int64)
    distance = np.full(len(predicted), np.nan)
    true_index[columns], distance[columns] = rows, distances
    return CentroidMatching(true_index, distance, len(true))


def label_centroids(labels: NDArray[np.integer]) -> tuple[IntArray, FloatArray]:
    """Give the centroid of every cell of a label image.

    Args:
        labels: (H, W) integer, 0 for background. Labels may have gaps.

    Returns:
        The labels (N,) int64, ascending, and their centroids (N, 2) float64 as (row, column), pixel centres
        at whole numbers, as scikit-image's ``centroid``.
    """
    labels = check_labels(labels, "labels")
    places = np.flatnonzero(labels.ravel() > 0)
    row, column = np.divmod(places, labels.shape[1])
    ids, area, cell = number_cells(labels.ravel()[places])
    sums = (np.bincount(cell, weights=values, minlength=ids.size) for values in (row, column))
    return ids, np.stack([total / area for total in sums], axis=1)


def _match_all_against_all(true: FloatArray, predicted: FloatArray, limit: float) -> Pairs:
    distances = cdist(true, predicted)
    np.putmask(distances, distances > limit, (min(distances.shape) + 1) * limit)  # dearer than all matches together
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(distances)
    taken = distances[rows, columns]
    near = taken <= limit
    return rows[near], columns[near], taken[near]


def _match_neighbours(true: FloatArray, predicted: FloatArray, limit: float) -> Pairs:
    trees = [KDTree(points, balanced_tree=False, compact_nodes=False) for points in (true, predicted)]
    near = trees[0].sparse_distance_matrix(trees[1], limit, output_type="ndarray")
    pairs = near[assign(near["i"], near["j"], near["v"])]
    return pairs["i"], pairs["j"], pairs["v"]


def _take_in_turn(choosers: FloatArray, others: FloatArray, limit: float) -> Pairs:
    """Let each chooser, in order, take the nearest free other below the limit; the first of equals."""
    distances = cdist(choosers, others)
    taken, shortest = np.full(len(choosers), -1, dtype=np.int64), np.full(len(choosers), np.inf)
    for chooser in range(len(choosers) if len(others) else 0):
        nearest = int(np.argmin(distances[chooser]))
        if distances[chooser, nearest] < limit:
            taken[chooser], shortest[chooser] = nearest, distances[chooser, nearest]
            distances[:, nearest] = np.inf
    found = np.flatnonzero(taken >= 0)
    return found, taken[found], shortest[found]
