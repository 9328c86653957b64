"""Turned and mirrored views of images, which a single model is compared with itself on."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cell_pipelines.imaging.reading import Image, ImageFile, ImageFormatError, ImageInfo

#: Quarter turns and whether mirrored before, of each view; the most different ones first.
VIEWS: Final = ((0, True), (1, False), (2, True), (2, False), (3, True), (3, False), (1, True))
# Larger images are read part by part, which a turned one is not.
_MOST_PIXELS: Final = 1 << 26


@dataclass(frozen=True)
class TurnedImage(ImageFile):
    """An image file that is read mirrored and turned.

    Attributes:
        turns: Quarter turns counter-clockwise.
        mirrored: Whether left and right are swapped before.
    """

    turns: int = 0
    mirrored: bool = False

    def __call__(self) -> Image:
        """Read the image, mirror and turn it."""
        image = super().__call__()
        return np.ascontiguousarray(np.rot90(image[:, ::-1] if self.mirrored else image, self.turns))

    def info(self) -> ImageInfo:
        """Return what a call gives."""
        info = super().info()
        if self.turns % 2 == 0:
            return info
        shape = (info.width, info.height, *info.shape[2:])
        size = info.pixel_size_um
        return replace(info, shape=shape, pixel_size_um=None if size is None else (size[1], size[0]))

    def signature(self) -> str:
        """Return what changes when the file, the selection or the view does."""
        return f"{super().signature()}-turned{self.turns}{'m' if self.mirrored else ''}"


def turned_images(images: dict[str, ImageFile], view: int) -> dict[str, ImageFile]:
    """Return the images as a view shows them; those too large to be turned in memory, or damaged, are left out."""
    turns, mirrored = VIEWS[view]
    return {
        name: TurnedImage(file.path, file.selection, turns, mirrored)
        for name, file in images.items()
        if _can_be_turned(file)
    }


def _can_be_turned(file: ImageFile) -> bool:
    try:
        info = file.info()
    except ImageFormatError:
        return False
    return info.height * info.width <= _MOST_PIXELS
