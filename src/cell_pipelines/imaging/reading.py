"""Reading and writing images: PNG, JPEG, BMP and TIFF, 8 and 16 bit, refused in one sentence when damaged."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.files import atomic_path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
# More pixels than any sensor gives; a file that claims more is damaged or meant to exhaust memory.
MAX_PIXELS = 1 << 29
# Pages without a name are taken for channels up to this many, for a stack beyond.
MAX_UNNAMED_CHANNELS = 4

Image = npt.NDArray[Any]


class ImageFormatError(ValueError):
    """A file that isn't the image it should be; the sentence names the file."""


@dataclass(frozen=True)
class ImageFile:
    """An image that is read when called for; small enough to be sent to another process.

    Attributes:
        path: The file.
    """

    path: Path

    def __call__(self) -> Image:
        """Read the image."""
        return read_image(self.path)

    def signature(self) -> str:
        """Return what changes when the file does: its size and time of change."""
        status = self.path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}"


def list_images(folder: Path) -> list[Path]:
    """Return the image files below `folder`, sorted by path; hidden files and folders are passed over.

    Raises:
        ImageFormatError: There is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise ImageFormatError(f"{folder}: expected a folder with images; there is none.")
    found = [p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    visible = [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    if not visible:
        raise ImageFormatError(f"{folder}: found no image; expected files ending in {', '.join(IMAGE_SUFFIXES)}.")
    return sorted(visible)


def read_image(path: Path) -> Image:
    """Read an image with all its bits.

    Args:
        path: A file ending in one of `IMAGE_SUFFIXES`.

    Returns:
        Array (H, W) for grey, (H, W, 3) for RGB or (H, W, C) for a TIFF of C channels, in the file's own dtype; an
        alpha channel is left out and a camera's orientation mark is obeyed.

    Raises:
        ImageFormatError: The file is missing, empty, cut short, no single image, or of an unknown kind.
    """
    reader = _read_tiff if path.suffix.lower() in (".tif", ".tiff") else _read_picture
    try:
        image = reader(path)
    except ImageFormatError:
        raise
    except _decoding_errors() as error:
        what = "the file is not there" if not path.exists() else f"expected a whole image, got: {error}"
        raise ImageFormatError(f"{path}: {what.rstrip('.')}.") from error
    if image.ndim not in (2, 3) or not image.size:
        raise ImageFormatError(f"{path}: expected (H, W) or (H, W, channels), got shape {image.shape}.")
    return image.astype(image.dtype.newbyteorder("="), copy=False)


def _decoding_errors() -> tuple[type[Exception], ...]:
    """Return what decoders raise when they meet damaged bytes; they share no base class.

    Warnings are among them for whoever turns warnings into errors.
    """
    import lzma
    import struct
    import zlib

    import PIL.Image

    plain = (OSError, ValueError, TypeError, LookupError, SyntaxError, RuntimeError, ArithmeticError, EOFError)
    packed = (struct.error, zlib.error, lzma.LZMAError, PIL.Image.DecompressionBombError)
    return (*plain, *packed, AttributeError, MemoryError, Warning)


def _read_tiff(path: Path) -> Image:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        _check_size(path, math.prod(series.shape))
        try:
            image, axes = series.asarray(), series.axes
        except ValueError as error:
            # tifffile leaves some compressions, LZW among them, to a package that is not needed otherwise.
            if "imagecodecs" not in str(error) or len(tiff.pages) > 1:
                raise
            return _read_picture(path)
        colour = series.keyframe.photometric == tifffile.PHOTOMETRIC.RGB
    return _channels_last(path, image, axes, colour=colour)


def _channels_last(path: Path, image: Image, axes: str, *, colour: bool) -> Image:
    """Return one image (H, W) or (H, W, C) of a TIFF's array with the axes that tifffile names."""
    kept = [i for i, length in enumerate(image.shape) if length > 1 or axes[i] in "YX"]
    image, axes = image.reshape([image.shape[i] for i in kept]), "".join(axes[i] for i in kept)
    # Q and I: pages of which the file doesn't say what they are; a few of them are channels.
    if axes[1:] == "YX" and (axes[0] in "CS" or (axes[0] in "QI" and image.shape[0] <= MAX_UNNAMED_CHANNELS)):
        image, axes = np.moveaxis(image, 0, -1), f"YX{axes[0]}"
    if axes[:2] != "YX" or len(axes) > 3:
        raise ImageFormatError(f"{path}: expected one image, got a stack with the axes {axes} of {image.shape}.")
    return image[..., :3] if colour and image.shape[2:] == (4,) else image


def _read_picture(path: Path) -> Image:
    import PIL.Image
    import PIL.ImageOps

    # Pillow's own limit is below a stitched slide; what lies above ours is refused by its header.
    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with path.open("rb") as file, PIL.Image.open(file) as picture:
        _check_size(path, picture.width * picture.height)
        picture.load()
        if picture.format == "PNG" and picture.mode in ("RGB", "RGBA", "LA") and png_bits(path) == 16:
            return _read_deep_png(path)
        upright = PIL.ImageOps.exif_transpose(picture)
        if upright.mode in ("I;16", "I;16B", "I", "F"):
            return np.array(upright)
        grey = upright.mode in ("1", "L", "LA") or (upright.mode == "P" and _is_grey(upright))
        return np.array(upright.convert("L" if grey else "RGB"))


def png_bits(path: Path) -> int:
    """Return the bits of a sample of a PNG, from its header."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _read_deep_png(path: Path) -> Image:
    # Pillow cuts PNG of 16 bit with several channels to 8.
    import cv2

    image: Image | None = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("a PNG of 16 bit that can't be decoded")
    return image if image.ndim == 2 else np.ascontiguousarray(image[..., 2::-1])


def _is_grey(picture: Any) -> bool:
    palette = np.asarray(picture.getpalette() or [0] * 3).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _check_size(path: Path, pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise ImageFormatError(f"{path}: claims {pixels} pixels; at most {MAX_PIXELS} are read at once.")


def write_image(image: Image, path: Path) -> None:
    """Write an image (H, W) or (H, W, 3) RGB as PNG, JPEG, BMP or TIFF by the ending of `path`, whole or not at all.

    Raises:
        ValueError: The ending is unknown, the shape is another, or the format can't hold the image's dtype.
    """
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise ValueError(f"`path` must end in one of {', '.join(IMAGE_SUFFIXES)}, got {path.name!r}.")
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


def hash_pixels(image: Image) -> str:
    """Return the SHA-256 of an image's shape, dtype and pixels, the same in whatever file it lies."""
    plain = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{plain.shape}{plain.dtype.str}".encode())
    digest.update(plain.data)
    return digest.hexdigest()
