"""Darwin's raster layer: one picture of numbers as runs row by row, in which each mask has its number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.objects.shapes import Shape
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_box, runs_from_row_major


def raster_masks(annotations: Sequence[Any], size: tuple[int, int]) -> dict[str, Shape | str]:
    """Return the mask of each mask annotation by its id, or why it can't be read.

    Args:
        annotations: All of the file, raster layers among them.
        size: Width and height of the image.
    """
    masks: dict[str, Shape | str] = {}
    for annotation in annotations:
        layer = annotation.get("raster_layer") if isinstance(annotation, Mapping) else None
        if isinstance(layer, Mapping):
            numbers = layer.get("mask_annotation_ids_mapping")
            numbers = {k: v for k, v in numbers.items() if isinstance(v, int)} if isinstance(numbers, Mapping) else {}
            try:
                masks |= dict(_masks(layer, numbers, size))
            except ValueError as error:
                masks |= dict.fromkeys(map(str, numbers), str(error))
    return masks


def _masks(
    layer: Mapping[str, Any], numbers: Mapping[str, int], size: tuple[int, int]
) -> Iterator[tuple[str, Shape | str]]:
    width, height = size
    value, length = _runs(layer.get("dense_rle"), width * height)
    start = np.cumsum(length) - length
    order = np.argsort(value, kind="stable")
    ordered = value[order]
    for identity, number in numbers.items():
        if not 0 < number < 1 << 31:
            yield str(identity), f"its number in the raster layer must be above 0, got {values.shown(number)}."
            continue
        own = order[np.searchsorted(ordered, number) : np.searchsorted(ordered, number, side="right")]
        if not length[own].sum():
            yield str(identity), "the mask is empty in the raster layer."
            continue
        counts = runs_from_row_major(start[own], length[own], height, width)
        yield str(identity), Shape("mask", run_lengths_box(counts, height), counts=counts)


def _runs(runs: Any, pixels: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    try:
        pairs = np.array(values.to_list(runs, "dense_rle"), dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("`dense_rle` must be a list of whole numbers.") from error
    if pairs.ndim != 1 or pairs.size % 2:
        raise ValueError("`dense_rle` must be pairs of a number and how often it comes.")
    value, length = pairs[::2], pairs[1::2]
    # Each is checked by itself, since a sum of huge ones can come out right.
    if (length < 0).any() or (length > pixels).any() or length.sum() != pixels:
        raise ValueError(f"`dense_rle` must add up to {pixels} pixels, got {int(length.sum())}.")
    return value, length
