"""Cells as the flows of Cellpose's own networks, followed by Cellpose's own dynamics, so that its masks come out."""

import importlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.maps import to_map
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage

#: Cellpose drops smaller masks, in px².
_LEAST_AREA_PX = 15.0


@dataclass(frozen=True)
class CellposeFlows:
    """Outputs of networks that Cellpose trained, decoded only; networks that are trained here have `flows.Flows`.

    Stored scores are `flows` (2, H, W) and `logits` (H, W), float32 as Cellpose gives them; `cell`, the probability as
    a 16-bit map; and `steps`, how long the flows are followed.

    Attributes:
        flow_threshold: Cells whose flows differ more than this from those of their shape are dropped; 0 keeps all.
    """

    flow_threshold: float = 0.4
    channels: ClassVar[tuple[str, ...]] = ("flow_row", "flow_column", "cell")
    activations: ClassVar[tuple[Activation, ...]] = ("identity", "identity", "identity")
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.flow_threshold < math.inf:
            raise ValueError(f"`flow_threshold` must be 0 or more, got {self.flow_threshold}.")

    def encode(self, labels: LabelImage) -> Float32Array:
        """Refuse: Cellpose trains its own networks.

        Raises:
            ValueError: Always.
        """
        raise ValueError("networks of Cellpose are trained by Cellpose, not here; the representation `flows` is.")

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return flows, logits and the probability of outputs (3, H, W) of a whole image."""
        if outputs.ndim != 3 or outputs.shape[0] != 3:
            raise ValueError(f"`outputs` must be (3, h, w) for {', '.join(self.channels)}, got {outputs.shape}.")
        if not np.isfinite(outputs).all():
            raise ValueError("`outputs` must be finite, got NaN or infinity.")
        logits = np.asarray(outputs[2], np.float32)
        return {"flows": np.asarray(outputs[:2], np.float32), "logits": logits, "cell": to_map(_sigmoid(logits))}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape.

        Raises:
            ValueError: There are several, or the one is of another shape.
        """
        if len(parts) != 1 or parts[0]["logits"].shape != tuple(shape):
            raise ValueError(f"`parts` must be one of the shape {tuple(shape)}, got {len(parts)}.")
        return parts[0]

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; each one's score is the mean probability of its pixels.

        Raises:
            ImportError: Cellpose, whose dynamics these are, is not installed.
        """
        logits = scores["logits"]
        # Cellpose compares logits; its 0 is a probability of 0.5.
        with np.errstate(divide="ignore"):
            level = float(np.log(decoding.score) - np.log1p(-decoding.score))
        if not (logits > level).any():
            return Instances(np.zeros(logits.shape, np.int32), np.zeros(0, np.float32))
        masks = _follow(scores, level, decoding.min_area_px, self.flow_threshold)
        numbers, places = np.unique(masks, return_inverse=True)
        labels: LabelImage = np.asarray(places.reshape(logits.shape) + int(numbers[0] != 0)).astype(np.int32)
        counts = np.bincount(labels.ravel())[1:]
        sums = np.bincount(labels.ravel(), _sigmoid(logits).ravel().astype(np.float64))[1:]
        return Instances(labels, np.asarray(sums / np.maximum(counts, 1), np.float32))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding."""
        return (self.decode(scores, decoding) for decoding in decodings)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return Cellpose's own: probability 0.5 and 15 px², whatever the cells' size."""
        return Threshold(0.5, _LEAST_AREA_PX)


def _sigmoid(logits: Float32Array) -> Float32Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)


def _follow(scores: Scores, level: float, min_area_px: float, flow_threshold: float) -> LabelImage:
    """Return the masks (H, W) that Cellpose makes of flows and logits, on the processor."""
    try:
        resize_and_compute_masks = importlib.import_module("cellpose.dynamics").resize_and_compute_masks
    except ImportError as error:
        raise ImportError(
            f'flows can\'t be followed without Cellpose ({error}): pip install "cell-pipelines[cellpose]".'
        ) from error
    masks = resize_and_compute_masks(
        np.asarray(scores["flows"]), np.asarray(scores["logits"]), niter=int(scores["steps"]), cellprob_threshold=level,
        flow_threshold=flow_threshold, min_size=math.ceil(min_area_px) or -1,
    )  # fmt: skip
    # Before 3.1 the paths came with the masks.
    return np.asarray(masks[0] if isinstance(masks, tuple) else masks, np.int32)
