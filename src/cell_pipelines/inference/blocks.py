"""Scores of images larger than memory: predicted, stored and read block by block.

A block is predicted with a surrounding as wide as tiles overlap. Its cells are those whose centroid lies in its core;
cores meet, so that each cell belongs to one block.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cell_pipelines.inference.rescaling import PixelSource
from cell_pipelines.inference.stored import Arrays, Named, opened_arrays, read_size
from cell_pipelines.inference.tiles import Tiling, Window
from cell_pipelines.representations.base import Scores
from cell_pipelines.typing import Float32Array

# Longest side of a block with its surrounding in pixels, as the network sees them.
_SIDE = 4096
_BLOCKS, _SEEN = "blocks", "seen"


@dataclass(frozen=True)
class Block:
    """A part of an image, in pixels as the network sees them.

    Attributes:
        seen: Height and width of the whole image.
        window: The block with its surrounding, in the image.
        core: The part of `window`, in its own pixels, from which the block's cells are taken.
    """

    seen: tuple[int, int]
    window: Window
    core: Window


@dataclass(frozen=True)
class BlockPixels:
    """A window of an image as an image of its own."""

    pixels: PixelSource
    window: Window

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.window[2:]

    @property
    def channels(self) -> int:
        """Channels that the network is given."""
        return self.pixels.channels

    def read(self, window: Window) -> Float32Array:
        """Return a window (row, column, height, width) of the part as (height, width, channels)."""
        row, column, height, width = window
        return self.pixels.read((self.window[0] + row, self.window[1] + column, height, width))


def cut_blocks(shape: tuple[int, int], *, overlap: int, stride: int) -> list[Block]:
    """Return the blocks of an image, row by row.

    Args:
        shape: Height and width of the image as the network sees it.
        overlap: Width of a block's surrounding in pixels.
        stride: Of the network, so that blocks begin on its grid.
    """
    side = max(_SIDE, 6 * overlap)
    tiling = Tiling.cover(shape, (side, side), 2 * overlap, stride)
    return [Block(shape, window, core) for window, core in tiling.windows()]


def block_arrays(
    blocks: Sequence[Block], pixels: PixelSource, predict: Callable[[PixelSource], Sequence[Scores]]
) -> Iterator[Named]:
    """Yield what is stored of an image, one array after the other; `predict` gives the scores of one block."""
    yield _SEEN, np.array(pixels.shape, np.int64)
    yield _BLOCKS, np.array([(*one.window, *one.core) for one in blocks], np.int64)
    for number, block in enumerate(blocks):
        for category, scores in enumerate(predict(BlockPixels(pixels, block.window))):
            for name, array in scores.items():
                yield f"{number}/{category}/{name}", np.asarray(array)


def is_by_blocks(path: Path) -> bool:
    """Tell whether stored scores are those of blocks."""
    with opened_arrays(path) as arrays:
        return _BLOCKS in arrays


def read_blocks(path: Path) -> Iterator[tuple[Block, tuple[Scores, ...]]]:
    """Yield each block with the scores of each category; one block is in memory at a time.

    Raises:
        ValueError: The file is damaged or something else.
    """
    with opened_arrays(path) as arrays:
        seen = tuple(arrays[_SEEN].tolist())
        names: dict[int, list[str]] = {}
        for name in filter(lambda one: "/" in one, arrays):
            names.setdefault(int(name.partition("/")[0]), []).append(name)
        for number, row in enumerate(arrays[_BLOCKS].tolist()):
            yield Block(seen, tuple(row[:4]), tuple(row[4:])), _scores(arrays, names[number])


def read_image_size(path: Path) -> tuple[int, int]:
    """Return height and width of the image that stored scores are of."""
    with opened_arrays(path) as arrays:
        return read_size(arrays)


def _scores(arrays: Arrays, names: Sequence[str]) -> tuple[Scores, ...]:
    scores: dict[int, dict[str, np.ndarray]] = {}
    for name in names:
        _, category, array = name.split("/")
        scores.setdefault(int(category), {})[array] = arrays[name]
    return tuple(scores[category] for category in sorted(scores))
