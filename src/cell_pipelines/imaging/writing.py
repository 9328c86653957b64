"""Writing images as PNG, JPEG, BMP or TIFF, whole or not at all."""

from pathlib import Path

import numpy as np

from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.description import Image

WRITTEN_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def write_image(image: Image, path: Path) -> None:
    """Write an image (H, W) or (H, W, 3) RGB as PNG, JPEG, BMP or TIFF by the ending of `path`, whole or not at all.

    Raises:
        ValueError: The ending is unknown, the shape is another, or the format can't hold the image's dtype.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITTEN_SUFFIXES:
        raise ValueError(f"`path` must end in one of {', '.join(WRITTEN_SUFFIXES)}, got {path.name!r}.")
    if not image.size or (image.ndim != 2 and image.shape[2:] != (3,)):
        raise ValueError(f"{path}: `image` must be (H, W) or (H, W, 3), got {image.shape}.")
    if suffix in (".tif", ".tiff"):
        import tifffile

        with atomic_path(path) as temporary:
            photometric = "minisblack" if image.ndim == 2 else "rgb"
            tifffile.imwrite(temporary, image, photometric=photometric, compression="zlib")
        return
    depths = ("uint8", "uint16") if suffix == ".png" else ("uint8",)
    if image.dtype.name not in depths:
        raise ValueError(f"{path}: `image` must be {' or '.join(depths)} for this ending, got {image.dtype.name}.")
    _write_picture(image, path)


def _write_picture(image: Image, path: Path) -> None:
    import cv2

    ok, buffer = cv2.imencode(path.suffix, np.ascontiguousarray(image if image.ndim == 2 else image[..., ::-1]))
    if not ok:
        raise ValueError(f"{path}: can't encode an image of dtype {image.dtype} and shape {image.shape}.")
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.tobytes())
