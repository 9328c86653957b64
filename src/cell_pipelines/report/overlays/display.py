"""Making a microscopy image visible on a screen; what is measured never passes through here."""

import numpy as np

from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image
from cell_pipelines.typing import ByteImage

_PERCENTILES = (0.1, 99.9)
# A nearly black image shows its noise, not its cells, when it is stretched further than this.
_MOST_GAIN = 12.0
# Below this side length, in pixels, an image is enlarged.
_SMALL = 400


def to_display(image: Image) -> ByteImage:
    """Stretch an image so that dim cells can be seen, for display only.

    The darkest 0.1 percent of all values become black and the brightest 0.1 percent white, at most 12 times
    brighter than it was. All channels are stretched alike, so that colours stay what they are.

    Args:
        image: (H, W) or (H, W, C), any unsigned integer or float dtype; uint8 is the usual.

    Returns:
        (H, W, 3) uint8, RGB, always a new array. An image of one value throughout is not stretched.

    Raises:
        ValueError: If the image has another number of axes, or no pixel.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f"`image` must have shape (H, W) or (H, W, 3) and some pixels, got {image.shape}.")
    rgb = to_rgb(to_uint8(image))
    low, high = _limits(rgb)
    if high <= low:
        return np.array(rgb, dtype=np.uint8)
    gain = min(255.0 / (high - low), _MOST_GAIN)
    stretched = np.clip(np.rint((np.arange(256) - low) * gain), 0, 255).astype(np.uint8)
    return np.asarray(stretched[rgb], dtype=np.uint8)


def enlarge(image: ByteImage) -> tuple[ByteImage, int]:
    """Repeat the pixels of a small image, so that lines and letters beside them are crisp.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        The image and the factor each pixel was repeated by: the smallest whole number that brings the longer
        side to 400 pixels, 1 for an image that is large enough already.
    """
    factor = max(1, -(-_SMALL // max(image.shape[:2])))
    return np.repeat(np.repeat(image, factor, axis=0), factor, axis=1), factor


def _limits(rgb: ByteImage) -> tuple[float, float]:
    # Some pixels each way tell the percentiles of a large image as well as all of them.
    step = max(1, int(np.sqrt(rgb.shape[0] * rgb.shape[1] / (1 << 18))))
    low, high = np.percentile(rgb[::step, ::step], _PERCENTILES)
    return float(low), float(high)
