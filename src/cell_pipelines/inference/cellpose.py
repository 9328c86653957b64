"""Flows and cell probabilities of a whole image by a Cellpose model, as Cellpose's own code gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.intensity import to_colour
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.cell_diameter import Diameter, Wanted, check_diameter, choose_diameter
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.pixels import UnitPixels, read_part
from cell_pipelines.inference.rescaling import PixelSource
from cell_pipelines.representations.base import Instances, Scores
from cell_pipelines.representations.cellpose import CellposeFlows
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array

# Cellpose follows flows for so many steps where cells have the size that it knows.
_STEPS = 200


class CellposePredictor:
    """A Cellpose model ready to predict.

    Args:
        checkpoint: A model file of `models.foreign.cellpose`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        diameter_px: Diameter of the images' cells in pixels, which Cellpose is told; ``auto`` estimates it from each
            image, as None does for networks of Cellpose 3. Those of later versions learned from cells of many sizes:
            without it they see images as they are.

    Raises:
        ValueError: The weights are others than they were, or the diameter isn't above 0.
        FileNotFoundError: They are gone.
        ImportError: Cellpose is not installed.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto", diameter_px: Wanted | None = None) -> None:
        from cell_pipelines.models.checkpoint_file import read_description
        from cell_pipelines.models.foreign.cellpose import is_transformer, known_diameter, load_cellpose

        description = read_description(checkpoint)
        self.categories = tuple(description["categories"])
        chosen = description["representation"]
        self.representation = CellposeFlows(**chosen["options"])
        self._model = load_cellpose(description["foreign"], choose_device(device))
        self._is_transformer = is_transformer()
        self._known_px = known_diameter(self._model)
        wanted = check_diameter(checkpoint, diameter_px, self._known_px)
        self._wanted = None if self._is_transformer and diameter_px is None else wanted
        self._threshold = Threshold.from_plain(description["decoding"][self.categories[0]])

    def predict(self, image: Image | LargeImage) -> tuple[Scores, ...]:
        """Return the scores of one image (H, W) or (H, W, C) of any depth, for the one category."""
        return self.predict_at(image, self.choose_diameter(image))

    def choose_diameter(self, image: Image | LargeImage, diameter_px: float | None = None) -> Diameter | None:
        """Return the diameter of an image's cells that Cellpose is told; None where it is told none.

        Args:
            image: As for `predict`.
            diameter_px: Of this image's cells; None for what the predictor was told.
        """
        wanted = self._wanted if diameter_px is None else diameter_px
        if wanted is None:
            return None
        return choose_diameter(self._pixels(image), wanted, self._known_px, self._find)

    def predict_at(self, image: Image | LargeImage, diameter: Diameter | None) -> tuple[Scores, ...]:
        """Return the scores of an image whose cells have this diameter, at the image's own scale.

        Cellpose scales intensities, cuts tiles and rescales the image itself. Networks of Cellpose 3 see the mean of
        all channels; those of later versions see up to three.
        """
        whole = read_part(image, (0, 0, image.shape[0], image.shape[1]))
        if whole.dtype.kind == "f":
            whole = np.nan_to_num(whole, nan=0.0, posinf=0.0, neginf=0.0)
        # Where none was found, the network sees the image as it is.
        told = self._known_px if diameter is None or diameter.px is None else diameter.px
        return (self._scores(whole, told),)

    def statistics(self, image: Image | LargeImage) -> ImageStatistics:
        """Return how dark, bright and noisy the image is."""
        return self._pixels(image).statistics()

    def _pixels(self, image: Image | LargeImage) -> UnitPixels:
        return UnitPixels(image, colour="channels", normalisation="percentile")

    def _find(self, pixels: PixelSource) -> list[Instances]:
        scores = self._scores(pixels.read((0, 0, *pixels.shape)), self._known_px)
        return [self.representation.decode(scores, self._threshold)]

    def _scores(self, image: Image, diameter_px: float) -> Scores:
        outputs = self._run(image, diameter_px)
        # Cellpose follows flows for longer where cells are larger than those that it knows.
        steps = int(_STEPS / (self._known_px / diameter_px))
        return {**self.representation.reduce(outputs), "steps": np.array(steps)}

    def _run(self, image: Image, diameter_px: float) -> Float32Array:
        """Return flows and logits (3, H, W)."""
        told = {"diameter": diameter_px, "compute_masks": False}
        if self._is_transformer:
            pixels = image[..., None] if image.ndim == 2 else image[..., :3]
            return _joined(self._model.eval(pixels, channel_axis=2, **told)[1], image)
        grey = to_colour(image, "grey")[..., 0]
        return _joined(self._model.eval(grey, channels=[0, 0], **told)[1], image)


def _joined(flows: Sequence[Any], image: Image) -> Float32Array:
    """Return flows and logits (3, H, W); some versions keep an axis of images, some squeeze it away."""
    parts = [np.asarray(part, np.float32).reshape(-1, *image.shape[:2]) for part in (flows[1], flows[2])]
    return np.concatenate(parts)
