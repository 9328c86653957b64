"""Cells as they are: a network, or what comes with it, puts out a label image, without any score to choose by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage

# Labels beyond are not told from their neighbours in float32.
_MOST_LABELS = 2**24


@dataclass(frozen=True)
class Labels:
    """A label image, decoded only: such models bring their own way from outputs to cells.

    Cells have no scores, so no threshold is compared with them and none can be chosen; only the least area counts.
    Stored is `labels` (H, W) int32, 0 for background.
    """

    channels: ClassVar[tuple[str, ...]] = ("labels",)
    activations: ClassVar[tuple[Activation, ...]] = ("identity",)
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = False

    def encode(self, labels: LabelImage) -> Float32Array:
        """Refuse: there is no training of label images here.

        Raises:
            ValueError: Always.
        """
        raise ValueError("networks that put out label images are trained elsewhere, not here.")

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return the label image of outputs (1, H, W) of a whole image, its numbers from 1 to N without a gap.

        Raises:
            ValueError: They are no whole numbers of 0 or more.
        """
        if outputs.ndim != 3 or outputs.shape[0] != 1:
            raise ValueError(f"`outputs` must be a label image (1, h, w), got {outputs.shape}.")
        numbers, places = np.unique(outputs[0], return_inverse=True)
        if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any() or numbers.min(initial=0) < 0:
            raise ValueError(
                f"`outputs` must be a label image, whole numbers from 0 on, got {numbers[0]:.4g} to {numbers[-1]:.4g}, "
                f"{len(numbers)} different values."
            )
        if outputs.dtype == np.float32 and numbers.max(initial=0) >= _MOST_LABELS:
            raise ValueError(f"`outputs` must be below {_MOST_LABELS} to be whole in float32, got {numbers[-1]:.0f}.")
        first = int(bool(len(numbers)) and numbers[0] != 0)
        return {"labels": np.asarray(places.reshape(outputs.shape[1:]) + first, np.int32)}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape.

        Raises:
            ValueError: There are several, or the one is of another shape.
        """
        if len(parts) != 1 or parts[0]["labels"].shape != tuple(shape):
            raise ValueError(f"`parts` must be one of the shape {tuple(shape)}, got {len(parts)}.")
        return parts[0]

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells of at least the least area; their scores are nan, since there are none."""
        labels: LabelImage = np.asarray(scores["labels"])
        areas = np.bincount(labels.ravel(), minlength=1)
        kept = areas >= max(decoding.min_area_px, 1)
        kept[0] = False
        numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
        return Instances(numbers[labels], np.full(int(kept.sum()), np.nan, np.float32))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding."""
        return (self.decode(scores, decoding) for decoding in decodings)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return the one that keeps every cell, whatever the cells' size."""
        return Threshold(0.0)
