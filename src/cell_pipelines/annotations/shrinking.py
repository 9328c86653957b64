"""An image's objects as they lie in a smaller picture of it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.windows import sample_masks
from cell_pipelines.annotations.schema import AnnotationSet, box_array

_SIDES = ("x_min", "y_min", "x_max", "y_max")


def shrink_image(annotations: AnnotationSet, size: tuple[int, int]) -> AnnotationSet:
    """Return the objects of one image in the pixels of a smaller picture of it, in the same order.

    A mask has the pixels of the picture whose centres lie in it, at least the one at the centre of its box.

    Args:
        annotations: One image with its objects.
        size: Height and width of the picture, at most the image's.

    Raises:
        ValueError: `annotations` holds another number of images than one, or the picture is larger than the image.
    """
    if annotations.n_images != 1:
        raise ValueError(f"`annotations` must hold one image, got {annotations.n_images}.")
    own = annotations.images.to_pylist()[0]
    whole = own["height"], own["width"]
    if size[0] > whole[0] or size[1] > whole[1]:
        raise ValueError(f"`size` must be at most the image's {whole}, got {size}.")
    factors = np.array([size[1] / whole[1], size[0] / whole[0]])
    objects = annotations.objects
    boxes = box_array(objects) * np.tile(factors, 2)
    rings, masks = Rings.from_arrow(objects["rings"]), RunLengths.from_arrow(objects["counts"])
    columns: dict[str, pa.Array] = {
        **{name: pa.array(boxes[:, side]) for side, name in enumerate(_SIDES)},
        "rings": replace(rings, vertices=rings.vertices * factors).to_arrow(),
        "counts": sample_masks(masks, boxes, whole, size).to_arrow(),
    }
    for name, column in columns.items():
        place = objects.schema.get_field_index(name)
        objects = objects.set_column(place, objects.schema.field(name), column.cast(objects.schema.field(name).type))
    picture = {**own, "height": size[0], "width": size[1], "sha256": None}
    images = pa.Table.from_pylist([picture], annotations.images.schema)
    return replace(annotations, images=images, objects=objects)
