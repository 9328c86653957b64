"""The grain of cells: features of how grey values lie beside each other (Haralick et al. 1973)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.morphology.spans import CellSpans
from cell_pipelines.imaging.description import Image
from cell_pipelines.typing import FloatArray

TEXTURES: Final = ("contrast", "dissimilarity", "homogeneity", "asm", "correlation")
_PROPERTIES: Final = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation")
_ANGLES: Final = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PERCENTILES: Final = (0.1, 99.9)
_NUMBERS_AT_A_TIME: Final = 1 << 21  # of co-occurrence matrices, 16 MB


def measure_textures(
    spans: CellSpans,
    image: Image,
    channels: Sequence[str],
    *,
    levels: int = 32,
    grey_range: tuple[float, float] | None = None,
) -> dict[str, FloatArray]:
    """Return texture features of each cell in each channel, (N,) each, by scikit-image's co-occurrence matrices.

    Neighbours are a pixel apart and both in the cell; each pair counts both ways, and the features are means over
    four directions. A direction without a pair is left out; a cell without any is NaN. The correlation of a cell of
    one grey level is 1, as there.

    Args:
        spans: The pixels of N cells.
        image: (H, W) or (H, W, C), any dtype.
        channels: C names, as in columns.
        levels: Grey levels that values are sorted into, 2 or more.
        grey_range: Values of the first and the last level, what lies beyond being put into these; None for the 0.1st
            and 99.9th percentile of the channel in this image. Images are comparable only with one range for all.

    Returns:
        ``texture_contrast_<channel>``, ``…dissimilarity…``, ``…homogeneity…``, ``…asm…`` and ``…correlation…``.
    """
    stacked = image[..., None] if image.ndim == 2 else image
    features: dict[str, FloatArray] = {}
    for place, channel in enumerate(channels):
        grey = _to_levels(stacked[..., place], levels, grey_range)
        measured = _measure_channel(spans, grey, levels)
        features |= {f"texture_{name}_{channel}": measured[:, k] for k, name in enumerate(TEXTURES)}
    return features


def _to_levels(values: Image, levels: int, grey_range: tuple[float, float] | None) -> npt.NDArray[np.uint16]:
    """Return grey levels (H, W) from 1; 0 is kept for pixels outside the cell."""
    known = np.nan_to_num(values.astype(np.float64))
    low, high = grey_range or (np.percentile(known, _PERCENTILES) if known.size else (0.0, 1.0))
    scaled = (known - low) / (high - low if high > low else 1.0)
    return (np.clip(np.floor(scaled * levels), 0, levels - 1) + 1).astype(np.uint16)


def _measure_channel(spans: CellSpans, grey: npt.NDArray[np.uint16], levels: int) -> FloatArray:
    measured = np.full((len(spans), len(TEXTURES)), np.nan)
    filled = np.flatnonzero(np.diff(spans.starts))
    step = max(1, _NUMBERS_AT_A_TIME // (levels * levels * len(_ANGLES)))
    for begin in range(0, filled.size, step):
        chosen = filled[begin : begin + step]
        pairs = np.concatenate([_count_pairs(_crop(spans, grey, int(cell)), levels) for cell in chosen], axis=2)
        measured[chosen] = _features(pairs)
    return measured


def _crop(spans: CellSpans, grey: npt.NDArray[np.uint16], cell: int) -> npt.NDArray[np.uint16]:
    """Return the grey levels of a cell in its box; 0 outside the cell."""
    pieces = slice(int(spans.starts[cell]), int(spans.starts[cell + 1]))
    column, top, bottom = spans.column[pieces], spans.top[pieces], spans.bottom[pieces]
    upper, left = int(top.min()), int(column[0])
    crop = np.zeros((int(bottom.max()) - upper, int(column[-1]) - left + 1), dtype=grey.dtype)
    for c, first, last in zip(column.tolist(), top.tolist(), bottom.tolist(), strict=True):
        crop[first - upper : last - upper, c - left] = grey[first:last, c]
    return crop


def _count_pairs(crop: npt.NDArray[np.uint16], levels: int) -> npt.NDArray[np.uint32]:
    """Return how often levels are neighbours within the cell, (levels, levels, 1, 4)."""
    from skimage.feature import graycomatrix

    counts: npt.NDArray[np.uint32] = graycomatrix(crop, [1], list(_ANGLES), levels=levels + 1, symmetric=True)
    return counts[1:, 1:]


def _features(pairs: npt.NDArray[np.uint32]) -> FloatArray:
    """Return the features of cells, (N, 5), from their pairs (levels, levels, N, 4)."""
    from skimage.feature import graycoprops

    known = pairs.sum(axis=(0, 1)) > 0
    directions = np.maximum(known.sum(axis=1), 1)
    columns: list[Any] = [np.where(known, graycoprops(pairs, name), 0).sum(axis=1) / directions for name in _PROPERTIES]
    return np.where(known.any(axis=1)[:, None], np.stack(columns, axis=1), np.nan)
