"""Chromosomes of FISH nuclei and the spots they are seen as: how many, where, how bright, single or double."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.simulation.fish_nuclei import Preparation
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.typing import Float32Array, FloatArray

CHANNELS: Final = ("red", "green")
_CHROMOSOMES: Final = ("21", "x")  # of the channels, in their order
_DOTS_APART: Final = (1.9, 2.6)  # distance of the dots of a double dot, in radii of a spot as it is seen
_DOT_LIGHT: Final = 0.8  # of a dot of two, relative to a single one
_TRIES: Final = 60
_REACH: Final = 4.0  # radii beyond which a spot gives no light
_FLOATS: Final = ("row", "column", "row_1", "column_1", "row_2", "column_2", "light")


@dataclass(frozen=True)
class SpotLook:
    """Appearance of signals.

    Attributes:
        radius_px: Standard deviation of a spot's light as it is seen, in pixels.
        light: Mean light in the centre of a spot.
        spread: Standard deviation of the logarithm of the light.
        double: Probability that a signal is two dots.
        apart: Least distance of two signals of one channel, in radii of a spot, where there is room.
    """

    radius_px: float
    light: float
    spread: float
    double: float
    apart: float


@dataclass(frozen=True, eq=False)
class Karyotypes:
    """Chromosomes of N nuclei.

    Attributes:
        chromosomes: int64 (N, 2), chromosomes 21 and X of each nucleus, 1 to 4.
        signals: int64 (N, 2), how many of them give a signal, 0 to 4.
    """

    chromosomes: NDArray[np.int64]
    signals: NDArray[np.int64]


def draw_karyotypes(count: int, *, rare: Mapping[str, float], lost: float, rng: np.random.Generator) -> Karyotypes:
    """Draw how many chromosomes and signals nuclei have.

    Args:
        count: Number of nuclei.
        rare: Probabilities `monosomic_21`, `trisomic_21`, `monosomic_x`, `trisomic_x` and `tetraploid`; the rest of
            the nuclei is disomic.
        lost: Probability that a chromosome gives no signal.
        rng: Source of randomness.
    """
    draws = rng.random((count, 2))
    is_tetraploid = rng.random(count) < rare["tetraploid"]
    chromosomes = np.full((count, 2), 2, dtype=np.int64)
    rest = max(1.0 - rare["tetraploid"], 1e-12)  # so that the shares hold among all nuclei
    for place, name in enumerate(_CHROMOSOMES):
        mono, tri = rare[f"monosomic_{name}"] / rest, rare[f"trisomic_{name}"] / rest
        chromosomes[draws[:, place] < mono, place] = 1
        chromosomes[draws[:, place] >= 1.0 - tri, place] = 3
    chromosomes[is_tetraploid] = 4
    return Karyotypes(chromosomes, rng.binomial(chromosomes, 1.0 - lost).astype(np.int64))


def place_signals(
    prepared: Preparation, karyotypes: Karyotypes, look: SpotLook, rng: np.random.Generator
) -> pd.DataFrame:
    """Place the signals of all nuclei within them.

    Signals lie anywhere in the nucleus as a ball, so that fewer are seen near its border; those of a destroyed one lie
    in its fragments. The dots of a double dot lie within the same label.

    Args:
        prepared: The nuclei.
        karyotypes: How many signals each nucleus has.
        look: How they are seen.
        rng: Source of randomness.

    Returns:
        The table `spots` of `FishField`, nucleus by nucleus.
    """
    rows: list[dict[str, Any]] = []
    windows = ndimage.find_objects(prepared.labels)
    for nucleus, (numbers, window) in enumerate(zip(karyotypes.signals.tolist(), windows, strict=True), 1):
        places, weights = _inside(prepared, nucleus, window)
        for channel, number in zip(CHANNELS, numbers, strict=True):
            centres = _scatter(places, weights, number, look.apart * look.radius_px, rng)
            for centre in centres:
                is_double = bool(rng.random() < look.double)
                dots = _split(centre, prepared, nucleus, look.radius_px, rng) if is_double else (centre, None)
                rows.append({"nucleus": nucleus, "channel": channel} | _describe(*dots, _brightness(look, rng)))
    return _to_table(rows)


def render_spots(spots: pd.DataFrame, radius_px: float, shape: Shape) -> Float32Array:
    """Add up the light of spots.

    Args:
        spots: Rows of one channel, as `place_signals` gives them.
        radius_px: Standard deviation of a spot as it is seen, in pixels.
        shape: Height and width of the image.

    Returns:
        float32 (H, W), 0 where no spot is.
    """
    canvas = np.zeros(shape, dtype=np.float32)
    reach = _REACH * radius_px
    for row, column, light in _dots(spots):
        low = np.maximum(np.floor([row - reach, column - reach]).astype(int), 0)
        high = np.minimum(np.ceil([row + reach, column + reach]).astype(int) + 1, shape)
        profiles = [
            np.exp(-0.5 * ((np.arange(low[axis], high[axis]) - centre) / radius_px) ** 2)
            for axis, centre in enumerate((row, column))
        ]
        canvas[low[0] : high[0], low[1] : high[1]] += light * np.outer(*profiles).astype(np.float32)
    return canvas


def _dots(spots: pd.DataFrame) -> Iterator[tuple[float, float, float]]:
    for number in ("1", "2"):
        dots = spots[[f"row_{number}", f"column_{number}", "light"]].dropna()
        yield from dots.itertuples(index=False, name=None)


def _inside(prepared: Preparation, nucleus: int, window: tuple[slice, slice]) -> tuple[NDArray[np.intp], FloatArray]:
    """Give the pixels (P, 2) of a nucleus or its fragments, and how thick it is there."""
    places = np.argwhere((prepared.labels[window] == nucleus) & (prepared.depth[window] > 0))
    places += (window[0].start, window[1].start)
    depth = prepared.depth[places[:, 0], places[:, 1]].astype(np.float64)
    thickness = np.sqrt(depth * (2.0 - depth))
    return places, thickness / thickness.sum()


def _scatter(
    places: NDArray[np.intp], weights: FloatArray, number: int, apart: float, rng: np.random.Generator
) -> list[FloatArray]:
    """Draw places, each as far from the others as is asked, else the farthest of those tried."""
    chosen: list[FloatArray] = []
    for _ in range(number):
        tried = places[rng.choice(len(places), size=_TRIES, p=weights)] + rng.uniform(-0.49, 0.49, (_TRIES, 2))
        gaps = np.array([np.hypot(*(tried - other).T) for other in chosen] or [np.full(_TRIES, np.inf)]).min(axis=0)
        chosen.append(tried[int(np.argmax(np.minimum(gaps, apart)))])
    return chosen


def _split(
    centre: FloatArray, prepared: Preparation, nucleus: int, radius: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray | None]:
    """Draw the dots of a replicated signal; one only where no second one has room in the nucleus."""
    for _ in range(_TRIES):
        angle, apart = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*_DOTS_APART) * radius
        half = apart / 2.0 * np.array([np.sin(angle), np.cos(angle)])
        dots = centre + half, centre - half
        if all(_label_at(prepared, dot) == nucleus for dot in dots):
            return dots
    return centre, None


def _label_at(prepared: Preparation, place: FloatArray) -> int:
    row, column = np.rint(place).astype(int)
    if not (0 <= row < prepared.labels.shape[0] and 0 <= column < prepared.labels.shape[1]):
        return 0
    return int(prepared.labels[row, column])


def _brightness(look: SpotLook, rng: np.random.Generator) -> float:
    return float(look.light * np.exp(rng.normal(-(look.spread**2) / 2, look.spread)))


def _describe(first: FloatArray, second: FloatArray | None, light: float) -> dict[str, Any]:
    nowhere = np.full(2, np.nan)
    centre = first if second is None else (first + second) / 2
    other = nowhere if second is None else second
    places = zip(("", "_1", "_2"), (centre, first, other), strict=True)
    columns = {f"{axis}{end}": float(place[i]) for end, place in places for i, axis in enumerate(("row", "column"))}
    return {**columns, "is_double": second is not None, "light": light * (1.0 if second is None else _DOT_LIGHT)}


def _to_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    types = {"nucleus": "int64", "channel": "str", "row": "float64", "column": "float64", "is_double": "bool"}
    types |= dict.fromkeys(_FLOATS, "float64")
    return pd.DataFrame(rows, columns=list(types)).astype(types)
