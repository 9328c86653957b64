"""Nuclei of a field as numbers: where they lie, how large, how round, how bright and how sharp they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cell_pipelines.simulation.checks import Allowed, check_numbers
from cell_pipelines.simulation.placement import Shape, place_discs
from cell_pipelines.typing import FloatArray

# Standard deviation of each outline harmonic 2, 3, 4, 5 (relative to the radius): the second makes a
# nucleus slightly elliptical, the others make its outline irregular.
_HARMONICS = np.array([0.055, 0.018, 0.012, 0.008])
_RADIUS_LIMITS = (0.55, 1.7)  # relative to the mean radius
_BRIGHTEST, _FAINTEST = 0.62, 0.09  # light of a sharp and of a vague nucleus; 1 saturates the camera
_SHARPEST, _VAGUEST = 0.10, 0.75  # half-width of the border, relative to the radius
_DRAW = {
    "count": Allowed(0, 1_000_000, whole=True),
    "mean_radius_px": Allowed(0.5, 1000.0),
    "radius_spread": Allowed(0.0, 0.5),
    "clumping": Allowed(0.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class Nuclei:
    """N nuclei, one entry each.

    Attributes:
        centres: float64 (N, 2) as (row, col) in pixels; (0, 0) is the centre of the first pixel.
        radii: float64 (N,), mean radius in pixels.
        harmonics: complex128 (N, K): the outline at angle t (from the column axis towards the row axis) is
            `radius * (1 + Re(sum over k of harmonics[k] * exp(i * (k + 2) * t)))`.
        brightness: float64 (N,), light in the centre; 1 saturates the camera.
        borders: float64 (N,), half-width of the soft border, relative to the radius.
        grains: float64 (N, 2) in [0, 1), which part of the chromatin texture each nucleus shows.
    """

    centres: FloatArray
    radii: FloatArray
    harmonics: NDArray[np.complex128]
    brightness: FloatArray
    borders: FloatArray
    grains: FloatArray

    def __post_init__(self) -> None:
        """Check that all arrays speak of the same nuclei."""
        lengths = {name: len(values) for name, values in vars(self).items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"All arrays of `Nuclei` must have one entry per nucleus, got {lengths}.")

    def __len__(self) -> int:
        """Give the number of nuclei."""
        return len(self.radii)

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Nuclei:
        """Give some of the nuclei, by their indices or by a mask."""
        return Nuclei(**{name: values[chosen] for name, values in vars(self).items()})


def draw_nuclei(
    count: int,
    shape: Shape,
    *,
    mean_radius_px: float,
    radius_spread: float,
    clumping: float,
    rng: np.random.Generator,
) -> Nuclei:
    """Draw nuclei and their places in a field.

    Nuclei run from bright ones with a clear border to faint ones with a vague border.

    Args:
        count: Nuclei asked for; a field that is full holds fewer.
        shape: Height and width of the field in pixels.
        mean_radius_px: Mean radius in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        clumping: Probability, 0 to 1, that a nucleus joins another one.
        rng: Source of randomness.
    """
    settings = {
        "count": count,
        "mean_radius_px": mean_radius_px,
        "radius_spread": radius_spread,
        "clumping": clumping,
    }
    check_numbers(settings, _DRAW)
    sizes = np.exp(rng.normal(-(radius_spread**2) / 2, radius_spread, count)).clip(*_RADIUS_LIMITS)
    centres, placed = place_discs(mean_radius_px * sizes, shape, clumping=clumping, rng=rng)
    vagueness = rng.beta(1.1, 2.6, len(placed))
    return Nuclei(
        centres=centres,
        radii=mean_radius_px * sizes[placed],
        harmonics=_draw_harmonics(len(placed), rng),
        brightness=_between(_BRIGHTEST, _FAINTEST, np.sqrt(vagueness)) * _around_one(len(placed), 0.18, rng),
        borders=_between(_SHARPEST, _VAGUEST, vagueness),
        grains=rng.random((len(placed), 2)),
    )


def _draw_harmonics(count: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Draw outline harmonics with random phase; none is larger than three standard deviations."""
    size = (rng.standard_normal((count, len(_HARMONICS))).clip(-3, 3)) * _HARMONICS
    phase = rng.uniform(0.0, 2.0 * np.pi, size.shape)
    harmonics: NDArray[np.complex128] = size * np.exp(1j * phase)
    return harmonics


def _between(start: float, end: float, share: FloatArray) -> FloatArray:
    """Go from `start` (share 0) to `end` (share 1)."""
    return start + (end - start) * share


def _around_one(count: int, spread: float, rng: np.random.Generator) -> FloatArray:
    """Draw positive factors around 1."""
    return np.exp(rng.normal(0.0, spread, count))
