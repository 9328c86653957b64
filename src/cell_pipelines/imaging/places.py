"""Locate the plane of its file that an image is."""

from dataclasses import dataclass
from pathlib import Path

from cell_pipelines.imaging.axes import choose_scene, frames, pages_axis
from cell_pipelines.imaging.description import ImageInfo, ImageSelection


@dataclass(frozen=True)
class ImagePlace:
    """Position of an image in its file.

    Attributes:
        lengths: How many time points, depths and channels the file's scene has; pages that the file does not name
            count as what they are read as.
        time: Number of the time point, from 0.
        z: Number of the depth, from 0; None for a projection of all.
    """

    lengths: tuple[int, int, int]
    time: int
    z: int | None


def find_place(path: Path, scenes: tuple[ImageInfo, ...], selection: ImageSelection) -> ImagePlace:
    """Return where the image that `selection` chooses lies.

    Raises:
        ImageFormatError: There is no such scene.
    """
    info = scenes[choose_scene(path, scenes, selection)]
    times, pages = frames(info, selection), pages_axis(info, selection)
    depths, channels = (info.length(axis) * (info.length("Q") if axis == pages else 1) for axis in "ZC")
    z = selection.z if isinstance(selection.z, int) else 0 if depths == 1 else None
    time = selection.time if isinstance(selection.time, int) else 0
    return ImagePlace((times, depths, channels), time, z)
