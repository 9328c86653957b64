"""Prediction intervals for counts by split conformal prediction: right as often as they say, whatever the errors are.

Images whose true count is known (calibration images) tell how far predictions are off. The error of an image is divided
by a scale that grows with the predicted count, and the conformal quantile of these scores is the half width of the
interval of every new image in units of its own scale (Papadopoulos et al. 2002, doi:10.1007/3-540-36755-1_29; Lei et
al. 2018, doi:10.1080/01621459.2017.1307116; normalised as in Papadopoulos et al. 2011, doi:10.1613/jair.3198).

Where calibration and new images are exchangeable, the interval holds the true count with at least the probability that
was asked for: exactly, for any number of calibration images and any distribution, on average over images. Images of one
series are alike and not exchangeable with those of a new series; then groups are what counts (`conformal_quantile`).
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cell_pipelines.typing import FloatArray

Scale: TypeAlias = Literal["constant", "sqrt", "linear"]

# A whole number that rounding moved this little is still that number.
_ROUNDING = 1e-9
_EXPONENTS: dict[str, float] = {"constant": 0.0, "sqrt": 0.5, "linear": 1.0}


@dataclass(frozen=True)
class CountInterval:
    """Interval of a predicted count.

    Attributes:
        below: How far the true count may lie below the predicted one, in units of its scale; infinite where there were
            too few calibration images to say.
        above: How far above it, likewise.
        level: How often the interval holds the true count, in (0, 1).
        scale: How errors grow with the predicted count, see `count_scale`.
        images: Calibration images.
        groups: Groups of them that count as independent; `images` where each is its own.
        below_many: What `below` would come to with ever more images, by the same images: the level's quantile of their
            errors without the allowance for few; nan in older files.
        above_many: Likewise for `above`.
        symmetric: Whether both sides were learned together.
    """

    below: float
    above: float
    level: float
    scale: Scale
    images: int
    groups: int
    below_many: float = float("nan")
    above_many: float = float("nan")
    symmetric: bool = True

    @property
    def is_finite(self) -> bool:
        """Whether there were enough calibration images."""
        return bool(np.isfinite(self.below) and np.isfinite(self.above))

    @property
    def images_to_narrow(self) -> int:
        """Return with how many images, or groups, the largest error would no longer set the width; 0 where it does not.

        The interval goes to the ceil((I + 1) level)-th of I errors, which is the last one below (1 + level) /
        (1 - level) of them. With more than that, further images hardly narrow it.
        """
        used = self.level if self.symmetric else (1 + self.level) / 2
        needed = int(np.ceil((1 + used) / (1 - used) - _ROUNDING))
        return needed if self.groups < needed else 0

    def width_with_many(self, predicted: ArrayLike) -> FloatArray:
        """Return about how wide the interval of each predicted count (I,) would be with many more images."""
        counts = _check_counts(predicted, "predicted")
        scale = count_scale(counts, self.scale)
        return np.asarray(counts + self.above_many * scale - np.maximum(counts - self.below_many * scale, 0.0))

    def ends(self, predicted: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest count that the interval of each image holds.

        Args:
            predicted: (I,), predicted counts, 0 or more.

        Returns:
            Two arrays (I,) of whole numbers as float64, the first 0 or more, the second infinite where there were too
            few calibration images.
        """
        counts = _check_counts(predicted, "predicted")
        scale = count_scale(counts, self.scale)
        low, high = counts - self.below * scale, counts + self.above * scale
        # A true count is whole, so rounding inwards leaves none out.
        inner = np.ceil(low - _ROUNDING), np.floor(high + _ROUNDING)
        is_empty = inner[0] > inner[1]
        ends = np.where(is_empty, np.floor(low), inner[0]), np.where(is_empty, np.ceil(high), inner[1])
        return np.maximum(ends[0], 0.0), np.maximum(ends[1], 0.0)

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values, with None for infinite, as `from_record` takes them."""
        ends = {side: value if np.isfinite(value) else None for side, value in
                (("below", self.below), ("above", self.above))}  # fmt: skip
        many = {"below_many": self.below_many, "above_many": self.above_many, "symmetric": self.symmetric}
        facts = {"level": self.level, "scale": self.scale, "images": self.images, "groups": self.groups}
        return {**ends, **facts, **(many if np.isfinite(self.below_many + self.above_many) else {})}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "CountInterval":
        """Return what `to_record` wrote."""
        below, above = (np.inf if record[side] is None else float(record[side]) for side in ("below", "above"))
        many: dict[str, Any] = {key: record[key] for key in ("below_many", "above_many", "symmetric") if key in record}
        return cls(below, above, record["level"], record["scale"], record["images"], record["groups"], **many)


def calibrate_counts(
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    level: float = 0.9,
    scale: Scale = "sqrt",
    symmetric: bool = True,
    groups: ArrayLike | None = None,
) -> CountInterval:
    """Learn from images with known counts how wide the interval of a predicted count must be.

    Args:
        true: (I,), true counts of the calibration images.
        predicted: (I,), their predicted counts, by the very thresholds that will be used.
        level: How often the interval shall hold the true count, in (0, 1).
        scale: How errors grow with the predicted count, see `count_scale`.
        symmetric: Whether it reaches as far down as up. If not, each side leaves out (1 - level) / 2 (as Romano et al.
            2019, arXiv:1905.03222): for models that count too many or too few, at the price of about twice as many
            calibration images.
        groups: (I,), the series, well or recording of each image, where new images come from new ones; None where
            images are exchangeable.

    Returns:
        The interval's recipe; infinite where there are too few images, which no image's interval hides.

    Example:
        >>> found = calibrate_counts([10, 21, 29, 40, 53, 8, 17, 25, 36, 60], [10, 20, 30, 40, 50, 9, 16, 25, 38, 64])
        >>> [end.tolist() for end in found.ends([20])]
        [[18.0], [22.0]]
    """
    counts = _check_counts(true, "true"), _check_counts(predicted, "predicted")
    if counts[0].shape != counts[1].shape:
        raise ValueError(f"`true` and `predicted` must be as long, got {counts[0].size} and {counts[1].size}.")
    off = (counts[0] - counts[1]) / count_scale(counts[1], scale)
    names = np.arange(off.size) if groups is None else np.asarray(groups)
    sides, used = ((np.abs(off),) * 2, level) if symmetric else ((-off, off), (1 + level) / 2)
    below, above = (conformal_quantile(side, used, groups=names) for side in sides)
    many = [_quantile_of_many(side, used, names) for side in sides]
    number = len(np.unique(names))
    return CountInterval(below, above, level, scale, off.size, number, many[0], many[1], symmetric)


def conformal_quantile(scores: ArrayLike, level: float, *, groups: ArrayLike | None = None) -> float:
    """Return the score that a new image's stays within with at least the probability `level`.

    Without groups it is the ceil((I + 1) level)-th smallest of I scores, infinite where that is more than I (Vovk et
    al. 2005, doi:10.1007/b106715). With groups, each of K weighs 1 / (K + 1) whatever its number of images, and the
    rest lies at infinity: hierarchical conformal prediction (Lee, Barber & Willett 2023, arXiv:2306.06342), which holds
    for an image of a new group where groups are exchangeable, and images within a group.

    Args:
        scores: (I,), how far off each calibration image was.
        level: In (0, 1).
        groups: (I,), what each image belongs to; None where each is its own.

    Returns:
        The quantile; infinite where there are too few images, or groups, for the level, as for none at all.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    names = np.arange(values.size) if groups is None else np.asarray(groups)
    if values.ndim != 1 or names.shape != values.shape or np.isnan(values).any():
        raise ValueError(f"`scores` and `groups` must have shape (I,) and no nan, got {values.shape}, {names.shape}.")
    _, number, size = np.unique(names, return_inverse=True, return_counts=True)
    weights = 1 / ((size.size + 1) * size[number])
    order = np.argsort(values, kind="stable")
    enough = np.flatnonzero(np.cumsum(weights[order]) >= level - _ROUNDING)
    return float(values[order][enough[0]]) if enough.size else float("inf")


def _quantile_of_many(scores: FloatArray, level: float, groups: NDArray[np.generic]) -> float:
    """Return the quantile of scores without allowance for few of them, groups weighing the same; nan without any."""
    if not scores.size:
        return float("nan")
    _, number, size = np.unique(groups, return_inverse=True, return_counts=True)
    return float(np.quantile(scores, level, method="inverted_cdf", weights=1 / size[number]))


def least_images(level: float, *, symmetric: bool = True) -> int:
    """Return how many calibration images, or groups, a finite interval takes.

    Example:
        >>> least_images(0.9), least_images(0.95), least_images(0.9, symmetric=False)
        (9, 19, 19)
    """
    used = level if symmetric else (1 + level) / 2
    return int(np.ceil(used / (1 - used) - _ROUNDING))


def count_scale(predicted: ArrayLike, scale: Scale) -> FloatArray:
    """Return the size of error that is to be expected of each predicted count, up to a factor.

    Args:
        predicted: (I,), 0 or more.
        scale: ``constant``: 1; ``sqrt``: the root of the count + 1, as errors grow where each cell is missed or falsely
            detected by itself; ``linear``: the count + 1, as they grow where whole images are counted too high or too
            low.
    """
    if scale not in _EXPONENTS:
        raise ValueError(f"`scale` must be one of {', '.join(_EXPONENTS)}, got {scale!r}.")
    return np.asarray((np.asarray(predicted, dtype=np.float64) + 1) ** _EXPONENTS[scale])


def _check_counts(counts: ArrayLike, name: str) -> FloatArray:
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"`{name}` must be counts of shape (I,), 0 or more, got shape {values.shape}.")
    return values
