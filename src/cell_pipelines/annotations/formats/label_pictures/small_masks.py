"""Masks as PNG pictures inside annotation files, read within limits."""

import base64
import binascii
import struct
import zlib
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.sources.decoding import decoding_errors
from cell_pipelines.typing import BoolMask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ENDING = b"IEND\xaeB`\x82"


def from_base64(text: Any) -> bytes:
    """Return the bytes of a base64 text, also of a ``data:`` address.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(text, str):
        raise ValueError("the mask must be a base64 text.")
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=False)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the mask is no base64 text: {error}.") from error


def to_base64(content: bytes) -> str:
    """Return bytes as a base64 text."""
    return base64.b64encode(content).decode("ascii")


def unpack(content: bytes, limit: int) -> bytes:
    """Return what zlib packed, at most `limit` bytes.

    Raises:
        ValueError: It can't be unpacked, or is larger.
    """
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(content, limit)
    except zlib.error as error:
        raise ValueError(f"the mask can't be unpacked: {error}.") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"the mask takes more than {limit} bytes when unpacked.")
    return unpacked


def read_png(content: bytes, size: tuple[int, int]) -> BoolMask:
    """Return the mask (H, W) in a PNG: where it is opaque, or without transparency, where it isn't black.

    Args:
        content: Of the PNG file.
        size: Width and height of the image that the mask belongs to; it must not be larger.

    Raises:
        ValueError: It is no PNG, damaged or too large.
    """
    import imagecodecs

    # The size is read first, since a few bytes can claim a picture larger than memory.
    if not content.startswith(_SIGNATURE) or len(content) < 33:
        raise ValueError("the mask is no PNG picture.")
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= size[0] and 0 < height <= size[1]):
        raise ValueError(f"the mask has {width}x{height} pixels, its image {size[0]}x{size[1]}.")
    if _ENDING not in content:
        raise ValueError("the PNG picture of the mask is cut off.")
    try:
        pixels = imagecodecs.png_decode(content)
    except decoding_errors() as error:
        raise ValueError(f"the PNG picture of the mask can't be read: {error}.") from error
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"the PNG picture of the mask has another size than it says, {width}x{height} pixels.")
    if pixels.ndim == 3:
        pixels = pixels[:, :, -1] if pixels.shape[2] in (2, 4) else pixels.max(axis=2)
    return np.asarray(pixels > 0)


def write_png(mask: BoolMask, *, opaque: bool = False) -> bytes:
    """Return a mask (H, W) as a PNG of 0 and 255, or with `opaque` as one that is transparent outside."""
    import imagecodecs

    pixels = np.ascontiguousarray(mask, dtype=np.uint8) * 255
    if opaque:
        pixels = np.repeat(pixels[:, :, None], 4, axis=2)
    return bytes(imagecodecs.png_encode(pixels))
