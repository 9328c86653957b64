"""Label pictures on disk: PNG, BMP, JPEG and TIFF read within limits and as they stand, and written without loss.

Palettes are not looked up: the numbers of a palette picture are its labels. The size in the header is compared before
anything is unpacked, so a small file that claims to be huge costs nothing.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.formats.sources.decoding import decoding_errors
from cell_pipelines.annotations.formats.sources.text import read_bytes
from cell_pipelines.files import atomic_path
from cell_pipelines.unpacking import check_unpacked

Raster = npt.NDArray[Any]

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
MAX_PIXELS = 1 << 29
_MAX_CHANNELS = 4
# Beyond this, 64-bit floating point numbers skip whole numbers.
_MAX_LABEL = 1 << 53


def read_raster(path: Path, size: tuple[int, int] | None = None, *, limit: int = MAX_PIXELS) -> Raster:
    """Return the numbers of a picture (H, W), or (H, W, channels) as red, green, blue and opacity.

    Args:
        path: A file ending in one of `SUFFIXES`.
        size: Width and height it must have; None for any up to `limit` pixels.
        limit: Pixels to read at most.

    Raises:
        ValueError: The file can't be read, has another size, or isn't one picture.
    """
    reader = _read_tiff if path.suffix.lower() in (".tif", ".tiff") else _read_picture
    try:
        raster = reader(path, size, limit)
    except _SizeError:
        raise
    except decoding_errors() as error:
        raise ValueError(f"expected a whole PNG, BMP, JPEG or TIFF, got: {str(error)[:200].rstrip('.')}.") from error
    if raster.ndim not in (2, 3) or not raster.size or (size is not None and raster.shape[1::-1] != size):
        raise ValueError(f"expected a whole picture, got pixels of shape {raster.shape}.")
    return raster.astype(np.uint8) if raster.dtype == np.bool_ else raster


class _SizeError(ValueError):
    """A picture of another size than wanted, or of a kind that holds no labels."""


def _check_size(width: int, height: int, size: tuple[int, int] | None, limit: int) -> None:
    if size is not None and (width, height) != size:
        raise _SizeError(f"the picture has {width}x{height} pixels, its image {size[0]}x{size[1]}; they must agree.")
    if width * height > limit:
        raise _SizeError(f"the picture claims {width}x{height} pixels; at most {limit} are read.")


def _read_picture(path: Path, size: tuple[int, int] | None, limit: int) -> Raster:
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    content = read_bytes(path)
    with PIL.Image.open(io.BytesIO(content), formats=("PNG", "BMP", "JPEG")) as picture:
        _check_size(picture.width, picture.height, size, limit)
        samples = len(picture.getbands()) * (2 if content[24] == 16 or picture.mode.startswith("I") else 1)
        check_unpacked(len(content), picture.width * picture.height * samples)
        # Pillow cuts PNG of 16 bit with several channels to 8.
        if picture.format == "PNG" and picture.mode in ("RGB", "RGBA", "LA") and content[24] == 16:
            return _read_deep(content)
        picture.load()
        return np.array(picture)


def _read_deep(content: bytes) -> Raster:
    import cv2

    raster: Raster | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if raster is None:
        raise ValueError("a PNG of 16 bit that can't be unpacked")
    order = [2, 1, 0, 3][: raster.shape[2]] if raster.ndim == 3 else []
    return np.ascontiguousarray(raster[..., order]) if order else raster


def _read_tiff(path: Path, size: tuple[int, int] | None, limit: int) -> Raster:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_size(int(page.imagewidth), int(page.imagelength), size, limit)
        if len(tiff.pages) > 1 or page.axes not in ("YX", "YXS", "SYX"):
            raise _SizeError(f"expected one picture, got a stack of {len(tiff.pages)} pages with axes {page.axes}.")
        if page.samplesperpixel > _MAX_CHANNELS:
            raise _SizeError(f"expected up to {_MAX_CHANNELS} channels, got {page.samplesperpixel}.")
        check_unpacked(path.stat().st_size, int(page.nbytes))
        raster: Raster = np.asarray(page.asarray())
    raster = np.moveaxis(raster, 0, -1) if page.axes == "SYX" else raster
    return raster.astype(raster.dtype.newbyteorder("="), copy=False)


def to_labels(raster: Raster) -> Raster:
    """Return the labels (H, W) of a picture whose channels agree, as whole numbers that are 0 or more.

    Raises:
        ValueError: Colours differ, or a number is no label.
    """
    labels = whole_numbers(one_channel(raster)[0])
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise ValueError(f"labels must be at least 0, got {int(labels.min())}.")
    return labels


def one_channel(raster: Raster, *, lone: bool = False) -> tuple[Raster, str]:
    """Return the numbers (H, W) of a picture, and a remark where they are not in its colours as usual.

    What is wholly transparent is background. Where all pixels are of one colour and opacity differs, it is the label.

    Args:
        raster: (H, W) or (H, W, channels).
        lone: Take the only channel that isn't empty, too; else all colours must agree.

    Raises:
        ValueError: Colours differ.
    """
    if raster.ndim == 2:
        return raster, ""
    count = 3 if raster.shape[2] > 2 else 1
    colours, opacity = raster[..., :count], raster[..., count] if raster.shape[2] > count else None
    varied = opacity is not None and bool((opacity != opacity[0, 0]).any())
    if varied and bool((colours == colours[0, 0]).all()):
        return np.asarray(opacity), "the numbers are taken from the opacity, since all pixels have one colour."
    used = [number for number in range(count) if colours[..., number].any()]
    agree = bool((colours == colours[..., :1]).all())
    if not agree and not (lone and len(used) == 1):
        raise ValueError("expected one channel of labels, got colours that differ.")
    flat = colours[..., 0 if agree else used[0]]
    remark = "" if agree else f"the numbers are taken from the {('red', 'green', 'blue')[used[0]]} channel."
    return (np.where(opacity > 0, flat, 0) if opacity is not None and varied else flat), remark


def whole_numbers(raster: Raster) -> Raster:
    """Return numbers (H, W) as whole ones.

    Raises:
        ValueError: They are none.
    """
    if raster.dtype.kind == "f":
        missing = int((~np.isfinite(raster)).sum())
        if missing:
            raise ValueError(f"labels must be whole numbers, got NaN or infinity at {missing} pixels.")
        if not ((np.abs(raster) < _MAX_LABEL).all() and (raster == np.floor(raster)).all()):
            raise ValueError("labels must be whole numbers, got fractions.")
        return raster.astype(np.int64)
    if raster.dtype.kind not in "iu":
        raise ValueError(f"labels must be whole numbers, got {raster.dtype}.")
    return raster


def write_raster(raster: Raster, path: Path) -> None:
    """Write a picture (H, W) or (H, W, 3) as PNG of 8 or 16 bit, or as TIFF of any depth, whole or not at all."""
    with atomic_path(path) as temporary:
        if path.suffix == ".png":
            import cv2

            content = cv2.imencode(".png", raster if raster.ndim == 2 else raster[..., ::-1])[1]
            temporary.write_bytes(content.tobytes())
        else:
            import tifffile

            tifffile.imwrite(temporary, raster, photometric="minisblack", compression="zlib")
