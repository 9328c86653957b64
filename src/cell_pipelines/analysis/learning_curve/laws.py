"""The laws that a learning curve may follow: a metric as limit - amplitude * f(n), with f falling in the images n.

Power laws with a limit (Hestness et al. 2017, arXiv:1712.00409), rises with the logarithm of the images, stretched
exponentials and log-logistic curves are the shapes that published learning curves take (Viering & Loog 2023,
doi:10.1109/TPAMI.2022.3220744, table 1). With few sizes several of them fit equally well and go on differently.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from cell_pipelines.typing import FloatArray

_STEPS: Final = 32  # of each of two shape parameters
_FINE: Final = 20
_RANGE: Final = 8.0  # how far beyond the sizes the turning point of a curve is looked for
_FAR: Final = 1e12  # images over the reference; a logarithm without a limit is not followed further
_LARGEST: Final = 600.0  # exp(-600) is still a number


@dataclass(frozen=True, eq=False)
class Law:
    """A family of curves.

    Attributes:
        name: What it is called.
        parameters: How many it has, amplitude and limit (or offset) included.
        has_limit: Whether it comes to a limit with ever more images, which must be a possible value of the metric.
        falling: Takes sizes (N,) over the reference and shapes (C, P), gives f (C, N), which falls with the sizes.
        grid: Takes sizes (M,) and gives the shapes (C, P) that are looked at first.
    """

    name: str
    parameters: int
    has_limit: bool
    falling: Callable[[FloatArray, FloatArray], FloatArray]
    grid: Callable[[FloatArray], FloatArray]

    def refine(self, shapes: FloatArray) -> FloatArray:
        """Return a finer grid of shapes (C, P) over the box that holds those given; one shape as it is."""
        if shapes.shape[1] == 0 or len(shapes) == 0:
            return shapes
        axes = []
        for low, high in zip(shapes.min(axis=0), shapes.max(axis=0), strict=True):
            step = 1.25 if high == low else (high / low) ** (1 / 12)
            axes.append(np.geomspace(low / step, high * step, _FINE ** (1 if shapes.shape[1] > 1 else 2)))
        return _product(axes)


def _product(axes: list[FloatArray]) -> FloatArray:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _turning_points(u: FloatArray, steepness: tuple[float, float]) -> FloatArray:
    places = np.geomspace(u.min() / _RANGE, u.max() * _RANGE, _STEPS)
    return _product([places, np.geomspace(*steepness, _STEPS)])


def _growth(u: FloatArray, shapes: FloatArray) -> FloatArray:
    """Return (n / k)^c, (C, N), of shapes k, c."""
    with np.errstate(over="ignore"):
        return np.asarray((u[np.newaxis] / shapes[:, :1]) ** shapes[:, 1:])


POWER: Final = Law(
    "power law", 3, True, lambda u, s: u[np.newaxis] ** -s, lambda _: np.geomspace(0.02, 5, 300)[:, np.newaxis]
)
LOGARITHM: Final = Law(
    "log-linear", 2, False, lambda u, _: -np.log(np.minimum(u, _FAR))[np.newaxis], lambda _: np.zeros((1, 0))
)
EXPONENTIAL: Final = Law(
    "stretched exponential", 4, True, lambda u, s: np.exp(-np.minimum(_growth(u, s), _LARGEST)),
    lambda u: _turning_points(u, (0.15, 4.0)),
)  # fmt: skip
LOGISTIC: Final = Law(
    "log-logistic", 4, True, lambda u, s: 1 / (1 + _growth(u, s)), lambda u: _turning_points(u, (0.15, 4.0))
)
#: All of them, the power law first.
LAWS: Final = (POWER, LOGARITHM, EXPONENTIAL, LOGISTIC)
