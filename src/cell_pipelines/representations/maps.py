"""Score maps as they are stored: checked when they come from a network, 16-bit, cut at a level."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.base import Scores
from cell_pipelines.typing import Float32Array, LabelImage

Map = npt.NDArray[np.uint16]
Maps = Mapping[str, Map]


#: The stored value of probability 1. Steps of 1/65535 are far below what a network's rounding leaves certain.
FULL: Final = 65535
# Blending tiles rounds; more than this outside [0, 1] is no rounding.
_ROUNDING: Final = 1e-3


def to_map(probabilities: Float32Array) -> Map:
    """Return probabilities (H, W) in [0, 1] in steps of 1/65535."""
    return np.asarray(np.rint(np.clip(probabilities, 0, 1) * np.float32(FULL)).astype(np.uint16))


def to_level(threshold: float) -> int:
    """Return the stored value from which a pixel reaches `threshold`; rounded as maps are, so 0.5 reaches 0.5."""
    return int(np.rint(np.float32(threshold) * np.float32(FULL)))


def to_compact(labels: LabelImage) -> LabelImage:
    """Return labels (H, W) whose numbers are small enough to index arrays; the same array if they are so already."""
    if labels.max(initial=0) <= labels.size:
        return labels
    numbers, places = np.unique(labels, return_inverse=True)
    return np.asarray(places.reshape(labels.shape) + int(numbers[0] != 0), dtype=np.int32)


def check_outputs(outputs: Float32Array, channels: Sequence[str]) -> None:
    """Raise ValueError unless `outputs` are activated ones of these channels, all numbers."""
    if outputs.ndim != 3 or outputs.shape[0] != len(channels):
        raise ValueError(f"`outputs` must be ({len(channels)}, h, w) for {', '.join(channels)}, got {outputs.shape}.")
    if not outputs.size:
        return
    low, high = float(outputs.min()), float(outputs.max())
    if np.isnan(low) or np.isnan(high):
        count = int(np.isnan(outputs).sum())
        raise ValueError(f"`outputs` must be numbers, got NaN at {count} of {outputs.size}; did the training diverge?")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(f"`outputs` must be activated, in [0, 1], got {low:.3g} to {high:.3g}.")


def check_maps(scores: Scores, names: Sequence[str]) -> Maps:
    """Return the maps called `names`.

    Raises:
        ValueError: One is missing, or they are no 16-bit maps of one shape.
    """
    if missing := [name for name in names if name not in scores]:
        raise ValueError(f"`scores` must hold {', '.join(names)}, got {', '.join(scores) or 'none'}; {missing[0]!r} ?")
    maps = {name: np.asarray(scores[name]) for name in names}
    kinds = {(str(item.dtype), item.shape) for item in maps.values()}
    if len(kinds) > 1 or any(item.dtype != np.uint16 or item.ndim != 2 for item in maps.values()):
        raise ValueError(f"`scores` must be (H, W) uint16 maps of one shape, got {sorted(kinds)}.")
    return maps


def join_maps(parts: Sequence[Scores], shape: tuple[int, int], names: Sequence[str]) -> Scores:
    """Return the one part there is: maps of tiles are blended before they are reduced.

    Raises:
        ValueError: There are several parts, or the one is of another shape.
    """
    if len(parts) != 1:
        raise ValueError(f"`parts` must be one, for maps are blended before `reduce`, got {len(parts)}.")
    found = check_maps(parts[0], names)[names[0]].shape
    if found != tuple(shape):
        raise ValueError(f"`parts` must be of `shape` {tuple(shape)}, got {found}.")
    return parts[0]
