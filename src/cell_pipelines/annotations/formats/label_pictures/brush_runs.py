"""Label Studio's brush: a picture's numbers packed bit by bit, runs of one number and stretches of several.

The stream begins with the count of numbers (32 bits), the bits of a number less 1 (5), four lengths less 1 (4 each).
Then come blocks: one bit that says whether all numbers of the block are the same, two that choose one of the lengths,
that many bits for the count of numbers less 1, and the number or the numbers. The picture is RGBA, pixel after pixel.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.formats.sources.json_values import to_list
from cell_pipelines.typing import BoolMask

_LENGTHS = (3, 4, 8, 16)
_HEADER_BITS = 32 + 5 + 4 * 4
_HALF = 128


def decode_brush(packed: Any, width: int, height: int) -> BoolMask:
    """Return the mask (H, W) of the pixels that are at least half opaque.

    Args:
        packed: The bytes as whole numbers.
        width: Of the image.
        height: Of the image.

    Raises:
        ValueError: They are no such stream, or not of an image of this size.
    """
    try:
        content = bytes(to_list(packed, "rle"))
    except (TypeError, ValueError) as error:
        raise ValueError("`rle` must be a list of numbers in 0..255.") from error
    bits = f"{int.from_bytes(content, 'big'):0{8 * len(content)}b}" if len(content) * 8 >= _HEADER_BITS else ""
    if not bits:
        raise ValueError("`rle` breaks off in its header.")
    count = int(bits[:32], 2)
    if count != 4 * width * height:
        raise ValueError(f"`rle` must hold 4 numbers for each of {width}x{height} pixels, got {count}.")
    values = _unpack(bits, count)
    opaque: BoolMask = values[3::4] >= _HALF
    return opaque.reshape(height, width)


def _unpack(bits: str, count: int) -> npt.NDArray[np.uint8]:
    word = int(bits[32:37], 2) + 1
    if word > 8:
        raise ValueError(f"`rle` must hold numbers of at most 8 bits, got {word}.")
    sizes = [int(bits[at : at + 4], 2) + 1 for at in range(37, _HEADER_BITS, 4)]
    values = np.zeros(count, dtype=np.uint8)
    at, done = _HEADER_BITS, 0
    while done < count:
        same, size = bits[at : at + 1], sizes[int(bits[at + 1 : at + 3] or "0", 2)]
        start = at + 3 + size
        length = int(bits[at + 3 : start] or "0", 2) + 1
        at = start + word * (1 if same == "1" else length)
        if at > len(bits) or done + length > count:
            raise ValueError("`rle` breaks off, or holds more numbers than it says.")
        if same == "1":
            values[done : done + length] = int(bits[start:at], 2)
        else:
            values[done : done + length] = [int(bits[i : i + word], 2) for i in range(start, at, word)]
        done += length
    return values


def encode_brush(mask: BoolMask) -> list[int]:
    """Return the stream of a mask (H, W), white and opaque inside, transparent outside."""
    flat = mask.ravel()
    edges = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    inside = bool(flat[0]) if flat.size else False
    parts = [f"{4 * flat.size:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in _LENGTHS)]
    for start, stop in pairwise(edges):
        parts += _run(4 * (stop - start), 255 if inside else 0)
        inside = not inside
    bits = "".join(parts)
    bits += "0" * (-len(bits) % 8)
    return list(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _run(length: int, value: int) -> Sequence[str]:
    parts = []
    while length:
        now = min(length, 1 << _LENGTHS[-1])
        chosen = next(i for i, size in enumerate(_LENGTHS) if now <= 1 << size)
        parts.append(f"1{chosen:02b}{now - 1:0{_LENGTHS[chosen]}b}{value:08b}")
        length -= now
    return parts
