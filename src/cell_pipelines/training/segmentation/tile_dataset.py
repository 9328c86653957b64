"""Tiles cut from whole images, moved and encoded for the network; and whole images for validation."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.tiling import Window, tile_windows
from cell_pipelines.representations.base import Representation
from cell_pipelines.training.segmentation.augmentation import Augmentation, change_intensities, draw_movement, move_tile
from cell_pipelines.training.segmentation.copy_paste import CutWindow, list_cells, paste_cells
from cell_pipelines.training.segmentation.samples import Sample
from cell_pipelines.typing import AnyArray

# Larger images are validated in parts, since a network's maps take hundreds of times per image's memory.
MAX_WHOLE_PIXELS = 1 << 22
# What a part sees beyond its border, so that cells there are seen with what surrounds them.
_MARGIN = 64


class Tile(NamedTuple):
    """Position of a tile: its image and the first pixel of its window."""

    sample: int
    row: int
    column: int


class Draw(NamedTuple):
    """One tile of one epoch; what happens to it follows from these numbers and the seed alone."""

    tile: int
    epoch: int
    number: int


@dataclass(frozen=True)
class Cutting:
    """Settings by which tiles are cut.

    Attributes:
        size: Side of a tile in pixels.
        overlap: Least overlap of neighbouring tiles in pixels.
        jitter: Whether a tile's place varies by up to half the distance to its neighbour.
        augmentation: What happens to it.
        seed: Of everything random.
    """

    size: int = 256
    overlap: int = 0
    jitter: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0


def list_tiles(samples: Sequence[Sample], size: int, overlap: int) -> list[Tile]:
    """Return the tiles of `size` pixels that cover all images; a small image has one, which it doesn't fill."""
    shapes = (sample.image.shape[:2] for sample in samples)
    return [
        Tile(index, row, column)
        for index, (height, width) in enumerate(shapes)
        for row, column, _, _ in tile_windows(height, width, size, overlap)
    ]


def cut_window(sample: Sample, window: Window) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return image, labels and weights of a window, which may reach beyond the image.

    Outside, the image is mirrored, there are no cells, and the weights are 0.

    Args:
        sample: The image.
        window: First row and column, height, width; any whole numbers.

    Returns:
        Image (h, w, C) as it is kept, labels (K, h, w) int32 and weights (K, h, w) float32.
    """
    row, column, height, width = window
    rows, inside_rows = _places(row, height, sample.image.shape[0])
    columns, inside_columns = _places(column, width, sample.image.shape[1])
    if inside_rows.all() and inside_columns.all():
        part = (slice(row, row + height), slice(column, column + width))
        labels, weights = (maps[:, part[0], part[1]] for maps in (sample.labels, sample.weights))
        return sample.image[part], labels.astype(np.int32), weights.astype(np.float32)
    place = np.ix_(rows, columns)
    inside = inside_rows[:, None] & inside_columns
    labels, weights = (maps[:, place[0], place[1]] for maps in (sample.labels, sample.weights))
    return sample.image[place], (labels * inside).astype(np.int32), (weights * inside).astype(np.float32)


def _places(start: int, length: int, size: int) -> tuple[AnyArray, npt.NDArray[np.bool_]]:
    """Return the pixels that a stretch reads, mirrored at the borders, and which of them lie inside."""
    wanted = np.arange(start, start + length)
    period = max(2 * size - 2, 1)
    mirrored = np.abs((wanted + size - 1) % period - (size - 1)) if size > 1 else np.zeros_like(wanted)
    return mirrored, (wanted >= 0) & (wanted < size)


class TileDataset:
    """Training tiles; asked by a `Draw`, so that workers need to know nothing of epochs.

    A tile is a mapping: ``image`` (C, S, S) float32 in [0, 1], ``target`` (K, channels, S, S) float32,
    ``weights`` (K, S, S) float32, ``tile`` its number; target and weights have the rows and columns that the
    representation's stride leaves.
    """

    def __init__(self, samples: Iterable[Sample], representation: Representation, cutting: Cutting) -> None:
        self.samples = list(samples)
        self.representation = representation
        self.cutting = cutting
        self.tiles = list_tiles(self.samples, cutting.size, cutting.overlap)
        self._cells = [list_cells(one) if cutting.augmentation.copy_paste else [] for one in self.samples]

    def __len__(self) -> int:
        return len(self.tiles)

    def __getitem__(self, draw: Draw) -> dict[str, Any]:
        """Return one tile as it is seen in one epoch."""
        import torch

        image, labels, weights = self.cut(draw)
        target = np.stack([self.representation.encode(one) for one in labels.numpy()])
        weights = at_stride(weights, self.representation)
        return {"image": image, "target": torch.from_numpy(target), "weights": weights, "tile": draw.tile}

    def cut(self, draw: Draw) -> tuple[Any, Any, Any]:
        """Return image, labels and weights of a tile as tensors, after all that happens to them at random."""
        import torch

        cutting, tile = self.cutting, self.tiles[draw.tile]
        generator = np.random.default_rng((cutting.seed, draw.epoch, draw.number))
        movement = draw_movement(cutting.augmentation, cutting.size, generator)
        sample = self.samples[tile.sample]
        jitter = generator.uniform(-0.5, 0.5, 2) * (cutting.size - cutting.overlap) if cutting.jitter else (0.0, 0.0)
        side = movement.side(cutting.size)
        first = [
            _start(start, float(move), length, cutting.size) + round(shift * cutting.size) - (side - cutting.size) // 2
            for start, move, length, shift in zip(tile[1:], jitter, sample.image.shape[:2], movement.shift, strict=True)
        ]
        window = CutWindow(*cut_window(sample, (first[0], first[1], side, side)))
        if movement.pastes:
            cells = self._cells[tile.sample]
            window = paste_cells(window, sample, cells, movement.pastes, generator.spawn(1)[0])
        pixels, *maps = window
        tensors = [torch.from_numpy(array) for array in (to_network(pixels), *maps)]
        image, labels, weights = move_tile(tensors[0], tensors[1], tensors[2], movement, cutting.size)
        return change_intensities(image, movement, generator), labels, weights


def at_stride(maps: Any, representation: Representation) -> Any:
    """Return of maps (..., H, W) the rows and columns that have targets."""
    return maps[..., :: representation.stride, :: representation.stride]


def _start(start: int, move: float, length: int, size: int) -> int:
    """Return where a tile starts after jitter, which doesn't leave the image; a small image lies in its centre."""
    return round(min(max(start + move, 0), length - size)) if length >= size else (length - size) // 2


def to_network(pixels: AnyArray) -> npt.NDArray[np.float32]:
    """Return an image (H, W, C) as it is kept as (C, H, W) float32 in [0, 1]."""
    channels_first = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
    return channels_first / np.float32(255) if pixels.dtype == np.uint8 else channels_first


class ValidationDataset:
    """Whole images for validation, large ones in parts that overlap but count each pixel once.

    An item is a mapping as of `TileDataset`, of any size, with its number as ``tile`` and ``counts`` 0 for the items
    that only fill up, so that every one of several devices gets as many.
    """

    def __init__(self, samples: Sequence[Sample], representation: Representation, devices: int = 1) -> None:
        self.samples = list(samples)
        self.representation = representation
        self.parts = [
            (index, core) for index, sample in enumerate(self.samples) for core in _cores(*sample.image.shape[:2])
        ]
        self._devices = devices
        self._length = -(-len(self.parts) // devices) * devices

    def __len__(self) -> int:
        return self._length

    def items_of(self, images: Collection[int]) -> list[int]:
        """Return the items of some images by their places, filled up for the devices."""
        items = [number for number, (index, _) in enumerate(self.parts) if index in images]
        return items + [len(self.parts) + items[0]] * (-len(items) % self._devices)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return one whole image or part."""
        import torch

        index, (row, column, height, width) = self.parts[number % len(self.parts)]
        sample = self.samples[index]
        top, left = max(row - _MARGIN, 0), max(column - _MARGIN, 0)
        bottom = min(row + height + _MARGIN, sample.image.shape[0])
        right = min(column + width + _MARGIN, sample.image.shape[1])
        image, labels, weights = cut_window(sample, (top, left, bottom - top, right - left))
        core = np.zeros(weights.shape[1:], dtype=np.float32)
        core[row - top : row - top + height, column - left : column - left + width] = 1
        target = np.stack([self.representation.encode(one) for one in labels])
        return {
            "image": torch.from_numpy(to_network(image)),
            "target": torch.from_numpy(target),
            "weights": at_stride(torch.from_numpy(weights * core), self.representation),
            "tile": number,
            "counts": int(number < len(self.parts)),
        }


def _cores(height: int, width: int) -> list[Window]:
    """Return windows that cover an image, each pixel once, none larger than is taken whole."""
    if height * width <= MAX_WHOLE_PIXELS:
        return [(0, 0, height, width)]
    side = math.isqrt(MAX_WHOLE_PIXELS)
    rows, columns = (np.linspace(0, n, -(-n // side) + 1).astype(int).tolist() for n in (height, width))
    return [
        (top, left, bottom - top, right - left) for top, bottom in pairwise(rows) for left, right in pairwise(columns)
    ]
