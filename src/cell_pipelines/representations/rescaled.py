"""Cells that a network found at another scale than the image's, in the image's own pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cell_pipelines.representations.base import Instances, Representation, Scores, Window
from cell_pipelines.representations.cell_resizing import resize_cells
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage


class Rescaled:
    """A representation whose stored scores may be those of an image at another scale.

    Decoding is done at the scale of the scores, since its sizes are in the network's pixels; then the cells are brought
    to the image's size. Scores of the image's own size are decoded as ever.

    Args:
        representation: What the network put out.
        size: Height and width of the image.
    """

    def __init__(self, representation: Representation, size: tuple[int, int]) -> None:
        self.representation, self.size = representation, size
        self.channels = representation.channels
        self.activations = representation.activations
        self.stride, self.is_sparse = representation.stride, representation.is_sparse
        self.is_scored = representation.is_scored

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target of labels (H, W), of any size."""
        return self.representation.encode(labels)

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return what is stored of activated outputs (C, h, w)."""
        return self.representation.reduce(outputs, origin=origin, core=core)

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return one image's scores from those of its tiles."""
        return self.representation.join(parts, shape)

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells that stored scores hold, in the image's pixels."""
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding."""
        for found in self.representation.sweep(scores, decodings):
            yield replace(found, labels=resize_cells(found.labels, self.size))

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return a decoding fit for cells of this average area, in the network's pixels."""
        return self.representation.default_threshold(mean_area_px)


def seen_size(scores: Scores, size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width at which a network saw an image of this size, as its stored scores tell."""
    if "shape" in scores:
        height, width = scores["shape"].tolist()
        return int(height), int(width)
    return next((one.shape for one in scores.values() if one.ndim == 2), size)
