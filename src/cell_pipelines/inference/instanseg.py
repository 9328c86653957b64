"""Label images by a model of InstanSeg, as InstanSeg's own code gives them."""

import math
from pathlib import Path

import numpy as np

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.pixels import UnitPixels, read_part
from cell_pipelines.representations.base import Scores
from cell_pipelines.representations.labels import Labels


class InstansegPredictor:
    """A model of InstanSeg ready to predict.

    Args:
        checkpoint: A model file of `models.foreign.instanseg`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ValueError: The file is another one than it was.
        FileNotFoundError: It is gone.
        ImportError: InstanSeg is not installed.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto") -> None:
        from cell_pipelines.models.checkpoint_file import read_description
        from cell_pipelines.models.foreign.instanseg import load_instanseg

        description = read_description(checkpoint)
        self.categories = tuple(description["categories"])
        self.representation = Labels()
        record = description["foreign"]
        self._target = record["target"]
        #: Side of a pixel in micrometres at the scale that the model knows; nan where it knows none.
        self.known_pixel_um = float(record["pixel_um"])
        self._model = load_instanseg(record, str(choose_device(device)))

    def predict(self, image: Image | LargeImage, pixel_um: float | None = None) -> tuple[Scores, ...]:
        """Return the label image of one image (H, W) or (H, W, C) of any depth, for the one category.

        InstanSeg scales intensities, and brings the image to the scale that the model knows, itself.

        Args:
            image: The image.
            pixel_um: Side of its pixels in micrometres; None where it isn't known, so that the model sees it as it is.
        """
        import torch

        whole = read_part(image, (0, 0, image.shape[0], image.shape[1]))
        if whole.dtype.kind == "f":
            whole = np.nan_to_num(whole, nan=0.0, posinf=0.0, neginf=0.0)
        pixels = whole[..., None] if whole.ndim == 2 else whole
        tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32))
        run = self._model.eval_small_image
        if image.shape[0] * image.shape[1] > self._model.small_image_threshold:
            run = self._model.eval_medium_image
        # Without a size InstanSeg warns; the model's own is that of an image which is taken as it is.
        size = self.known_pixel_um if pixel_um is None or self._knows_no_scale else pixel_um
        given = {"pixel_size": None if math.isnan(size) else size, "target": self._target, "return_image_tensor": False}
        with torch.no_grad():
            labels = run(tensor, **given)
        found = labels.cpu().numpy().reshape(-1, *image.shape[:2])
        return (self.representation.reduce(found[:1].astype(np.int64)),)

    def statistics(self, image: Image | LargeImage) -> ImageStatistics:
        """Return how dark, bright and noisy the image is."""
        return UnitPixels(image, colour="channels", normalisation="percentile").statistics()

    @property
    def _knows_no_scale(self) -> bool:
        return math.isnan(self.known_pixel_um) or self.known_pixel_um <= 0
