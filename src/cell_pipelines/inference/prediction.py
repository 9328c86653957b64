"""A trained model of any family as the rest of the program sees it, and what it gives for one image."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.cell_diameter import Diameter
from cell_pipelines.inference.stored import Named

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Prediction for one image, with the warnings that go with it.

    Attributes:
        arrays: What is stored, for `stored.write_arrays`.
        statistics: Intensities of the image as the model sees them.
        tile_overlap: By how many pixels its tiles overlap at least; None where it was taken whole.
        diameter: Of its cells, by which it was rescaled; None for a model that sees images as they are.
        warning: What else speaks against it, as part of a sentence; empty for nothing.
        blocks: What is stored besides, of an image that is predicted block by block as this is read.
    """

    arrays: Arrays
    statistics: ImageStatistics
    tile_overlap: int | None
    diameter: Diameter | None = None
    warning: str = ""
    blocks: Iterable[Named] = ()

    def note(self) -> dict[str, Any]:
        """Return statistics, overlap, diameter and warning as plain values, for `stored.write_arrays`."""
        note = {"statistics": asdict(self.statistics), "tile_overlap": self.tile_overlap, "warning": self.warning}
        return note if self.diameter is None else {**note, "diameter": asdict(self.diameter)}


class Predictor(Protocol):
    """A trained model of any family."""

    #: Class names in the order of the model's outputs.
    categories: tuple[str, ...]

    def predict(self, image: Image | LargeImage) -> Arrays:
        """Return what is stored of one image (H, W) or (H, W, C): arrays by name, for `stored.write_arrays`."""
        ...

    def examine(self, image: Image | LargeImage) -> Prediction:
        """Return the same, with what one must know to trust it."""
        ...


@runtime_checkable
class RescalingPredictor(Protocol):
    """A trained model that may know cells of one diameter."""

    def examine_at(self, image: Image | LargeImage, diameter_px: float | None) -> Prediction:
        """Return what `Predictor.examine` does for an image with cells of this diameter in its pixels."""
        ...


@runtime_checkable
class BlockPredictor(Protocol):
    """A trained model that takes images larger than memory block by block."""

    def examine_blocks(self, image: Image | LargeImage, diameter_px: float | None) -> Prediction:
        """Return what `Predictor.examine` does, stored by blocks, which `blocks.read_blocks` reads.

        The diameter of the image's cells in its pixels is that of `RescalingPredictor.examine_at`.
        """
        ...


@runtime_checkable
class ScaledPredictor(Protocol):
    """A trained model that knows pixels of one size in micrometres."""

    def examine_scaled(self, image: Image | LargeImage, pixel_um: float | None) -> Prediction:
        """Return what `Predictor.examine` does for an image with pixels of this side; None where it isn't known."""
        ...
