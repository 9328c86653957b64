"""Tables of spot candidates: to which nucleus each belongs, how far from its border, and why it was left out."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.typing import AnyArray, FloatArray

#: Columns of a table of spots of one channel, with their types.
SPOT_TYPES: Final = {
    "nucleus": "int64",
    "row": "float64",
    "column": "float64",
    "area_px": "float64",
    "intensity": "float64",
    "contrast": "float64",
    "distance_to_border_px": "float64",
    "kept": "bool",
    "reason": "str",
}
OUTSIDE: Final = "outside every nucleus"
BLEED_THROUGH: Final = "bleed-through of the other channel"


class Candidates(NamedTuple):
    """N places that may be spots.

    Attributes:
        places: (N, 2) row and column in pixels.
        area_px: (N,) pixels.
        intensity: (N,) brightest grey level of the channel as it came.
        contrast: (N,) height over the nucleus's own background in its standard deviations; nan where not known.
    """

    places: FloatArray
    area_px: FloatArray
    intensity: FloatArray
    contrast: FloatArray


def assign_spots(candidates: Candidates, labels: AnyArray, *, border_px: float | None) -> pd.DataFrame:
    """Find the nucleus of each candidate, and leave out what lies outside or too near its border.

    A candidate belongs to the nucleus whose label its nearest pixel has. Its distance to the border is that to the
    centre of the nearest pixel on the rim of the nucleus: a pixel of it with a neighbour, above, below, left or right,
    that is not of it. The edge of the image is no border.

    Args:
        candidates: N candidates.
        labels: (H, W) whole numbers, 0 is background.
        border_px: Candidates at most so far from the border are left out; None leaves none out there.

    Returns:
        One row per candidate, in their order, with the columns of `SPOT_TYPES`.
    """
    from scipy import ndimage

    nucleus = labels_at(labels, candidates.places)
    distance = np.full(len(nucleus), np.nan)
    windows = ndimage.find_objects(labels) if (nucleus > 0).any() else []
    for own in np.unique(nucleus[nucleus > 0]).tolist():
        chosen = nucleus == own
        distance[chosen] = _border_distances(candidates.places[chosen], labels, own, windows[own - 1])
    near = distance <= (-1.0 if border_px is None else border_px)
    reason = np.where(nucleus == 0, OUTSIDE, np.where(near, f"within {border_px or 0:g} px of the border", ""))
    columns = {
        "nucleus": nucleus,
        "row": candidates.places[:, 0],
        "column": candidates.places[:, 1],
        "area_px": candidates.area_px,
        "intensity": candidates.intensity,
        "contrast": candidates.contrast,
        "distance_to_border_px": distance,
        "kept": reason == "",
        "reason": pd.array(reason.tolist(), dtype="str"),
    }
    return pd.DataFrame(columns, columns=list(SPOT_TYPES)).astype(SPOT_TYPES)


def labels_at(labels: AnyArray, places: FloatArray) -> npt.NDArray[np.int64]:
    """Give the label (N,) of the pixel in which each place (N, 2) lies, 0 beyond the image."""
    pixels = np.rint(places).astype(np.int64)
    inside = ((pixels >= 0) & (pixels < labels.shape)).all(axis=1)
    found = np.zeros(len(places), dtype=np.int64)
    found[inside] = labels[pixels[inside, 0], pixels[inside, 1]]
    return found


def _border_distances(places: FloatArray, labels: AnyArray, own: int, window: tuple[slice, slice]) -> FloatArray:
    """Give the distance of places to the rim of their nucleus, infinite where the image shows no rim of it."""
    from scipy import ndimage
    from scipy.spatial import KDTree

    # Beyond the window there is none of the nucleus; beyond the image, nobody knows.
    padding = [(int(side.start > 0), int(side.stop < size)) for side, size in zip(window, labels.shape, strict=True)]
    framed = np.pad(labels[window] == own, padding)
    rim = framed & ~ndimage.binary_erosion(framed, border_value=1)
    if not rim.any():
        return np.full(len(places), np.inf)
    corner = np.array([side.start - before for side, (before, _) in zip(window, padding, strict=True)])
    distances, _ = KDTree(np.argwhere(rim) + corner).query(places)
    return np.asarray(distances, dtype=np.float64)


def check_channel(channel: npt.NDArray[Any], labels: AnyArray) -> None:
    """Raise an error unless a channel is a grey image with a label image of its size."""
    if channel.ndim != 2:
        raise ValueError(f"`channel` must have the shape (H, W), got {channel.shape}.")
    if channel.dtype.kind not in "uf":
        raise TypeError(f"`channel` must be unsigned whole numbers or floats, got {channel.dtype}.")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"`labels` must be whole numbers, got {labels.dtype}.")
    if labels.shape != channel.shape:
        raise ValueError(f"`labels` must have the channel's height and width {channel.shape}, got {labels.shape}.")


def check_positive(**values: float) -> None:
    """Raise an error that names the first value that is not a number above 0."""
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"`{name}` must be above 0, got {value}.")
