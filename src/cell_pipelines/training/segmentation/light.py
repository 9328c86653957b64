"""Intensities of a tile as another exposure, focus or stain would give them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

# Blur by less than this many pixels changes nothing.
_LEAST_BLUR_PX = 0.2


@dataclass(frozen=True)
class Light:
    """Change of one tile's intensities, as `Augmentation` names its ranges.

    Attributes:
        contrast: Factor of the distance from the tile's mean.
        blur_px: Standard deviation of the blur.
        hue: Turn of the hue, in turns.
        saturation: Factor of the saturation.
    """

    contrast: float = 1.0
    blur_px: float = 0.0
    hue: float = 0.0
    saturation: float = 1.0


#: No change.
UNCHANGED = Light()


def change_light(image: Any, light: Light) -> Any:
    """Return an image (C, H, W) float32 in [0, 1] under another light; the image itself where nothing changes.

    Args:
        image: Tensor; hue and saturation change one of three channels only.
        light: What happens, in this order: stain, contrast, blur.
    """
    if light == UNCHANGED:
        return image
    if image.shape[0] == 3:
        image = _change_stain(image, light)
    if light.contrast != 1:
        mean = image.mean(dim=(1, 2), keepdim=True)
        image = mean + (image - mean) * light.contrast
    if light.blur_px >= _LEAST_BLUR_PX:
        image = _blur(image, light.blur_px)
    return image.clamp(0, 1)


def _change_stain(image: Any, light: Light) -> Any:
    from torchvision.transforms.v2 import functional

    if light.saturation != 1:
        image = functional.adjust_saturation(image, light.saturation)
    return functional.adjust_hue(image, light.hue) if light.hue else image


def _blur(image: Any, sigma: float) -> Any:
    import cv2
    import torch

    return torch.from_numpy(np.stack([cv2.GaussianBlur(channel, (0, 0), sigma) for channel in image.numpy()]))
