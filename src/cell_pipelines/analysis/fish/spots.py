"""Spots in one channel of a FISH image: with the fixed threshold of the published method, or adaptively.

The published method is that of Trykin (2023), "Interphase FISH-analysis Processing of Chromosomal Mosaicism on Blood
Cell Nuclei Preparations", section 3.3; it has one threshold for a whole data set. The adaptive finder has its
threshold in units of the noise around each place, so that dim stains, bright backgrounds and deeper images need no
other.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.fish.responses import find_peaks, respond
from cell_pipelines.analysis.fish.spot_tables import (
    BLEED_THROUGH,
    Candidates,
    assign_spots,
    check_channel,
    check_positive,
)
from cell_pipelines.imaging.intensity import to_uint8
from cell_pipelines.typing import AnyArray, FloatArray

#: Standard deviations of the spots' light that are looked for unless others are given, in pixels.
SIGMAS: Final = (1.1, 1.6, 2.3)
_HALF: Final = 0.5  # of a spot's height, at which its area is measured
_SEARCH: Final = 1  # pixels in which the other channel's answer is looked for


def find_spots_fixed(
    channel: npt.NDArray[Any],
    labels: AnyArray,
    *,
    threshold: float = 80.0,
    unsharp_radius: float = 1.0,
    unsharp_amount: float = 1.0,
    border_px: float | None = 1.0,
) -> pd.DataFrame:
    """Find spots as the published method does, step by step.

    1. Unsharp masking. 2a. Binarise: above the threshold. 2b. Morphological gradient with a 3x3 kernel. 2c. Connected
    components. 3a. Leave out candidates outside every nucleus. 3b. Leave out those too near its border.

    The paper is silent about some choices. Here the unsharp mask is scikit-image's with its defaults, its result is cut
    to 0 to 255 as 8 bits are; the threshold of 80 is one of 8 bits, so deeper images are scaled from their whole range
    to 0 to 255 first; components are joined over corners, too; a candidate lies at the mean of its component's pixels.

    Args:
        channel: (H, W), uint8, a deeper unsigned integer, or float in [0, 1].
        labels: (H, W) whole numbers, 0 is background.
        threshold: Grey level of 8 bits, above 0 and below 255.
        unsharp_radius: Standard deviation of the blur that is taken off, in pixels.
        unsharp_amount: How often the difference to the blurred image is added.
        border_px: Candidates at most so far from the border of their nucleus are left out; None leaves none out.

    Returns:
        One row per candidate, kept or not, with the columns of `SPOT_TYPES`. `area_px` counts the pixels of the
        component, which is a band around the spot; `intensity` is the brightest grey level of the channel there;
        `contrast` is nan.
    """
    from scipy import ndimage
    from skimage import measure

    check_channel(channel, labels)
    check_positive(threshold=threshold, unsharp_radius=unsharp_radius)
    if threshold >= 255:
        raise ValueError(f"`threshold` must be a grey level of 8 bits below 255, got {threshold}.")
    sharp = _sharpen(to_uint8(channel, normalisation="full_range"), unsharp_radius, unsharp_amount)
    gradient = ndimage.morphological_gradient((sharp > threshold).astype(np.uint8), size=(3, 3)) > 0
    components, count = measure.label(gradient, connectivity=2, return_num=True)
    if not count:
        return assign_spots(_no_candidates(), labels, border_px=border_px)
    numbers = np.arange(1, count + 1)
    area = np.bincount(components.ravel(), minlength=count + 1)[1:].astype(np.float64)
    places = np.asarray(ndimage.center_of_mass(gradient, components, numbers), dtype=np.float64)
    brightest = np.asarray(ndimage.maximum(channel, components, numbers), dtype=np.float64)
    found = Candidates(places, area, brightest, np.full(count, np.nan))
    return assign_spots(found, labels, border_px=border_px)


def _sharpen(grey: npt.NDArray[np.uint8], radius: float, amount: float) -> FloatArray:
    from skimage.filters import unsharp_mask

    sharp = unsharp_mask(grey.astype(np.float64), radius=radius, amount=amount, preserve_range=True)
    return np.asarray(np.clip(sharp, 0.0, 255.0))


def find_spots_adaptive(
    channel: npt.NDArray[Any],
    labels: AnyArray,
    *,
    sigma_px: float | Sequence[float] = SIGMAS,
    prominence: float = 6.0,
    border_px: float | None = None,
) -> pd.DataFrame:
    """Find spots of several sizes that stand out from the noise around them.

    Candidates are what `find_peaks` gives: local maxima of the Laplacian of Gaussian of that size which answers most,
    in standard deviations of the noise. Places are refined below a pixel by a parabola in each direction.

    Args:
        channel: (H, W), unsigned integer of any depth, or float.
        labels: (H, W) whole numbers, 0 is background: what the spots are assigned to.
        sigma_px: Standard deviation of a spot's light in pixels, as it is seen; several for spots of different sizes.
        prominence: Least contrast of a candidate, in standard deviations of the noise.
        border_px: Candidates at most so far from the border of their nucleus are left out; None leaves none out.

    Returns:
        One row per candidate, kept or not, with the columns of `SPOT_TYPES`. `area_px` counts the joined pixels around
        the place whose answer is at least half of the highest; `intensity` is the brightest grey level of the channel
        among them. What stays below `prominence` is no candidate.
    """
    check_channel(channel, labels)
    sigmas = check_sigmas(sigma_px)
    check_positive(prominence=prominence)
    if not channel.size:
        return assign_spots(_no_candidates(), labels, border_px=border_px)
    peaks, sizes, contrast, values = find_peaks(channel, labels, sigmas)
    chosen = np.flatnonzero(contrast >= prominence)
    # A plateau is one spot: of equal neighbours only the first one counts.
    chosen = chosen[_first_of_plateaus(peaks[chosen], channel.shape)]
    peaks, sizes = peaks[chosen], sizes[chosen]
    measured = [_measure(channel, values[k], peak, sigmas[k]) for k, peak in zip(sizes.tolist(), peaks, strict=True)]
    area, brightest = np.array(measured, dtype=np.float64).reshape(-1, 2).T
    found = Candidates(_refine(values, sizes, peaks), area, brightest, contrast[chosen])
    return assign_spots(found, labels, border_px=border_px)


def check_sigmas(sigma_px: float | Sequence[float]) -> tuple[float, ...]:
    """Return the sizes of spots, in pixels; raise an error unless there are some, all above 0."""
    sigmas = tuple(sigma_px) if isinstance(sigma_px, Sequence) else (sigma_px,)
    if not sigmas:
        raise ValueError("`sigma_px` must be one or more sizes of spots, got none.")
    for sigma in sigmas:
        check_positive(sigma_px=sigma)
    return sigmas


def flag_bleed_through(
    spots: pd.DataFrame, own: npt.NDArray[Any], other: npt.NDArray[Any], *, sigma_px: float = 1.6, ratio: float = 2.0
) -> pd.DataFrame:
    """Leave out spots that are only the other channel's light: there, the other channel answers far more strongly.

    Args:
        spots: A table of spots of one channel, with the columns of `SPOT_TYPES`.
        own: (H, W), the channel in which they were found.
        other: (H, W), the other channel, in the same grey levels.
        sigma_px: Standard deviation of a spot's light in pixels.
        ratio: How many times the answer of the own channel that of the other must be; above 1.

    Returns:
        A new table with the same rows; the reason of those left out here is `bleed-through of the other channel`.
    """
    from scipy import ndimage

    check_positive(ratio=ratio - 1.0)
    if own.shape != other.shape:
        raise ValueError(f"`other` must have the shape of `own` {own.shape}, got {other.shape}.")
    flagged = spots.copy()
    if spots.empty:
        return flagged
    rows, columns = (
        np.rint(spots[axis]).astype(int).clip(0, length - 1).to_numpy()
        for axis, length in zip(("row", "column"), own.shape, strict=True)
    )
    near = 2 * _SEARCH + 1
    answers = [ndimage.maximum_filter(respond(part, sigma_px), size=near)[rows, columns] for part in (own, other)]
    bleeds = spots["kept"].to_numpy() & (answers[1] > ratio * np.maximum(answers[0], 0.0)) & (answers[1] > 0)
    flagged.loc[bleeds, "kept"] = False
    flagged.loc[bleeds, "reason"] = BLEED_THROUGH
    return flagged


def _no_candidates() -> Candidates:
    return Candidates(np.zeros((0, 2)), *(np.zeros(0) for _ in range(3)))


def _first_of_plateaus(peaks: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Give which peaks to keep, the first of each group of neighbours."""
    from scipy import ndimage

    marked = np.zeros(shape, dtype=bool)
    marked[peaks[:, 0], peaks[:, 1]] = True
    groups, _ = ndimage.label(marked, structure=np.ones((3, 3)))
    _, first = np.unique(groups[peaks[:, 0], peaks[:, 1]], return_index=True)
    return np.sort(first)


def _refine(values: FloatArray, sizes: npt.NDArray[np.intp], peaks: npt.NDArray[np.intp]) -> FloatArray:
    """Move peaks to the top of the parabola through them and their neighbours of their size, within their pixel."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows, columns = peaks[:, 0] + 1, peaks[:, 1] + 1
    peak, places = padded[sizes, rows, columns], peaks.astype(np.float64)
    for axis, (down, right) in enumerate(((1, 0), (0, 1))):
        before, after = padded[sizes, rows - down, columns - right], padded[sizes, rows + down, columns + right]
        bend = 2.0 * peak - before - after
        shift = np.divide(after - before, 2.0 * bend, out=np.zeros_like(bend), where=bend > 0)
        places[:, axis] += shift.clip(-0.49, 0.49)  # never into another pixel
    return places


def _measure(
    channel: npt.NDArray[Any], response: FloatArray, peak: npt.NDArray[np.intp], sigma_px: float
) -> tuple[int, float]:
    """Give the area of a spot and its brightest grey level."""
    from scipy import ndimage

    reach = int(np.ceil(4 * sigma_px))
    low = np.maximum(peak - reach, 0)
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, peak + reach + 1, strict=True))
    pieces, _ = ndimage.label(response[window] >= _HALF * response[tuple(peak)])
    own = pieces == pieces[tuple(peak - low)]
    return int(own.sum()), float(channel[window][own].max())
