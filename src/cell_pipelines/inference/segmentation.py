"""Scores of a whole image by a trained segmentation network: tile by tile where it is large, without seams."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.imaging.resizing import Size, resize_pixels
from cell_pipelines.inference.cell_diameter import USUAL_SCORE, Diameter, Wanted, check_diameter, choose_diameter
from cell_pipelines.inference.memory import fitting_tiling
from cell_pipelines.inference.network import Precision, TileNetwork
from cell_pipelines.inference.overlap import choose_overlap
from cell_pipelines.inference.pixels import UnitPixels, trained_normalisation
from cell_pipelines.inference.rescaling import PixelSource, RescaledPixels
from cell_pipelines.inference.tiles import Tiling, Window, blend_bands, iter_outputs
from cell_pipelines.representations.base import Instances, Representation, Scores
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array

# More tiles at once keep a GPU no busier.
_MOST_TILES = 16
# Overlap in pixels where the model's cells are small or of unknown size.
_LEAST_OVERLAP = 64


class SegmentationPredictor:
    """A trained segmentation network ready to predict.

    Args:
        checkpoint: File of a trained model.
        tile: Side of the tiles in pixels; None for the whole image where `memory_gb` allows, else for the largest
            tiles that it allows.
        overlap: Least overlap of neighbouring tiles in pixels. 3/8 of it at each end saw padding in place of the image
            and count nothing, so networks that look no further give on tiles what they give on the whole. None for
            5/4 of the cells that the model was trained on, at least 64.
        memory_gb: Memory that the network's work may take; None for 2 GB, or most of a GPU's free memory.
        test_time_augmentation: Average over the eight turns and mirror images, at eight times the cost.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``float32``, or ``bfloat16`` with fewer bits.
        diameter_px: Diameter of the images' cells in pixels, for a model that knows cells of one diameter: images are
            seen at the scale at which theirs have it. ``auto`` estimates it from each image, as None does for such a
            model.

    Raises:
        ValueError: The file is no checkpoint, or an option doesn't fit.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        tile: int | None = None,
        overlap: int | None = None,
        memory_gb: float | None = None,
        test_time_augmentation: bool = False,
        device: str = "auto",
        precision: Precision = "float32",
        diameter_px: Wanted | None = None,
    ) -> None:
        from cell_pipelines.models.checkpoint import read_checkpoint
        from cell_pipelines.representations.registry import create_representation

        if memory_gb is not None and memory_gb <= 0:
            raise ValueError(f"`memory_gb` must be positive, got {memory_gb}.")
        network, description = read_checkpoint(checkpoint)
        chosen = description["representation"]
        self.representation: Representation = create_representation(chosen["name"], **chosen.get("options", {}))
        self.categories = tuple(description["categories"])
        self._colour = description.get("colour", "rgb")
        self._normalisation = trained_normalisation(description, "segmentation")
        self._resize = tuple(description["resize"]) if description.get("resize") else None
        #: Diameter in pixels of the cells that the network knows; None for one that sees images as they are.
        self.known_diameter_px: float | None = description.get("cell_diameter_px")
        self._usual_score = description.get("usual_score") or USUAL_SCORE
        self._diameter = check_diameter(checkpoint, diameter_px, self.known_diameter_px)
        self._threshold = _untuned(self.representation, description)
        self._overlap = choose_overlap(description, wanted=overlap, least=_LEAST_OVERLAP, tile=tile)
        self._tile, self._memory_gb = tile, memory_gb
        self._network = TileNetwork(
            network, self.representation, device=device, precision=precision,
            test_time_augmentation=test_time_augmentation,
        )  # fmt: skip

    def predict(self, image: Image | LargeImage) -> tuple[Scores, ...]:
        """Return the scores of one image, one for each category.

        Args:
            image: (H, W) or (H, W, C) of any depth, or one that `open_region_reader` opened, which is then read tile
                by tile.

        Raises:
            ValueError: The image has other channels than the model learned from.
        """
        return self.predict_pixels(self.rescale(self.open(image))[0])[0]

    def open(self, image: Image | LargeImage) -> UnitPixels:
        """Return the image as the network takes it, window by window."""
        return UnitPixels(image, colour=self._colour, normalisation=self._normalisation)

    def rescale(self, pixels: PixelSource, diameter_px: float | None = None) -> tuple[PixelSource, Diameter | None]:
        """Return an image at the scale at which its cells have the known diameter, and their diameter in the image.

        Args:
            pixels: What `open` returned.
            diameter_px: Of this image's cells; None for what the predictor was told.

        Returns:
            The image as it is, and None, for a network that knows no diameter.
        """
        if self.known_diameter_px is None or self._diameter is None:
            return pixels, None
        wanted = self._diameter if diameter_px is None else diameter_px
        found = choose_diameter(pixels, wanted, self.known_diameter_px, self._find, self._usual_score)
        factor = found.factor(self.known_diameter_px)
        return (pixels if factor == 1 else RescaledPixels(pixels, factor)), found

    def mean_score(self, image: Image | LargeImage, diameter_px: float) -> float | None:
        """Return the mean score of the cells predicted in an image at a diameter; None where there are none."""
        scores = [one.scores for one in self._find(self.rescale(self.open(image), diameter_px)[0])]
        found = np.concatenate(scores)
        return float(found.mean()) if len(found) else None

    def _find(self, pixels: PixelSource) -> list[Instances]:
        scores = self.predict_pixels(pixels)[0]
        return [self.representation.decode(one, self._threshold) for one in scores]

    def predict_pixels(self, pixels: PixelSource) -> tuple[tuple[Scores, ...], int | None]:
        """Return the scores of what `rescale` returned, and by how many pixels its tiles overlap; None for one.

        Raises:
            ValueError: The image has other channels than the model learned from.
        """
        if self._resize is not None:
            return predict_resized(self._network, pixels, self._resize), None
        return predict_scores(self._network, pixels, tile=self._tile, overlap=self._overlap, memory_gb=self._memory_gb)


def _untuned(representation: Representation, description: Mapping[str, Any]) -> Threshold:
    """Return what cells are found by to estimate their diameter, whether thresholds were tuned or not.

    Thresholds are tuned, and intervals calibrated, on images that were rescaled by this estimate; it may not depend on
    them.
    """
    area = description.get("mean_area_px")
    return representation.default_threshold(float(area)) if area else Threshold()


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
    _check_channels(network, pixels)
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
    _check_channels(network, pixels)
    seen = resize_pixels(pixels.read((0, 0, *pixels.shape)), size)
    outputs = resize_pixels(np.ascontiguousarray(network(seen[None])[0].transpose(1, 2, 0)), pixels.shape)
    folded = np.clip(outputs, 0, 1).transpose(2, 0, 1).reshape(-1, len(network.representation.channels), *pixels.shape)
    return tuple(network.representation.reduce(one) for one in folded)


def _check_channels(network: TileNetwork, pixels: PixelSource) -> None:
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
