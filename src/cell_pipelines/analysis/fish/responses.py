"""Answers of an image to spots, at one or several sizes, in units of the noise around each place."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import AnyArray, FloatArray

_TO_SD: Final = 1.4826  # of the median absolute deviation, for normal noise
_CLIP: Final = 2.5  # standard deviations beyond which values are spots rather than noise
_CLIPPED_SD: Final = 0.9856  # what is estimated of a standard deviation of 1 of normal noise once clipped there
_ROUNDS: Final = 3
_CELL: Final = 20.0  # side of the squares in which noise is measured, in standard deviations of the largest spots


class Peaks(NamedTuple):
    """Places that may be spots, of any of K sizes.

    Attributes:
        pixels: (N, 2), row and column.
        size: (N,), the number, from 0, of the size that answers most.
        contrast: (N,), that answer in standard deviations of the noise.
        values: (K, H, W), all answers: minus the Laplacian of Gaussian times the variance of the Gaussian.
    """

    pixels: npt.NDArray[np.intp]
    size: npt.NDArray[np.intp]
    contrast: FloatArray
    values: FloatArray


def find_peaks(channel: npt.NDArray[Any], labels: AnyArray, sigmas: Sequence[float]) -> Peaks:
    """Find what stands out from the noise, at the size at which it does so most.

    The noise is the standard deviation of the answers themselves: in squares of 20 standard deviations of the largest
    spot, interpolated between their centres, or of the whole nucleus where that is more. Each is estimated from the
    median absolute deviation without what lies beyond 2.5 standard deviations (three rounds), so that the spots hardly
    count. It therefore contains the shot noise of the light at that place, the camera's read noise, any smoothing of
    the image, and texture as fine as the spots. What is outside of the nuclei is treated like one nucleus.

    Args:
        channel: (H, W), at least one pixel.
        labels: (H, W) whole numbers, 0 is background.
        sigmas: K standard deviations of a spot's light in pixels.

    Returns:
        The local maxima, of 3 x 3 pixels, of the highest answer in units of the noise around; all that are above 0.
    """
    from scipy import ndimage

    values = np.stack([respond(channel, sigma) for sigma in sigmas])
    least = np.array([_least_noise(channel, sigma) for sigma in sigmas])
    around = np.stack([_noise_around(value, _CELL * max(sigmas)) for value in values])
    around = np.maximum(around, least[:, None, None], out=around)
    highest = (values / around).max(axis=0)
    rows, columns = np.nonzero((highest == ndimage.maximum_filter(highest, size=3)) & (highest > 0))
    nuclear = _noise_of_nuclei(values, labels)[:, labels[rows, columns]]
    contrasts = values[:, rows, columns] / np.maximum(around[:, rows, columns], nuclear)
    return Peaks(np.stack([rows, columns], axis=1), contrasts.argmax(axis=0), contrasts.max(axis=0), values)


def respond(channel: npt.NDArray[Any], sigma_px: float) -> FloatArray:
    """Give minus the Laplacian of Gaussian of a channel, times the variance of the Gaussian, float64 (H, W).

    The factor makes the answers to spots of different sizes comparable (Lindeberg 1998, doi:10.1023/A:1008045108935).
    """
    from scipy import ndimage

    values = np.nan_to_num(channel.astype(np.float64))
    return np.asarray(-(sigma_px**2) * ndimage.gaussian_laplace(values, sigma_px, mode="nearest"))


def _least_noise(channel: npt.NDArray[Any], sigma_px: float) -> float:
    """Give the spread of the answer to rounding alone: the Laplacian's norm is 1 / (sigma sqrt(2 pi))."""
    step = 1.0 if channel.dtype.kind == "u" else 0.0
    return max(step / math.sqrt(12.0) / (sigma_px * math.sqrt(2.0 * math.pi)), 1e-12)


def _noise_of_nuclei(values: FloatArray, labels: AnyArray) -> FloatArray:
    """Give the spread of each size's values (K, H, W) in each nucleus (K, highest label + 1); 0 where there is none."""
    order = np.argsort(labels, axis=None, kind="stable")
    ids, start = np.unique(labels.ravel()[order], return_index=True)
    noise = np.zeros((len(values), int(ids[-1]) + 1))
    for id_, pixels in zip(ids, np.split(order, start[1:]), strict=True):
        noise[:, id_] = [_spread(value.ravel()[pixels]) for value in values]
    return noise


def _noise_around(values: FloatArray, side: float) -> FloatArray:
    """Give the spread of values (H, W) around each pixel."""
    (rows, row_weights), (columns, column_weights) = (_squares(length, side) for length in values.shape)
    grid = [[_spread(values[own, other]) for other in columns] for own in rows]
    return np.asarray(row_weights.T @ np.array(grid) @ column_weights)


def _squares(length: int, side: float) -> tuple[list[slice], FloatArray]:
    """Divide an axis into parts; give them, and the weight (parts, length) of each in a linear interpolation."""
    count = max(1, round(length / side))
    edges = np.linspace(0, length, count + 1).astype(int)
    centres = (edges[:-1] + edges[1:] - 1) / 2.0
    weights = [np.interp(np.arange(length), centres, own) for own in np.eye(count)]
    return [slice(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)], np.array(weights)


def _spread(values: FloatArray) -> float:
    """Give the standard deviation of values about their median, without those far from it."""
    median, spread = _median_and_deviation(values)
    for _ in range(_ROUNDS):
        near = values[np.abs(values - median) < _CLIP * spread]
        if not near.size:
            break
        median, deviation = _median_and_deviation(near)
        spread = deviation / _CLIPPED_SD
    return spread


def _median_and_deviation(values: FloatArray) -> tuple[float, float]:
    median = float(np.median(values))
    return median, _TO_SD * float(np.median(np.abs(values - median)))
