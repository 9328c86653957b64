"""All curves of a law that fit well enough: a - b f(u) with a <= ceiling and b >= 0, shape by shape.

For one shape, as for one exponent of a power law, the sum of squared residuals is a paraboloid over (a, b), so what
fits well enough is an ellipse, cut by the two bounds. The least and the greatest value that a curve of it takes at some
point lie where the ellipse touches, or where it meets a bound: a few points in closed form, for all shapes at once.
"""

from dataclasses import dataclass

import numpy as np

from cell_pipelines.analysis.learning_curve.laws import POWER, Law
from cell_pipelines.typing import FloatArray

_TOLERANCE = 1e-9
_NO_CEILING = 1e9
_VANISHED = 1e-6  # of f, below which it is rounding
_FLAT = 1e-3  # of f over the sizes, below which a shape is no other curve than a constant


@dataclass(frozen=True, eq=False)
class Weighted:
    """Data that a law is fitted to.

    Attributes:
        u: (M,), sizes of the trials over some reference.
        z: (M,), what is fitted; it rises.
        w: (M,), weights, the inverse of each trial's variance up to a factor.
    """

    u: FloatArray
    z: FloatArray
    w: FloatArray

    @property
    def mean(self) -> float:
        """The weighted mean of `z`."""
        return float(self.z @ self.w / self.w.sum())


@dataclass(frozen=True, eq=False)
class _Quadratic:
    """Least squares for each of C shapes: the best (a, b) without bounds, what is left, and the curvature."""

    a: FloatArray
    b: FloatArray
    rest: FloatArray
    m_aa: float
    m_ab: FloatArray
    m_bb: FloatArray

    @classmethod
    def of(cls, data: Weighted, law: Law, shapes: FloatArray) -> "_Quadratic":
        x, w = -law.falling(data.u, shapes), data.w
        midpoint = x @ w / w.sum()
        centred, height = x - midpoint[:, np.newaxis], data.z - data.mean
        slope = centred @ (w * height) / (centred**2 @ w)
        rest = (height - slope[:, np.newaxis] * centred) ** 2 @ w
        return cls(data.mean - slope * midpoint, slope, rest, float(w.sum()), x @ w, x**2 @ w)

    def residuals(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return the sum of squared residuals of parameters (C,)."""
        da, db = a - self.a, b - self.b
        return np.asarray(self.rest + self.m_aa * da**2 + 2 * self.m_ab * da * db + self.m_bb * db**2)


def least_residuals(data: Weighted, ceiling: float, shapes: FloatArray, law: Law = POWER) -> FloatArray:
    """Return the least sum of squared residuals within the bounds for each shape (C, P), (C,)."""
    ceiling = ceiling if law.has_limit else _NO_CEILING
    quadratic = _Quadratic.of(data, law, shapes)
    return quadratic.residuals(*_bounded(quadratic, ceiling))


def _bounded(q: _Quadratic, ceiling: float) -> tuple[FloatArray, FloatArray]:
    """Return the best a and b within the bounds, (C,) each."""
    on_ceiling = np.maximum(q.b - q.m_ab * (ceiling - q.a) / q.m_bb, 0.0)
    constant = np.minimum(q.a + q.m_ab * q.b / q.m_aa, ceiling)
    choices = [(np.full_like(q.a, ceiling), on_ceiling), (constant, np.zeros_like(q.b))]
    rests = np.stack([q.residuals(*choice) for choice in choices])
    first = rests[0] <= rests[1]
    a, b = (np.where(first, choices[0][side], choices[1][side]) for side in (0, 1))
    free = (q.a <= ceiling) & (q.b >= 0)
    return np.where(free, q.a, a), np.where(free, q.b, b)


def varying(data: Weighted, shapes: FloatArray, law: Law) -> FloatArray:
    """Return the shapes (C, P) whose curves are not flat over the sizes."""
    f = law.falling(data.u, shapes)
    return np.asarray(shapes[np.ptp(f, axis=1) > np.maximum(_FLAT * np.abs(f).max(axis=1), _VANISHED)])


@dataclass(frozen=True, eq=False)
class Region:
    """The curves of a law that fit well enough.

    Attributes:
        data: The trials, sizes over `reference`.
        ceiling: Greatest value of the metric.
        allowed: Greatest sum of squared residuals.
        shapes: (C, P), those of which some curve fits well enough; of a power law (C, 1), its exponents.
        reference: Number of images that counts as 1.
        law: What they are shapes of.
    """

    data: Weighted
    ceiling: float
    allowed: float
    shapes: FloatArray
    reference: float
    law: Law = POWER

    @classmethod
    def around(cls, data: Weighted, ceiling: float, allowed: float, shapes: FloatArray, reference: float) -> "Region":
        """Return the region of power laws over those of the exponents (C, 1) that fit well enough, at least one."""
        least = least_residuals(data, ceiling, shapes)
        kept = least <= max(allowed, float(least.min())) * (1 + _TOLERANCE)
        return cls(data, ceiling, allowed, shapes[kept], reference)

    def best(self, shape: FloatArray) -> tuple[float, float]:
        """Return the best a and b for a shape (P,)."""
        a, b = _bounded(_Quadratic.of(self.data, self.law, shape[np.newaxis]), self._top)
        return float(a[0]), float(b[0])

    @property
    def holds_constant(self) -> bool:
        """Whether a constant fits well enough."""
        return float(self.data.w @ (self.data.z - self.data.mean) ** 2) <= self.allowed

    @property
    def _top(self) -> float:
        return self.ceiling if self.law.has_limit else _NO_CEILING

    def reach(self, images: FloatArray, *, one_more: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest value that a curve takes at each number of images, (N,) each.

        Args:
            images: (N,), infinity for what the curves come to.
            one_more: (N,), weight of one more trial there, whose own value is asked for instead; None for the curves.
        """
        q = _Quadratic.of(self.data, self.law, self.shapes)
        radius2 = np.maximum(self.allowed - q.rest, 0.0)[:, np.newaxis]
        weight = self.law.falling(images / self.reference, self.shapes)
        if one_more is not None:
            midpoint, spread = q.a[:, np.newaxis] - q.b[:, np.newaxis] * weight, _variance_factor(q, weight)
            half = np.sqrt(radius2 * (1 / one_more + spread))
            return (midpoint - half).min(axis=0), np.minimum((midpoint + half).max(axis=0), self.ceiling)
        a, b = (np.stack(np.broadcast_arrays(*side)) for side in zip(*self._corners(q, radius2, weight), strict=True))
        tolerance = _TOLERANCE * max(1.0, float(np.abs(self.data.z).max()))
        inside = (a <= self._top + tolerance) & (b >= -tolerance)
        over = q.residuals(*(np.moveaxis(side, 1, -1) for side in (a, b)))
        inside &= np.moveaxis(over, -1, 1) <= max(self.allowed, float(q.rest.min())) * (1 + 1e-6) + 1e-15
        values = a - b * weight
        least = np.where(inside, values, np.inf).min(axis=(0, 1))
        return least, np.minimum(np.where(inside, values, -np.inf).max(axis=(0, 1)), self.ceiling)

    def _corners(self, q: _Quadratic, radius2: FloatArray, weight: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        """Return where the value can be extreme: a and b, each of a shape that broadcasts to (C, N)."""
        a, b, m_ab, m_bb = (part[:, np.newaxis] for part in (q.a, q.b, q.m_ab, q.m_bb))
        determinant = q.m_aa * m_bb - m_ab**2
        towards = (m_bb + m_ab * weight) / determinant, (-m_ab - q.m_aa * weight) / determinant
        step = np.sqrt(radius2 / _variance_factor(q, weight))
        touching = [(a + side * step * towards[0], b + side * step * towards[1]) for side in (-1, 1)]
        on_zero = [(a + root, np.zeros_like(b)) for root in _roots(q.m_aa, -m_ab * b, m_bb * b**2 - radius2)]
        top = self._top - a
        full = np.full_like(a, self._top)
        on_top = [(full, b + root) for root in _roots(m_bb, m_ab * top, q.m_aa * top**2 - radius2)]
        best_a, best_b = (part[:, np.newaxis] for part in _bounded(q, self._top))
        return [*touching, *on_zero, *on_top, (full, np.zeros_like(b)), (best_a, best_b)]


def _variance_factor(q: _Quadratic, weight: FloatArray) -> FloatArray:
    """Return the variance of a - b w over that of a trial, (C, N)."""
    m_ab, m_bb = q.m_ab[:, np.newaxis], q.m_bb[:, np.newaxis]
    return np.asarray((m_bb + 2 * m_ab * weight + q.m_aa * weight**2) / (q.m_aa * m_bb - m_ab**2))


def _roots(square: FloatArray | float, half_linear: FloatArray, constant: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the roots of a quadratic; nan, which lies nowhere, where there are none."""
    discriminant = half_linear**2 - square * constant
    root = np.sqrt(np.where(discriminant >= 0, discriminant, np.nan))
    return (-half_linear - root) / square, (-half_linear + root) / square
