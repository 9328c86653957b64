"""The brightness of cells in each channel, as it is and less the background."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.morphology.spans import CellSpans
from cell_pipelines.imaging.description import Image
from cell_pipelines.typing import FloatArray

Background = Literal["none", "image", "local"]

_MEASURED = ("mean", "median", "std", "min", "max", "integrated")
_CORRECTED = ("background", "mean_corrected", "integrated_corrected")


def measure_intensities(
    spans: CellSpans, image: Image, channels: Sequence[str], *, background: Background = "none", ring_px: int = 5
) -> dict[str, FloatArray]:
    """Return the brightness of each cell in each channel, (N,) each, in the image's own grey values.

    Args:
        spans: The pixels of N cells.
        image: (H, W) or (H, W, C), any dtype.
        channels: C names, as in columns.
        background: ``image`` is the median of the pixels outside all cells, one number per image; ``local`` the median
            of those of them that lie at most `ring_px` from the cell.
        ring_px: Width of that ring in pixels, 1 or more.

    Returns:
        For each channel ``intensity_mean_<channel>``, ``…median…``, ``…std…``, ``…min…``, ``…max…`` and
        ``…integrated…`` (the sum); with a background also ``…background…``, ``…mean_corrected…`` (mean - background)
        and ``…integrated_corrected…`` (sum - pixels x background). NaN for a cell without a pixel and where no pixel
        lies outside all cells.
    """
    from cell_pipelines.analysis.morphology.intensity_kernels import cover, measure_pixels

    first, last = spans.places
    counts = _pixel_counts(spans)
    columns = _by_columns(image)
    taken = cover(first, last, spans.height * spans.width).reshape(spans.width, spans.height)
    features: dict[str, FloatArray] = {}
    for channel, values in zip(channels, columns, strict=True):
        measured = measure_pixels(spans.starts, first, last, values.ravel()).T
        features |= {f"intensity_{name}_{channel}": one for name, one in zip(_MEASURED, measured, strict=True)}
        if background != "none":
            level = _backgrounds(spans, values, taken, ring_px if background == "local" else None)
            level[counts == 0] = np.nan
            corrected = (level, measured[0] - level, measured[5] - counts * level)
            features |= {f"intensity_{name}_{channel}": one for name, one in zip(_CORRECTED, corrected, strict=True)}
    return features


def _by_columns(image: Image) -> Image:
    """Return a copy (C, W, H) of an image of one of few dtypes, each of which loops must be compiled for."""
    stacked = image[..., None] if image.ndim == 2 else image
    kept = image.dtype in (np.uint8, np.uint16) and image.dtype.isnative
    return np.array(stacked.transpose(2, 1, 0), dtype=image.dtype if kept else np.float64, order="C")


def _pixel_counts(spans: CellSpans) -> FloatArray:
    total = np.append(0, np.cumsum(spans.bottom - spans.top))
    counts: FloatArray = np.diff(total[spans.starts]).astype(np.float64)
    return counts


def _backgrounds(spans: CellSpans, values: Image, taken: npt.NDArray[np.bool_], ring_px: int | None) -> FloatArray:
    """Return the background of each cell, (N,), from an image (W, H) and the pixels that cells take."""
    from cell_pipelines.analysis.morphology.intensity_kernels import measure_rings

    if ring_px is None:
        outside = values[~taken]
        return np.full(len(spans), np.median(outside.astype(np.float64)) if outside.size else np.nan)
    pieces = (spans.starts, spans.column, spans.top, spans.bottom)
    medians: FloatArray = measure_rings(*pieces, values, taken, ring_px)
    return medians


def channel_columns(names: Sequence[str], count: int) -> list[str]:
    """Return names for `count` channels that are fit for columns, and differ.

    Args:
        names: As the microscope calls them, in order; none for ``channel_0`` and so on.
        count: Number of channels.

    Raises:
        ValueError: There are names, but not as many as channels.

    Example:
        >>> channel_columns(["DAPI", "Alexa 488", "dapi", "µ"], 4)
        ['dapi', 'alexa_488', 'dapi_2', 'µ']
    """
    if names and len(names) != count:
        raise ValueError(f"`channel_names` must name all {count} channels of the image, got {list(names)}.")
    found: list[str] = []
    for place in range(count):
        plain = re.sub(r"\W+", "_", names[place].lower()).strip("_") if names else ""
        base = name = plain or f"channel_{place}"
        times = 1
        while name in found:
            times += 1
            name = f"{base}_{times}"
        found.append(name)
    return found
