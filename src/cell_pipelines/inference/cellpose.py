"""Flows and cell probabilities of a whole image by a Cellpose model, as Cellpose's own code gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.intensity import to_colour
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.pixels import UnitPixels, read_part
from cell_pipelines.representations.base import Scores
from cell_pipelines.representations.flows import Flows
from cell_pipelines.typing import Float32Array

# Cellpose follows flows for so many steps where cells have the size that it knows.
_STEPS = 200


class CellposePredictor:
    """A Cellpose model ready to predict.

    Args:
        checkpoint: A model file of `models.foreign.cellpose`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ValueError: The weights are others than they were.
        FileNotFoundError: They are gone.
        ImportError: Cellpose is not installed.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto") -> None:
        from cell_pipelines.models.checkpoint_file import read_description
        from cell_pipelines.models.foreign.cellpose import is_transformer, load_cellpose

        description = read_description(checkpoint)
        self.categories = tuple(description["categories"])
        chosen = description["representation"]
        self.representation = Flows(**chosen["options"])
        self._model = load_cellpose(description["foreign"], choose_device(device))
        self._is_transformer = is_transformer()

    def predict(self, image: Image | LargeImage) -> tuple[Scores, ...]:
        """Return the scores of one image (H, W) or (H, W, C) of any depth, for the one category.

        Cellpose scales intensities and cuts tiles itself. Networks of Cellpose 3 see the mean of all channels and
        rescale the image by the cells that they were trained on; those of later versions see up to three channels.
        """
        whole = read_part(image, (0, 0, image.shape[0], image.shape[1]))
        if whole.dtype.kind == "f":
            whole = np.nan_to_num(whole, nan=0.0, posinf=0.0, neginf=0.0)
        outputs = self._new(whole) if self._is_transformer else self._old(whole)
        steps = int(_STEPS / (1.0 if self._is_transformer else self._rescale()))
        return ({**self.representation.reduce(outputs), "steps": np.array(steps)},)

    def statistics(self, image: Image | LargeImage) -> ImageStatistics:
        """Return how dark, bright and noisy the image is."""
        return UnitPixels(image, colour="channels", normalisation="percentile").statistics()

    def _rescale(self) -> float:
        return float(self._model.diam_mean / self._model.diam_labels)

    def _old(self, image: Image) -> Float32Array:
        grey = to_colour(image, "grey")[..., 0]
        return _joined(self._model.eval(grey, channels=[0, 0], compute_masks=False)[1], image)

    def _new(self, image: Image) -> Float32Array:
        pixels = image[..., None] if image.ndim == 2 else image[..., :3]
        return _joined(self._model.eval(pixels, channel_axis=2, compute_masks=False)[1], image)


def _joined(flows: Sequence[Any], image: Image) -> Float32Array:
    """Return flows and logits (3, H, W); some versions keep an axis of images, some squeeze it away."""
    parts = [np.asarray(part, np.float32).reshape(-1, *image.shape[:2]) for part in (flows[1], flows[2])]
    return np.concatenate(parts)
