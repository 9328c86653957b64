"""One row per cell, for a spreadsheet or another program."""

import numpy as np
import pandas as pd

from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.schema import AnnotationSet


def tabulate_cells(annotations: AnnotationSet) -> pd.DataFrame:
    """Return one row per cell.

    Args:
        annotations: N cells.

    Returns:
        `image`; `cell`, its number within the image from 1; `category`; `score` in [0, 1]; `center_x_px` and
        `center_y_px` of its box, from the image's upper left corner; `area_px2` of its outline, or its box where it
        has none, NaN for a point; `diameter_px` of the circle of that area; `x_min`, `y_min`, `x_max`, `y_max` of its
        box in pixels; and, where images say how large a pixel is, `area_um2` and `diameter_um`.
    """
    images = annotations.image_index
    boxes, areas = annotations.boxes, object_areas(annotations)
    names = np.array(annotations.names, dtype=object)[images] if annotations.n_images else np.array([], dtype=object)
    table = pd.DataFrame({"image": names})
    table["cell"] = table.groupby("image", sort=False).cumcount() + 1
    table["category"] = np.array(annotations.categories, dtype=object)[annotations.category]
    table["score"] = annotations.scores
    table["center_x_px"], table["center_y_px"] = boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)
    table["area_px2"], table["diameter_px"] = areas, 2 * np.sqrt(areas / np.pi)
    for number, name in enumerate(("x_min", "y_min", "x_max", "y_max")):
        table[name] = boxes[:, number]
    sizes = annotations.images.select(["pixel_height_um", "pixel_width_um"]).to_pandas().to_numpy(dtype=np.float64)
    if np.isfinite(sizes).all(axis=1).any():
        table["area_um2"] = areas * sizes.prod(axis=1)[images]
        table["diameter_um"] = 2 * np.sqrt(table["area_um2"] / np.pi)
    return table
