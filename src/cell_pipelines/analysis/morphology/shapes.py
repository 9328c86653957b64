"""The form of cells: area, perimeter, axes, hull and what follows, from the pixels of all cells of an image at once.

Names and definitions are those of scikit-image's ``regionprops``. The perimeter is its ``perimeter_crofton`` with
four directions: how often lines of pixels down columns, along rows and along both diagonals enter the cell, weighted
by the lines' distance and by the angle each direction stands for (Crofton's formula; Legland, Kieu and Devaux 2007,
doi:10.5566/ias.v26.p83-92). With pixels that are higher than wide the distances and angles are theirs, so that no
image must be resampled. The circularity of a digital disc, wherever its centre lies, was found in 0.86..1.07 from a
radius of 3 pixels, 0.92..1.07 from 4, 0.94..1.06 from 6 and 0.97..1.03 from 10 to 60, on average within 0.012 of 1.
"""

import numpy as np

from cell_pipelines.analysis.morphology.spans import CellSpans
from cell_pipelines.typing import FloatArray

#: Height and width of a pixel in the unit of the lengths.
PixelSize = tuple[float, float]


def measure_shapes(spans: CellSpans, pixel_size: PixelSize = (1.0, 1.0)) -> dict[str, FloatArray]:
    """Return the features of each cell, (N,) each, by scikit-image's names.

    Args:
        spans: The pixels of N cells.
        pixel_size: Height and width of a pixel; lengths are in this unit, areas in its square.

    Returns:
        `num_pixels`; `centroid_row` and `centroid_column` in pixels, 0 the centre of the first; `bbox_…` in pixels,
        maxima one past the last; `touches_border` (0 or 1); `area`, `area_convex`, `perimeter`, `equivalent_radius`
        (of the disc of that area), `axis_major_length`, `axis_minor_length`, `feret_diameter_max`; and without unit
        `circularity` (4 pi area / perimeter²), `solidity`, `eccentricity`, `extent`, `shape_index` (perimeter /
        root of area) and `orientation` (radians from the upright to the long axis, -pi/2..pi/2). A cell without a
        pixel has `num_pixels` and `area` 0, does not touch the border, and is NaN in all else.
    """
    from cell_pipelines.analysis.morphology import shape_kernels as kernels

    pieces = (spans.starts, spans.column, spans.top, spans.bottom)
    sums = kernels.sum_spans(*pieces).T
    hulls = kernels.measure_hulls(*pieces, *pixel_size).T
    empty = sums[kernels.AREA] == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        features = _positions(sums, spans) | _sizes(sums, hulls, pixel_size) | _axes(sums, pixel_size)
        features["circularity"] = 4 * np.pi * features["area"] / features["perimeter"] ** 2
        features["shape_index"] = features["perimeter"] / np.sqrt(features["area"])
    counted = ("num_pixels", "area", "touches_border")
    return {name: values if name in counted else np.where(empty, np.nan, values) for name, values in features.items()}


def _positions(sums: FloatArray, spans: CellSpans) -> dict[str, FloatArray]:
    from cell_pipelines.analysis.morphology import shape_kernels as kernels

    count = sums[kernels.AREA]
    top, left, bottom, right = (sums[side] for side in (kernels.TOP, kernels.LEFT, kernels.BOTTOM, kernels.RIGHT))
    at_border = (top == 0) | (left == 0) | (bottom == spans.height) | (right == spans.width)
    return {
        "num_pixels": count,
        "centroid_row": top + sums[kernels.ROWS] / count,
        "centroid_column": left + sums[kernels.COLUMNS] / count,
        "bbox_min_row": top,
        "bbox_min_column": left,
        "bbox_max_row": bottom,
        "bbox_max_column": right,
        "touches_border": (at_border & (count > 0)).astype(np.float64),
    }


def _sizes(sums: FloatArray, hulls: FloatArray, pixel_size: PixelSize) -> dict[str, FloatArray]:
    from cell_pipelines.analysis.morphology import shape_kernels as kernels

    count, unit = sums[kernels.AREA], pixel_size[0] * pixel_size[1]
    box = (sums[kernels.BOTTOM] - sums[kernels.TOP]) * (sums[kernels.RIGHT] - sums[kernels.LEFT])
    return {
        "area": count * unit,
        "area_convex": hulls[0] * unit,
        "perimeter": _perimeters(sums, pixel_size),
        "equivalent_radius": np.sqrt(count * unit / np.pi),
        "feret_diameter_max": hulls[1],
        "solidity": count / hulls[0],
        "extent": count / box,
    }


def _perimeters(sums: FloatArray, pixel_size: PixelSize) -> FloatArray:
    """Return Crofton's estimate: entries times distance of the lines times the angle they stand for."""
    from cell_pipelines.analysis.morphology import shape_kernels as kernels

    high, wide = pixel_size
    lean = np.arctan2(high, wide)
    diagonal = np.pi / 4 * high * wide / np.hypot(high, wide)
    entries = sums[kernels.ALONG_FALLING] + sums[kernels.ALONG_RISING]
    upright, level = wide * (np.pi / 2 - lean), high * lean
    total: FloatArray = upright * sums[kernels.ALONG_COLUMNS] + level * sums[kernels.ALONG_ROWS] + diagonal * entries
    return total


def _axes(sums: FloatArray, pixel_size: PixelSize) -> dict[str, FloatArray]:
    """Return axes, eccentricity and orientation of the ellipse with the same second moments."""
    from cell_pipelines.analysis.morphology import shape_kernels as kernels

    high, wide = pixel_size
    count, rows, columns = sums[kernels.AREA], sums[kernels.ROWS], sums[kernels.COLUMNS]
    # Products of whole numbers: nothing is rounded before the division.
    down = (count * sums[kernels.ROWS_2] - rows * rows) / count**2 * high**2
    across = (count * sums[kernels.COLUMNS_2] - columns * columns) / count**2 * wide**2
    mixed = (count * sums[kernels.ROWS_COLUMNS] - rows * columns) / count**2 * (high * wide)
    long = (down + across) / 2 + np.hypot((down - across) / 2, mixed)
    # The product of both is the determinant, which keeps the digits that the difference would lose.
    short = np.where(long > 0, np.maximum(down * across - mixed * mixed, 0) / np.where(long > 0, long, 1), 0)
    ratio = np.where(long > 0, short / np.where(long > 0, long, 1), 1)
    tie = np.where(mixed > 0, np.pi / 4, -np.pi / 4)
    return {
        "axis_major_length": 4 * np.sqrt(long),
        "axis_minor_length": 4 * np.sqrt(short),
        "eccentricity": np.sqrt(np.maximum(1 - ratio, 0)),
        "orientation": np.where(across == down, tie, 0.5 * np.arctan2(2 * mixed, down - across)),
    }
