"""Grey images in the colour of the light they were taken in."""

from typing import Literal

import numpy as np

from cell_pipelines.simulation.optics import GreyImage

_COLOURS = {"blue": (0.12, 0.25, 1.0), "red": (1.0, 0.15, 0.12)}


def show_emission(image: GreyImage, channel: Literal["blue", "red"]) -> GreyImage:
    """Show a grey image in the colour of its emission, as microscopes save it.

    Args:
        image: uint8 or uint16 (H, W).
        channel: Which emission.

    Returns:
        The same dtype, (H, W, 3) RGB.
    """
    shown: GreyImage = (image[..., None] * np.array(_COLOURS[channel])).astype(image.dtype)
    return shown
