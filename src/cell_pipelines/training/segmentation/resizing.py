"""Annotations brought to the size that a network sees their images at, and the size at which cells have a diameter."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet, with_object_columns
from cell_pipelines.imaging.resizing import Size

# An image is made larger or smaller by this at most.
_MOST_RESCALING = 16.0


def median_diameter_px(annotations: AnnotationSet, rows: npt.NDArray[np.bool_]) -> float | None:
    """Return the median diameter of one image's cells, that of the disc with a cell's area; None without cells.

    Cells that the image's border cuts count only where there are no others.

    Args:
        annotations: Of one image: masks or polygons.
        rows: Which objects are cells that count, shape (N,).
    """
    counted = replace(annotations, objects=annotations.objects.filter(pa.array(rows & ~annotations.crowd)))
    labels, _ = objects_to_labels(counted)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    if not areas.any():
        return None
    whole = areas.copy()
    whole[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = 0
    chosen = whole if whole.any() else areas
    return float(2 * np.sqrt(np.median(chosen[chosen > 0]) / np.pi))


def size_for_diameter(annotations: AnnotationSet, rows: npt.NDArray[np.bool_], diameter_px: float) -> Size:
    """Return height and width at which the median cell of one image has this diameter; its own without cells.

    Args:
        annotations: Of one image: masks or polygons.
        rows: Which objects are cells that count, shape (N,).
        diameter_px: Of the disc with a cell's area.
    """
    found = median_diameter_px(annotations, rows)
    factor = 1.0 if found is None else float(np.clip(diameter_px / found, 1 / _MOST_RESCALING, _MOST_RESCALING))
    height, width = (int(annotations.images[side][0].as_py()) for side in ("height", "width"))
    return max(round(height * factor), 1), max(round(width * factor), 1)


def resize_boxes(annotations: AnnotationSet, size: Size | None) -> pa.Table:
    """Return the objects of one image with the boxes that they have at another size; None leaves them."""
    if size is None:
        return annotations.objects
    objects = annotations.objects
    for axis, side, new in (("y", "height", size[0]), ("x", "width", size[1])):
        factor = new / annotations.images[side][0].as_py()
        for name in (f"{axis}_min", f"{axis}_max"):
            objects = with_object_columns(objects, **{name: objects[name].to_numpy() * factor})
    return objects
