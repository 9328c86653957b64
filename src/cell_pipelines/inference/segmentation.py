"""Scores of a whole image by a trained segmentation network: tile by tile where it is large, without seams."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.blocks import block_arrays, cut_blocks
from cell_pipelines.inference.cell_diameter import USUAL_SCORE, Diameter, Wanted, check_diameter, choose_diameter
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.network import Precision, TileNetwork
from cell_pipelines.inference.overlap import choose_overlap
from cell_pipelines.inference.pixels import UnitPixels, trained_normalisation
from cell_pipelines.inference.rescaling import PixelSource, RescaledPixels
from cell_pipelines.inference.stored import Named
from cell_pipelines.inference.tiled_scores import check_channels, predict_resized, predict_scores
from cell_pipelines.representations.base import Instances, Representation, Scores
from cell_pipelines.thresholds import Threshold

if TYPE_CHECKING:
    from cell_pipelines.inference.engines.any_size import ExportedTiles

# Memory for the network's work beside a block of an image larger than memory.
_BLOCK_GB = 0.5
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
        engine: Library that runs the network: ``pytorch``, or on the processor ``onnxruntime``, which has no bfloat16,
            or ``openvino``.
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
        engine: Literal["pytorch", "onnxruntime", "openvino"] = "pytorch",
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
            exported=None if engine == "pytorch" else _export(checkpoint, engine, precision, device),
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

    def predict_blocks(self, pixels: PixelSource) -> tuple[Iterator[Named], int] | None:
        """Return what is stored of what `rescale` returned, block by block, and by how many pixels its tiles overlap.

        None for a network that sees all images at one size, and so the whole of each.

        Raises:
            ValueError: The image has other channels than the model learned from.
        """
        if self._resize is not None:
            return None
        check_channels(self._network, pixels)
        blocks = cut_blocks(pixels.shape, overlap=self._overlap, stride=self._network.stride)
        return block_arrays(blocks, pixels, self._predict_block), self._overlap

    def _predict_block(self, pixels: PixelSource) -> tuple[Scores, ...]:
        memory = min(_BLOCK_GB, self._memory_gb or _BLOCK_GB)
        return predict_scores(self._network, pixels, tile=self._tile, overlap=self._overlap, memory_gb=memory)[0]

    def predict_pixels(self, pixels: PixelSource) -> tuple[tuple[Scores, ...], int | None]:
        """Return the scores of what `rescale` returned, and by how many pixels its tiles overlap; None for one.

        Raises:
            ValueError: The image has other channels than the model learned from.
        """
        if self._resize is not None:
            return predict_resized(self._network, pixels, self._resize), None
        return predict_scores(self._network, pixels, tile=self._tile, overlap=self._overlap, memory_gb=self._memory_gb)


def _export(checkpoint: Path, engine: str, precision: Precision, device: str) -> "ExportedTiles":
    import torch

    from cell_pipelines.inference.engines.any_size import ExportedTiles

    if choose_device(device).type != "cpu":
        raise ValueError(f"`engine` {engine} runs on the processor; set `device` to cpu, or `engine` to pytorch.")
    if engine == "onnxruntime" and precision != "float32":
        raise ValueError(f"`engine` onnxruntime computes in float32; got `precision` {precision}.")
    name = f"{engine}_bfloat16" if precision == "bfloat16" else engine
    return ExportedTiles(checkpoint, name, threads=torch.get_num_threads())


def _untuned(representation: Representation, description: Mapping[str, Any]) -> Threshold:
    """Return what cells are found by to estimate their diameter, whether thresholds were tuned or not.

    Thresholds are tuned, and intervals calibrated, on images that were rescaled by this estimate; it may not depend on
    them.
    """
    area = description.get("mean_area_px")
    return representation.default_threshold(float(area)) if area else Threshold()
