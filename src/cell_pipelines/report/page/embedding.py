"""Images and figures as text that a page can hold, so that it needs no file beside it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_SIDE = 1600  # pixels; more than a page shows
_LONGEST_PHOTOGRAPH = 1000  # pixels
_LARGE = 150_000  # bytes; a PNG above this is written as JPEG, if that is smaller
_PAGE_DPI, _SHARPNESS = 100, 2  # an inch of a figure on the page, and how many pixels each of these gets
# Drawings after which matplotlib's constrained layout stays as it is, so that drawing again changes nothing.
_SETTLING = 3


@dataclass(frozen=True)
class Embedded:
    """A picture inside a page.

    Attributes:
        uri: ``data:image/…;base64,…``.
        width: Width on the page in CSS pixels, if there is room.
        height: Height on the page in CSS pixels.
        is_figure: Whether it is a figure, whose letters must stay readable, rather than an image.
    """

    uri: str
    width: int
    height: int
    is_figure: bool


def embed(picture: Image | Figure) -> Embedded:
    """Return an image or a figure as a data URI; the same pixels always give the same text.

    Args:
        picture: An array (H, W) or (H, W, 3) RGB, uint8, made smaller if a side is longer than 1600 pixels
            and written as PNG, or as JPEG where that saves much. Or a figure of matplotlib, written as PNG
            with two pixels for each pixel of the page.

    Raises:
        TypeError: If it is neither.
        ValueError: If the array is empty or has another number of axes.
    """
    if isinstance(picture, np.ndarray):
        return _embed_image(picture)
    if hasattr(picture, "savefig"):
        return _embed_figure(picture)
    raise TypeError(f"A picture must be an array or a matplotlib figure, got {type(picture).__name__}.")


def _embed_image(image: Image) -> Embedded:
    rgb = _to_rgb(image)
    small = _shrink(rgb, LONGEST_SIDE)
    data, kind = _encode(small, _LARGE)
    return Embedded(_to_uri(data, kind), small.shape[1], small.shape[0], is_figure=False)


def embed_photograph(image: Image) -> Embedded:
    """Return an image of a microscope, without lines or letters, in few bytes and with the size of its own pixels.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8. It is kept with at most 1000 pixels per side, as PNG or JPEG, whichever
            is smaller.

    Returns:
        `width` and `height` are those of `image`, in whose pixels lines above it are drawn.

    Raises:
        ValueError: The array is empty or has another number of axes.
    """
    rgb = _to_rgb(image)
    data, kind = _encode(_shrink(rgb, _LONGEST_PHOTOGRAPH), 0)
    return Embedded(_to_uri(data, kind), rgb.shape[1], rgb.shape[0], is_figure=False)


def _to_rgb(image: Image) -> Image:
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f"A picture must have shape (H, W) or (H, W, 3) and some pixels, got {image.shape}.")
    return to_rgb(to_uint8(image))


def _shrink(image: Image, longest: int) -> Image:
    import cv2

    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _encode(image: Image, large: int) -> tuple[bytes, str]:
    """Return PNG, or where that has more than `large` bytes the smaller of PNG and JPEG."""
    import cv2

    reversed_channels = np.ascontiguousarray(image[..., ::-1])
    png = cv2.imencode(".png", reversed_channels)[1].tobytes()
    if len(png) <= large:
        return png, "png"
    # Without 4:4:4 the colours of thin lines would be smeared.
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    jpeg = cv2.imencode(".jpg", reversed_channels, quality)[1].tobytes()
    return (jpeg, "jpeg") if len(jpeg) < len(png) else (png, "png")


def embed_figure_file(png: bytes) -> Embedded:
    """Return a figure that was written as PNG; its size on the page follows from the pixels per inch in the file.

    Raises:
        ValueError: The file does not say how many pixels an inch has.
    """
    import PIL.Image

    with PIL.Image.open(io.BytesIO(png)) as image:
        pixels, resolution = image.size, image.info.get("dpi")
    if resolution is None:
        raise ValueError("a figure must say how many pixels an inch has; this file does not.")
    width, height = (round(length / dpi * _PAGE_DPI) for length, dpi in zip(pixels, resolution, strict=True))
    return Embedded(_to_uri(in_few_colours(png), "png"), width, height, is_figure=True)


def settle(figure: Any) -> None:
    """Draw a figure until its constrained layout stays as it is, so that it always looks the same."""
    for _ in range(_SETTLING):
        figure.draw_without_rendering()


def _embed_figure(figure: Any) -> Embedded:
    settle(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_PAGE_DPI * _SHARPNESS, metadata={"Software": None})
    return embed_figure_file(buffer.getvalue())


def in_few_colours(png: bytes) -> bytes:
    """Return a figure with the 256 colours that it needs most, which nobody sees, in about a third of the bytes."""
    import PIL.Image

    with PIL.Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(256, dither=PIL.Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, format="png", optimize=True)
    return min(png, buffer.getvalue(), key=len)


def _to_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
