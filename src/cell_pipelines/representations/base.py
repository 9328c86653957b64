"""Define what every representation of cells offers: targets for training, and cells from a network's output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy.typing as npt

from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage

#: What is stored of a network's output for one image and category; arrays by name, ready for an NPZ file.
Scores = Mapping[str, npt.NDArray[Any]]
#: How raw outputs become scores; neighbouring ``softmax`` channels are normalised together.
Activation = Literal["sigmoid", "softmax", "identity"]
#: Rows and columns of an image: top, left, height, width.
Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Instances:
    """The cells of one image and category.

    Attributes:
        labels: (H, W) int32, 0 for background, 1 to N without a gap.
        scores: (N,) float32 in [0, 1], how sure the network is of each; nan where it doesn't say.
    """

    labels: LabelImage
    scores: Float32Array


class Representation(Protocol):
    """One way of standing for cells. Library code knows no other than this."""

    #: One name for each channel that a network has to put out for one category.
    channels: tuple[str, ...]
    #: One for each channel.
    activations: tuple[Activation, ...]
    #: Only every so many-th row and column of an image, from the first on, has a target and outputs: a power of two; 1
    #: for maps, which are stored pixel by pixel.
    stride: int
    #: Whether scores of neighbouring tiles are lists of candidates, joined by `join`, instead of blended maps.
    is_sparse: bool
    #: Whether cells have scores, so that thresholds can be chosen; False where a model gives cells and nothing else.
    is_scored: bool

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target of labels (H, W): (C, H, W), or its rows and columns ``[::stride]``."""
        ...

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return what is stored of activated outputs (C, h, w).

        Args:
            outputs: Of a whole image, or of the tile whose first pixel is at `origin` (row, column).
            origin: Where the tile lies in the image, in pixels; multiples of `stride`.
            core: The part of the tile, in its own pixels, that candidates may come from; None for all of it.
        """
        ...

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return one image's scores (image of `shape`) from those of its tiles; of a single part, that part."""
        ...

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells that stored scores hold."""
        ...

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding, in order, sharing the work that they have in common."""
        ...

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return a decoding fit for cells of this average area, before any threshold optimisation."""
        ...
