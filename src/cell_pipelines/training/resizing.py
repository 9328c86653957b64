"""Images and their labels brought to the size that a network sees them at."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.schema import AnnotationSet

Array = npt.NDArray[Any]
Size = tuple[int, int]


def resize_pixels(image: Array, size: Size) -> Array:
    """Return an image (H, W, C), uint8 or float32, with `size` as height and width: averaged where it shrinks."""
    import cv2

    shrinks = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    # A channel at a time, since OpenCV takes no more than four with some methods.
    planes = [
        cv2.resize(np.ascontiguousarray(image[..., c]), size[::-1], interpolation=how) for c in range(image.shape[2])
    ]
    return np.stack(planes, axis=-1)


def resize_labels(labels: Array, size: Size) -> Array:
    """Return labels (H, W) with `size` as height and width; each pixel is that of the nearest middle."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def resize_boxes(annotations: AnnotationSet, size: Size | None) -> pa.Table:
    """Return the objects of one image with the boxes that they have at another size; None leaves them."""
    if size is None:
        return annotations.objects
    objects = annotations.objects
    for axis, side, new in (("y", "height", size[0]), ("x", "width", size[1])):
        factor = new / annotations.images[side][0].as_py()
        for name in (f"{axis}_min", f"{axis}_max"):
            place = objects.schema.get_field_index(name)
            objects = objects.set_column(place, objects.schema.field(name), pa.array(objects[name].to_numpy() * factor))
    return objects
