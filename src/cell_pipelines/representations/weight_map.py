"""Weights of pixels for training: more where cells are crowded, so that a network keeps them apart."""

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.typing import Float32Array, LabelImage

#: What all cells out of reach may add to a pixel together.
_OMITTED = 2e-6


def crowding_weights(
    labels: LabelImage,
    *,
    sigma_px: float = 25.0,
    cell_weight: float = 1.0,
    background_weight: float = 1.5,
    combination: Literal["sum", "product"] = "sum",
) -> Float32Array:
    """Return weights that grow with the number and the nearness of cells (Morelli et al. 2021, section 4.2).

    At each pixel, inside cells and outside, exp(-d_i^2 / (2 sigma^2)) is summed over the cells i, d_i being the
    distance to the nearest border pixel of cell i. Border are the pixels of a cell with a 4-neighbour in the image
    that is not of that cell, so d_i is 0 on them; the image's edge is no border, and a cell that fills the whole image
    has none and adds nothing. The class weight of the pixel comes on top.

    The paper says that class weights are "applied" and leaves open how. Its map extends U-Net's (Ronneberger et al.
    2015), where the class weight is a summand, so that is the default; a pixel far from all cells then has the weight
    of its class. The authors' published program multiplies instead, after raising the sum to at least 1; that is
    "product" (the program also leaves the sum away inside cells and beyond 50 px, and divides by a constant).

    The result differs from the sum over whole images by less than 1e-5. The time is one pass over the image and one
    over a window of some six sigma around each cell.

    Args:
        labels: (H, W), 0 for background.
        sigma_px: Range of the weights in pixels; the study took the average radius of its cells.
        cell_weight: Of pixels in cells, 0 or more.
        background_weight: Of pixels in the background, 0 or more.
        combination: Whether the class weight is added to the sum, or multiplies the sum where it exceeds 1.

    Returns:
        Weights (H, W); without cells `background_weight` everywhere. With both class weights 0 the sum alone.
    """
    labels = check_labels(labels)
    _check(sigma_px, cell_weight=cell_weight, background_weight=background_weight)
    if combination not in ("sum", "product"):
        raise ValueError(f"`combination` must be sum or product, got {combination!r}.")
    classes = np.where(labels > 0, np.float32(cell_weight), np.float32(background_weight))
    if combination == "sum":
        return _add_crowding(labels, sigma_px, classes)
    return np.maximum(_add_crowding(labels, sigma_px, np.zeros_like(classes)), np.float32(1)) * classes


def border_weights(
    labels: LabelImage,
    *,
    w0: float = 10.0,
    sigma_px: float = 5.0,
    cell_weight: float = 1.0,
    background_weight: float = 1.0,
) -> Float32Array:
    """Return U-Net's weights: class weight + w0 exp(-(d1 + d2)^2 / (2 sigma^2)) (Ronneberger et al. 2015, eq. 2).

    d1 and d2 are the distances to the nearest border pixel of the nearest and of the second nearest cell, with borders
    as in `crowding_weights`. The formula holds inside cells, too: where two touch there is no background to weigh.

    Args:
        labels: (H, W), 0 for background.
        w0: Weight where two cells meet, 0 or more.
        sigma_px: Range of the weights in pixels.
        cell_weight: Of pixels in cells, 0 or more.
        background_weight: Of pixels in the background, 0 or more.

    Returns:
        Weights (H, W), within 1e-5 of the formula; the class weights alone where there are fewer than two cells.
    """
    from cell_pipelines.representations.border_distance import OUT_OF_REACH, find_boxes, rank_distances

    labels = check_labels(labels)
    _check(sigma_px, cell_weight=cell_weight, background_weight=background_weight, w0=w0)
    weights = np.where(labels > 0, np.float32(cell_weight), np.float32(background_weight))
    labels, count = _numbered(labels)
    if count < 2 or w0 <= _OMITTED:
        return weights
    first = np.full(labels.shape, OUT_OF_REACH, np.int32)
    second = first.copy()
    rank_distances(labels, find_boxes(labels, int(labels.max())), _reach(sigma_px, w0, labels.shape), first, second)
    near = second < OUT_OF_REACH
    both = np.sqrt(first[near].astype(np.float64)) + np.sqrt(second[near])
    weights[near] += w0 * np.exp(-(both**2) / (2 * sigma_px**2))
    return weights


WEIGHT_MAPS: dict[str, Callable[..., Float32Array]] = {"crowding": crowding_weights, "border": border_weights}


def create_weight_map(name: str, **options: Any) -> Callable[[LabelImage], Float32Array] | None:
    """Return the function from labels to weights called `name`, or None for "none".

    "none" takes any options and leaves them: so a study's map is switched off by its name alone.

    Raises:
        ValueError: There is no such map, or it has no such option; the sentence lists those there are.
    """
    if name != "none" and name not in WEIGHT_MAPS:
        raise ValueError(f"`weight_map` must be one of none, {', '.join(WEIGHT_MAPS)}, got {name!r}.")
    if name == "none":
        return None
    known = list(inspect.signature(WEIGHT_MAPS[name]).parameters)[1:]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(f"the weight map {name!r} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    create = partial(WEIGHT_MAPS[name], **options)
    # Options out of range are refused now, not at the first image.
    create(np.zeros((1, 1), np.int32))
    return create


def _add_crowding(labels: LabelImage, sigma_px: float, total: Float32Array) -> Float32Array:
    """Return `total`, to which every cell's bell was added in place."""
    from cell_pipelines.representations.border_distance import add_bells, find_boxes

    labels, count = _numbered(labels)
    if count:
        reach = _reach(sigma_px, count, labels.shape)
        x = np.arange(-reach, reach + 1)
        bell = np.exp(-(x**2) / (2 * sigma_px**2)).astype(np.float32)
        add_bells(labels, find_boxes(labels, int(labels.max())), reach, bell, total)
    return total


def _reach(sigma_px: float, most: float, shape: tuple[int, ...]) -> int:
    """Return the distance from which on `most` times the bell stays below what may be omitted, within the image."""
    return min(math.ceil(sigma_px * math.sqrt(2 * math.log(most / _OMITTED))), max(shape))


def _numbered(labels: LabelImage) -> tuple[LabelImage, int]:
    """Return labels whose numbers are no higher than there are pixels, and a bound of how many cells there are."""
    highest = int(labels.max(initial=0))
    if highest <= labels.size:
        return labels, highest
    found, index = np.unique(labels, return_inverse=True)
    return (index.reshape(labels.shape) + (found[0] > 0)).astype(np.int32), len(found)


def _check(sigma_px: float, **weights: float) -> None:
    if not (sigma_px > 0 and math.isfinite(sigma_px)):
        raise ValueError(f"`sigma_px` must be above 0, got {sigma_px}.")
    for name, value in weights.items():
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"`{name}` must be 0 or more, got {value}.")
