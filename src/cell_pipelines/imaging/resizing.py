"""Images and label images brought to another size."""

import numpy as np

from cell_pipelines.typing import AnyArray

#: Height and width.
Size = tuple[int, int]


def resize_pixels(image: AnyArray, size: Size) -> AnyArray:
    """Return an image (H, W, C), uint8 or float32, with `size` as height and width: averaged where it shrinks."""
    import cv2

    shrinks = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    # A channel at a time, since OpenCV takes no more than four with some methods.
    planes = [
        cv2.resize(np.ascontiguousarray(image[..., c]), size[::-1], interpolation=how) for c in range(image.shape[2])
    ]
    return np.stack(planes, axis=-1)


def resize_labels(labels: AnyArray, size: Size) -> AnyArray:
    """Return labels (H, W) with `size` as height and width; each pixel is that of the nearest centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]
