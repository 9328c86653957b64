"""Extrapolate the trend of a learning curve over its last sizes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cell_pipelines.analysis.learning_curve.region import Weighted
from cell_pipelines.typing import FloatArray

#: Nobody has seen the curve further out than this, times the most images that were trained with.
FARTHEST: Final = 4.0
_ONE_SIDED: Final = 1.645  # 95 % of the normal law lie below
_LINES: Final = (2, 3)  # sizes that a line is drawn through


@dataclass(frozen=True, eq=False)
class RecentTrend:
    """The last sizes, over the logarithm of images.

    Attributes:
        most: The most images.
        lines: (K, 2), value at the most images and slope of each line through the last sizes.
        bend: By how much the slope grew over the last two steps; 0 where it did not.
        bend_error: Standard error of that.
    """

    most: float
    lines: FloatArray
    bend: float
    bend_error: float

    @classmethod
    def of(cls, data: Weighted, reference: float, variance: float) -> "RecentTrend":
        """Return the trend of trials (their sizes over `reference`) whose variance is that of a weight of 1."""
        sizes, number = np.unique(data.u, return_inverse=True)
        weights = np.bincount(number, data.w).astype(np.float64)
        means, x = np.bincount(number, data.z * data.w) / weights, np.log(sizes)
        lines = [_line(x[-k:], means[-k:], weights[-k:]) for k in _LINES]
        steps, rises = np.diff(x[-3:]), np.diff(means[-3:])
        slopes = rises / steps
        bend = max(0.0, float(slopes[1] - slopes[0]) / float(steps.mean()))
        part = np.array([1 / steps[0], -1 / steps[0] - 1 / steps[1], 1 / steps[1]]) / steps.mean()
        error = float(np.sqrt(variance * np.sum(part**2 / weights[-3:])))
        return cls(float(sizes[-1] * reference), np.array(lines), bend, error)

    def upper(self, images: FloatArray) -> FloatArray:
        """Return how high the curve comes at each number of images (N,); below all within the sizes."""
        ahead = np.log(np.clip(images / self.most, 1.0, FARTHEST))
        straight = (self.lines[:, :1] + self.lines[:, 1:] * ahead).max(axis=0)
        bent = self.lines[0, 0] + self.lines[0, 1] * ahead + (self.bend + _ONE_SIDED * self.bend_error) * ahead**2
        higher = np.maximum(straight, bent) if self.bend > 0 else straight
        return np.where(images > self.most, higher, -np.inf)


def _line(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[float, float]:
    """Return value at the last place and slope of the weighted line of least squares."""
    midpoint, height = float(x @ w / w.sum()), float(y @ w / w.sum())
    slope = float((x - midpoint) * w @ (y - height) / ((x - midpoint) ** 2 @ w))
    return height + slope * (float(x[-1]) - midpoint), slope
