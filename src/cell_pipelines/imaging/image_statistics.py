"""Intensities of an image in a few numbers, as a network sees them: range, background and noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.description import Image, Window
from cell_pipelines.imaging.regions import LargeImage

# Of larger images so many windows of such a side are looked at, evenly spread.
_WHOLE_PX = 1 << 22
_WINDOWS_PER_SIDE, _WINDOW_PX = 4, 512
# Standard deviation of the second difference of independent noise, in units of the noise's own.
_SECOND_DIFFERENCE = np.sqrt(6.0)

# Share of pixels unlike all their neighbours that a drawing has at most, and of pixels inside of areas at least.
_ALONE, _INSIDE = 0.005, 0.6
# Contrast of a channel relative to the largest that counts, and correlation above which two show the same.
_CLEAR, _ALIKE = 0.1, 0.8
# Of two tones: how near pixels are to the darkest and brightest, least share of each, and most between relative to
# these; how near most of both are, so that noise is no mask.
_NEAR, _LEAST_BRIGHT, _BETWEEN = 0.08, 0.005, 0.2
_PURE, _PURE_BRIGHT, _PURE_DARK = 0.01, 0.5, 0.9
# Pixels of one value in a row that no photograph has, and how far they are from the darkest and brightest.
_RUN, _NEAR_END = 32, 0.03


@dataclass(frozen=True)
class ImageStatistics:
    """Intensities of one image.

    Attributes:
        dtype: Type of its pixels.
        contrast: Difference of its 99.9 and 0.1 percentiles, in its own intensities.
        seen_low: Its 0.1 percentile as the network sees it, where 0 to 1 is what is not cut.
        seen_high: Its 99.9 percentile, likewise.
        seen_median: Its median, likewise.
        noise_share: Standard deviation of what varies from pixel to pixel, as a share of `contrast`; the same in any
            type and at any gain. 0.16 is nothing but normal noise. 0 for an image of one intensity.
        broken: How many of the values that were looked at are no finite numbers.
        is_flat: Whether it consists of areas of one value each, as masks and label images do and photographs do not.
        drawn_share: Share of pixels in rows of 32 and more of one and the same value, neither the darkest nor the
            brightest, as the ground of screenshots and drawings is.
        differing_channels: Of how many channels the network saw the mean, where these show different things; else 0.
    """

    dtype: str
    contrast: float
    seen_low: float
    seen_high: float
    seen_median: float
    noise_share: float
    broken: int = 0
    is_flat: bool = False
    differing_channels: int = 0
    drawn_share: float = 0.0


def measure_image(image: Image | LargeImage, limits: tuple[float, float]) -> ImageStatistics:
    """Return the statistics of an image.

    Args:
        image: (H, W) or (H, W, C) with pixels, of any type; of several channels their mean is taken. Values that are no
            finite numbers count as 0.
        limits: Intensities that the network sees as 0 and 1, as in `intensity.intensity_limits`.

    Returns:
        Statistics of all pixels, or, of images above 4 megapixels, of 16 windows of 512 x 512 spread over the image.
        Noise is the mean absolute second difference along rows over `sqrt(6)`, as a standard deviation of normal noise
        (after Immerkaer 1996); fine structure counts as noise.
    """
    read = _parts(image)
    broken = sum(int(np.count_nonzero(~np.isfinite(part))) for part in read if part.dtype.kind == "f")
    parts = [_grey(part) for part in read]
    low, median, high = np.percentile(np.concatenate([part.ravel() for part in parts]), (0.1, 50, 99.9))
    contrast = float(high - low)
    differences = [np.abs(np.diff(part, n=2, axis=1)).ravel() for part in parts if part.shape[1] > 2]
    mean = float(np.concatenate(differences).mean()) if differences else 0.0
    noise = mean * float(np.sqrt(np.pi / 2) / _SECOND_DIFFERENCE)
    scale = max(limits[1] - limits[0], 1e-12)
    seen_low, seen_high, seen_median = (float((value - limits[0]) / scale) for value in (low, high, median))
    share = noise / contrast if contrast > 0 else 0.0
    flat = all(_is_flat(part) or _is_two_tone(part, (low, high)) for part in parts)
    drawn = float(np.mean([_drawn_share(part, (low, high)) for part in parts]))
    seen = (seen_low, seen_high, seen_median)
    return ImageStatistics(str(image.dtype), contrast, *seen, share, broken, flat, drawn_share=drawn)


def _is_flat(part: npt.NDArray[np.float64]) -> bool:
    """Say whether next to no pixel differs from all its neighbours, and most equal those to the right and below."""
    values, numbers = np.unique(part, return_counts=True)
    drawn = (part != values[numbers.argmax()])[1:-1, 1:-1]
    if not drawn.any():
        return len(values) > 1
    centre = part[1:-1, 1:-1]
    equal = [part[2:, 1:-1] == centre, part[1:-1, 2:] == centre, part[:-2, 1:-1] == centre, part[1:-1, :-2] == centre]
    alone = ~np.logical_or.reduce(equal)[drawn]
    return bool(alone.mean() < _ALONE and (equal[0] & equal[1])[drawn].mean() > _INSIDE)


def _is_two_tone(part: npt.NDArray[np.float64], limits: tuple[float, float]) -> bool:
    """Say whether nearly all is dark or bright, as in a mask that was saved with loss or scaled."""
    low, high = limits
    bright, dark = part > high - _NEAR * (high - low), part < low + _NEAR * (high - low)
    shares = float(bright.mean()), float(dark.mean())
    if high <= low or min(shares) < _LEAST_BRIGHT or 1 - sum(shares) > _BETWEEN * min(shares):
        return False
    pure = _PURE * (high - low)
    return bool((part[bright] > high - pure).mean() > _PURE_BRIGHT and (part[dark] < low + pure).mean() > _PURE_DARK)


def _drawn_share(part: npt.NDArray[np.float64], limits: tuple[float, float]) -> float:
    low, high = limits
    near = _NEAR_END * (high - low)
    if part.shape[1] <= _RUN:
        return 0.0
    is_same = (part[:, 1:] == part[:, :-1]) & (part[:, 1:] > low + near) & (part[:, 1:] < high - near)
    sums = np.cumsum(np.pad(is_same, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    ends = sums[:, _RUN - 1 :] - sums[:, : -(_RUN - 1)] == _RUN - 1
    covered = np.cumsum(np.pad(ends, ((0, 0), (_RUN - 1, _RUN - 1))), axis=1, dtype=np.int32)
    inside = covered[:, _RUN - 1 :] - np.pad(covered, ((0, 0), (1, 0)))[:, :-_RUN]
    return float(np.mean(inside > 0))


def count_differing_channels(image: Image | LargeImage) -> int:
    """Return of how many channels an image is, where two that have contrast show different things; else 0.

    Args:
        image: (H, W) or (H, W, C).

    Returns:
        C where the correlation of two channels is below 0.8; a channel with less than a tenth of the contrast of
        another does not count. 0 for one channel.
    """
    if len(image.shape) == 2:
        return 0
    part = np.nan_to_num(_parts(image)[0].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    flat = part.reshape(-1, part.shape[2])
    contrast = np.ptp(np.percentile(flat, (0.1, 99.9), axis=0), axis=0)
    clear = flat[:, (contrast > 0) & (contrast > _CLEAR * contrast.max(initial=0))]
    if clear.shape[1] < 2 or (clear.std(axis=0) == 0).any():
        return 0
    return int(part.shape[2]) if np.corrcoef(clear, rowvar=False).min() < _ALIKE else 0


def _grey(part: Image) -> npt.NDArray[np.float64]:
    values = part.astype(np.float64)
    if part.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return values.mean(axis=2) if values.ndim == 3 else values


def _parts(image: Image | LargeImage) -> list[Image]:
    windows = _windows(image.shape[0], image.shape[1])
    if isinstance(image, LargeImage):
        return [image.read(*window) for window in windows]
    return [image[row : row + height, column : column + width] for row, column, height, width in windows]


def _windows(height: int, width: int) -> list[Window]:
    if height * width <= _WHOLE_PX:
        return [(0, 0, height, width)]
    tall, wide = min(_WINDOW_PX, height), min(_WINDOW_PX, width)
    rows, columns = (
        dict.fromkeys(np.linspace(0, length - side, _WINDOWS_PER_SIDE).round().astype(int).tolist())
        for length, side in ((height, tall), (width, wide))
    )
    return [(row, column, tall, wide) for row in rows for column in columns]
