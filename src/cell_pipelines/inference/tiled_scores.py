"""Scores of an image by a network: tile by tile where the image is large, blended or joined without seams."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.resizing import Size, resize_pixels
from cell_pipelines.inference.memory import fitting_tiling
from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.inference.rescaling import PixelSource
from cell_pipelines.inference.tiles import Tiling, Window, blend_bands, iter_outputs
from cell_pipelines.representations.base import Representation, Scores
from cell_pipelines.typing import Float32Array

# More tiles at once keep a GPU no busier.
_MOST_TILES = 16


def predict_scores(
    network: TileNetwork,
    pixels: PixelSource,
    *,
    tile: int | None = None,
    overlap: int = 64,
    memory_gb: float | None = None,
) -> tuple[tuple[Scores, ...], int | None]:
    """Return the scores of one image, one for each category, and the overlap of its tiles, None for one tile.

    Options are those of `SegmentationPredictor`. Maps are blended where tiles overlap; candidates are taken from each
    tile's core and joined. Tiling changes the outputs of networks that pool over all they see, such as PSPNet, PAN and
    DeepLabV3; nothing can blend that away.

    Raises:
        ValueError: The image has other channels than the network takes.
    """
    check_channels(network, pixels)
    tiling, batch = _choose_tiling(network, pixels.shape, tile, overlap, memory_gb)
    return _predict_tiles(network, pixels, tiling, batch), overlap if len(tiling) > 1 else None


def _choose_tiling(
    network: TileNetwork, shape: tuple[int, int], tile: int | None, overlap: int, memory_gb: float | None
) -> tuple[Tiling, int]:
    """Return the tiles of an image, and how many of them go through the network at once."""
    # Counting the memory takes a moment, which a set size on a processor saves.
    fitting = network.fitting_pixels(memory_gb) if tile is None or network.device.type != "cpu" else 0.0
    tiling = fitting_tiling(shape, fitting, tile=tile, overlap=overlap, stride=network.stride)
    if network.device.type == "cpu":
        return tiling, 1
    return tiling, min(max(int(fitting / (tiling.rows[0][1] * tiling.columns[0][1])), 1), _MOST_TILES)


def _predict_tiles(network: TileNetwork, pixels: PixelSource, tiling: Tiling, batch: int) -> tuple[Scores, ...]:
    outputs = iter_outputs(tiling, pixels.read, network, batch)
    if network.representation.is_sparse:
        return _join_candidates(network.representation, outputs, pixels.shape)
    return _reduce_maps(network.representation, tiling, outputs)


def predict_resized(network: TileNetwork, pixels: PixelSource, size: Size) -> tuple[Scores, ...]:
    """Return the scores of one image, whose network sees all images at one `size` (height, width).

    Scores are brought back to the image's own size, so cells are.

    Raises:
        ValueError: The image has other channels than the network takes.
    """
    check_channels(network, pixels)
    seen = resize_pixels(pixels.read((0, 0, *pixels.shape)), size)
    outputs = resize_pixels(np.ascontiguousarray(network(seen[None])[0].transpose(1, 2, 0)), pixels.shape)
    folded = np.clip(outputs, 0, 1).transpose(2, 0, 1).reshape(-1, len(network.representation.channels), *pixels.shape)
    return tuple(network.representation.reduce(one) for one in folded)


def check_channels(network: TileNetwork, pixels: PixelSource) -> None:
    """Refuse an image with other channels than the network takes.

    Raises:
        ValueError: It has others.
    """
    if pixels.channels != network.in_channels:
        raise ValueError(
            f"the image has {pixels.channels} channels, but the model learned from {network.in_channels}; "
            "choose the same `channels` as in training."
        )


def _join_candidates(
    representation: Representation, outputs: Iterator[tuple[Window, Window, Float32Array]], shape: tuple[int, int]
) -> tuple[Scores, ...]:
    channels = len(representation.channels)
    parts = []
    for window, core, output in outputs:
        folded = output.reshape(-1, channels, *output.shape[1:])
        parts.append([representation.reduce(one, origin=window[:2], core=core) for one in folded])
    return tuple(representation.join(category, shape) for category in zip(*parts, strict=True))


def _reduce_maps(
    representation: Representation, tiling: Tiling, outputs: Iterator[tuple[Window, Window, Float32Array]]
) -> tuple[Scores, ...]:
    """Store band by band, since maps are stored pixel by pixel: of the rest only one row of tiles is ever held."""
    channels = len(representation.channels)
    whole: list[dict[str, npt.NDArray[Any]]] = []
    for row, band in blend_bands(tiling, outputs):
        folded = band.reshape(-1, channels, *band.shape[1:])
        parts = [representation.reduce(one, origin=(row, 0)) for one in folded]
        if band.shape[1] == tiling.height:
            return tuple(parts)
        if not whole:
            size = (tiling.height, tiling.width)
            whole = [{name: np.empty((*a.shape[:-2], *size), a.dtype) for name, a in part.items()} for part in parts]
        for target, part in zip(whole, parts, strict=True):
            for name, array in part.items():
                target[name][..., row : row + band.shape[1], :] = array
    return tuple(whole)
