"""Cut the cells out of a network's stored scores, block by block where the image is larger than memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import Counts
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.geometry.windows import embed_masks
from cell_pipelines.inference.blocks import Block, is_by_blocks, read_blocks, read_image_size
from cell_pipelines.metrics.centroids import label_centroids
from cell_pipelines.representations.base import Instances, Scores
from cell_pipelines.representations.cell_resizing import Scaling, resize_part
from cell_pipelines.representations.rescaled import seen_size
from cell_pipelines.typing import BoolArray, Boxes, Float32Array, FloatArray, IntArray
from cell_pipelines.workflows.trained_model import TrainedModel

# Two blocks may see a cell's centroid so many pixels apart; it is looked for on both sides of their border.
_TOLERANCE_PX = 1.0


@dataclass(frozen=True, eq=False)
class StoredCells:
    """N cells of one image.

    Attributes:
        boxes: (N, 4) in pixel edges.
        masks: Run lengths of the whole image.
        category: (N,) index into the model's categories, rising.
        scores: (N,) in [0, 1].
    """

    boxes: Boxes
    masks: list[Counts]
    category: IntArray
    scores: Float32Array


@dataclass(frozen=True, eq=False)
class _BlockCells:
    """The cells of a block, with their centroids (N, 2) in pixels of the whole image as the network saw it."""

    cells: StoredCells
    centroids: FloatArray
    near_border: BoolArray


def decode_stored(model: TrainedModel, path: Path) -> tuple[tuple[int, int], StoredCells]:
    """Return the size of an image and the cells that its stored scores hold at the model's thresholds.

    Raises:
        ValueError: The file is damaged, or of another model.
    """
    if not is_by_blocks(path):
        scores, size = unpack_stored(model, path)
        seen = seen_size(next(iter(scores.values())), size)
        whole = Block(seen, (0, 0, *seen), (0, 0, *seen))
        return size, _decode_block(model, whole, tuple(scores.values()), size).cells
    size = read_image_size(path)
    return size, _join([_decode_block(model, block, scores, size) for block, scores in read_blocks(path)])


def unpack_stored(model: TrainedModel, path: Path) -> tuple[dict[str, Scores], tuple[int, int]]:
    """Return a segmentation network's stored scores of one image by class, and the image's height and width.

    Raises:
        ValueError: The file is damaged, of another model, or holds blocks.
    """
    from cell_pipelines.inference.predictor import unpack_scores
    from cell_pipelines.inference.stored import read_arrays

    arrays, size = read_arrays(path)
    scores = unpack_scores(arrays) if all("/" in key for key in arrays) else ()
    if len(scores) != len(model.categories):
        raise ValueError(
            f"{path}: expected stored scores of {len(model.categories)} categories ({', '.join(model.categories)}), "
            f"got the arrays {', '.join(arrays)}."
        )
    return dict(zip(model.categories, scores, strict=True)), size


def _decode_block(model: TrainedModel, block: Block, scores: Sequence[Scores], size: tuple[int, int]) -> _BlockCells:
    assert model.representation is not None
    parts = [
        _cells_of(model.representation.decode(maps, model.thresholds.classes[name]), block, size, number)
        for number, (name, maps) in enumerate(zip(model.categories, scores, strict=True))
    ]
    return _BlockCells(
        _concatenate([part.cells for part in parts]),
        np.concatenate([part.centroids for part in parts]),
        np.concatenate([part.near_border for part in parts]),
    )


def _cells_of(instances: Instances, block: Block, size: tuple[int, int], category: int) -> _BlockCells:
    """Return the cells of one class whose centroid lies in a block's core, or so near it that it may."""
    own, near_border, centroids = _own_cells(instances, block)
    numbers = np.zeros(len(own) + 1, np.int32)
    numbers[1:][own] = np.arange(1, np.count_nonzero(own) + 1)
    scaling = Scaling(block.window[:2], block.seen, size)
    labels = resize_part(instances.labels if own.all() else numbers[instances.labels], scaling)
    _, boxes, masks = labels_to_objects(labels)
    if labels.shape != size:
        window = scaling.window(block.window[2:])
        whole, boxes = embed_masks(RunLengths.from_lists(masks), window, size)
        masks = [whole.of(row) for row in range(len(whole))]
    kinds = np.full(len(masks), category, np.int64)
    return _BlockCells(StoredCells(boxes, masks, kinds, instances.scores[own]), centroids[own], near_border[own])


def _own_cells(instances: Instances, block: Block) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Return for each cell whether its centroid lies in a block's core, whether near its border, and where."""
    count = len(instances.scores)
    if block.window[2:] == block.seen:
        return np.ones(count, bool), np.zeros(count, bool), np.zeros((count, 2))
    _, centroids = label_centroids(instances.labels)
    corner, core = np.array(block.window[:2]), np.array(block.core)
    low = core[:2] - 0.5
    high = low + core[2:]
    # The image's own borders are no borders of a core.
    low[low + corner <= 0] = -np.inf
    high[high + corner >= np.array(block.seen) - 1] = np.inf
    own: BoolArray = _is_between(centroids, low - _TOLERANCE_PX, high + _TOLERANCE_PX)
    near_border: BoolArray = own & ~_is_between(centroids, low + _TOLERANCE_PX, high - _TOLERANCE_PX)
    return own, near_border, centroids + corner


def _is_between(points: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    return np.asarray(((points >= low) & (points < high)).all(axis=1))


def _join(blocks: Sequence[_BlockCells]) -> StoredCells:
    """Put the cells of blocks together; of one that two blocks see at their border the first is kept."""
    cells = _concatenate([one.cells for one in blocks])
    centroids = np.concatenate([one.centroids for one in blocks])
    near = np.flatnonzero(np.concatenate([one.near_border for one in blocks]))
    owner = np.repeat(np.arange(len(blocks)), [len(one.centroids) for one in blocks])
    kept = np.ones(len(centroids), bool)
    for first, second in _pairs(centroids[near]):
        one, other = near[first], near[second]
        if owner[one] != owner[other] and cells.category[one] == cells.category[other] and kept[one]:
            kept[other] = False
    order = np.argsort(cells.category, kind="stable")
    return _take(cells, order[kept[order]])


def _pairs(points: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield pairs of points so near each other that they may be one centroid, in order."""
    if len(points):
        yield from sorted(KDTree(points).query_pairs(2 * _TOLERANCE_PX))


def _concatenate(parts: Sequence[StoredCells]) -> StoredCells:
    return StoredCells(
        np.concatenate([part.boxes for part in parts]),
        list(chain.from_iterable(part.masks for part in parts)),
        np.concatenate([part.category for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _take(cells: StoredCells, rows: IntArray) -> StoredCells:
    masks = [cells.masks[row] for row in rows.tolist()]
    return StoredCells(cells.boxes[rows], masks, cells.category[rows], cells.scores[rows])
