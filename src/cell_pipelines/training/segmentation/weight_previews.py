"""The weight map of a training, on a tile that a network will see."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.weight_map import create_weight_map
from cell_pipelines.training.segmentation.settings import SegmentationTraining
from cell_pipelines.typing import Float32Array, LabelImage


@dataclass(frozen=True, eq=False)
class WeightPreview:
    """Weights of one tile, and how those of two neighbours add up.

    Attributes:
        labels: (H, W), 0 for background.
        weights: (H, W) of all cells.
        line: (2, 2) row and column of the centroids of the two cells nearest to each other; no row for fewer than two.
        profiles: (3, N) weights along that line, of the first cell alone, of the second, and of all cells.
    """

    labels: LabelImage
    weights: Float32Array
    line: npt.NDArray[np.float64]
    profiles: Float32Array


def preview_weights(training: SegmentationTraining, labels: LabelImage) -> WeightPreview | None:
    """Compute the weights of a tile's cells by a training's weight map; None where it has none.

    Args:
        training: Its weight map and options.
        labels: (H, W) of one category, 0 for background.
    """
    weigh = create_weight_map(training.weight_map.name, **training.weight_map.options)
    if weigh is None:
        return None
    weights = weigh(labels)
    pair = _nearest_pair(labels)
    if pair is None:
        return WeightPreview(labels, weights, np.zeros((0, 2)), np.zeros((3, 0), dtype=np.float32))
    numbers, line = pair
    steps = np.linspace(0, 1, int(np.ceil(np.abs(line[1] - line[0]).max())) + 2)[:, None]
    rows, columns = np.rint(line[0] + steps * (line[1] - line[0])).astype(np.int64).T
    alone = [weigh(np.where(labels == number, labels, 0)) for number in numbers]
    return WeightPreview(labels, weights, line, np.stack([part[rows, columns] for part in (*alone, weights)]))


def _nearest_pair(labels: LabelImage) -> tuple[list[int], npt.NDArray[np.float64]] | None:
    from scipy import ndimage
    from scipy.spatial.distance import pdist, squareform

    numbers = np.unique(labels[labels > 0])
    if numbers.size < 2:
        return None
    places = np.array(ndimage.center_of_mass(labels > 0, labels, numbers))
    apart = squareform(pdist(places))
    np.fill_diagonal(apart, np.inf)
    first, second = np.unravel_index(int(apart.argmin()), apart.shape)
    return [int(numbers[first]), int(numbers[second])], places[[first, second]]
