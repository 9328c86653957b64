"""Simulate trainings that scatter around a learning curve of a known law, to see how often intervals contain it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from cell_pipelines.typing import FloatArray

Curve = Callable[[FloatArray], FloatArray]

#: Shares of the live/dead paper's training images.
SIZES: Final = (5, 12, 25, 63, 126, 252)
_FEW: Final = 20  # images; with fewer, trainings spread three times as much


def _power(n: FloatArray) -> FloatArray:
    return np.asarray(0.93 - 1.6 * n**-0.6)


def _logistic(n: FloatArray, turn: float, steepness: float) -> FloatArray:
    return np.asarray(1 / (1 + (n / turn) ** -steepness))


#: A metric over the number of images n, in words; the first follows a power law, the others do not.
CURVES: Final[Mapping[str, Curve]] = MappingProxyType({
    "power law": _power,
    "log-linear": lambda n: np.asarray(0.30 + 0.07 * np.log(n)),
    "log-linear with a plateau": lambda n: np.asarray(np.minimum(0.97, 0.40 + 0.09 * np.log(n))),
    "delayed": lambda n: np.where(n < 10, 0.05, _power(n)),
    "two phases": lambda n: np.asarray(0.7 - 0.6 * n**-0.9 + 0.2 * _logistic(n, 200, 2)),
    "exponential": lambda n: np.asarray(0.9 * (1 - np.exp(-n / 40))),
    "S-shaped": lambda n: np.asarray(0.92 * _logistic(n, 60, 1.6)),
    "broken power law": lambda n: np.asarray(1 - 0.7 * n**-0.3 * (1 + (n / 100) ** 4) ** (-0.5 / 4)),
})  # fmt: skip


def simulate_trainings(
    curve: Curve, *, seeds: int, rng: np.random.Generator, sizes: Sequence[float] = SIZES, noise: float = 0.015
) -> tuple[FloatArray, FloatArray]:
    """Return the images and the metric, (M,) each, of trainings of all sizes.

    Args:
        curve: Of the mean over trainings.
        seeds: Trainings of each size.
        rng: Of the noise.
        sizes: In images.
        noise: Standard deviation of a training around the curve, three times that below 20 images.
    """
    n = np.repeat(np.asarray(sizes, dtype=np.float64), seeds)
    spread = np.where(n < _FEW, 3 * noise, noise)
    return n, np.minimum(curve(n) + rng.normal(size=n.size) * spread, 1.0)
