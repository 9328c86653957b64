"""Cells that wander, push each other aside, divide, and come and go at the border: their places, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.typing import FloatArray, IntArray

_MARGIN = 3.0  # of the world around the field, in mean radii: there cells are born, die and are not seen
_ROOM = 0.92  # distance that cells keep, relative to the sum of their radii
_PUSHES = 4  # rounds of pushing a frame
_SHRINK = 0.5**0.5  # radius of a daughter, relative to the mother's: the area is shared
_APART = 0.95  # distance of a daughter from where the mother was, in the daughter's radii
_GROWTH = 8.0  # frames in which a daughter grows to her mother's size
_REST = 6  # frames after a division in which a cell does not divide again


class Motion(Protocol):
    """Motion of the cells of a scene, for `migrate`; as `TimeLapseScene` says."""

    @property
    def speed_px(self) -> float:
        """Root mean square of the way in a frame, in pixels."""

    @property
    def persistence(self) -> float:
        """Correlation of a step with the one before, 0 to 0.99."""

    @property
    def division_rate(self) -> float:
        """Probability that a cell divides in a frame, 0 to 0.5."""


@dataclass(frozen=True, eq=False)
class Population:
    """The cells that are there in one frame, one entry each.

    Attributes:
        nuclei: Their places, sizes and looks; places count from the first pixel of the field and may lie outside.
        cell: int64 (N,), number of the cell, from 1, the same in all frames.
        mother: int64 (N,), number of the cell that it came from, 0 for none.
        focus: float64 (N,), place above (positive) or below the focal plane.
        step: float64 (N, 2), way as (row, column) that the cell goes by itself, in pixels per frame.
        full_radius: float64 (N,), radius that it grows to, in pixels.
        age: int64 (N,), frames since it was born, large for the first cells.
    """

    nuclei: Nuclei
    cell: IntArray
    mother: IntArray
    focus: FloatArray
    step: FloatArray
    full_radius: FloatArray
    age: IntArray

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.cell)

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Population:
        """Give some of the cells."""
        parts = {name: values[chosen] for name, values in vars(self).items() if name != "nuclei"}
        return Population(nuclei=self.nuclei.take(chosen), **parts)


def migrate(first: Nuclei, shape: Shape, frames: int, motion: Motion, rng: np.random.Generator) -> Iterator[Population]:
    """Yield the cells of each frame.

    A cell's own step is a correlated random walk: the next step is `persistence` times the last one and a random
    part, so that the root mean square of the steps stays `speed_px`. Cells that come too near push each other away.
    A cell that leaves the world, which is somewhat larger than the field, is gone, and a new one comes in on the
    other side, so that the density stays. A cell that divides is replaced by two new ones.

    Args:
        first: The cells of the first frame, over the whole world as `populate` gives it.
        shape: Height and width of the field in pixels.
        frames: Number of frames.
        motion: Speed, persistence and division rate.
        rng: Source of randomness.
    """
    margin = _margin(first)
    cells = _first(first, motion, rng)
    born = len(cells)
    for frame in range(frames):
        if frame:
            cells, born = _divide(_wander(cells, motion, rng), motion.division_rate, born, rng)
            cells = replace(cells, nuclei=replace(cells.nuclei, centres=_push(cells)))
            cells, born = _wrap(cells, shape, margin, born)
        yield cells


def populate(
    count: int, shape: Shape, *, mean_radius_px: float, radius_spread: float, clumping: float, rng: np.random.Generator
) -> Nuclei:
    """Draw the cells of the first frame, over a world that is somewhat larger than the field.

    Args:
        count: Cells asked for in the field.
        shape: Height and width of the field in pixels.
        mean_radius_px: Mean radius in pixels.
        radius_spread: About the relative spread of the radius.
        clumping: Probability, 0 to 1, that a cell joins another one.
        rng: Source of randomness.
    """
    margin = _MARGIN * mean_radius_px
    world = round(shape[0] + 2 * margin), round(shape[1] + 2 * margin)
    more = round(count * world[0] * world[1] / (shape[0] * shape[1]))
    nuclei = draw_nuclei(
        more, world, mean_radius_px=mean_radius_px, radius_spread=radius_spread, clumping=clumping, rng=rng
    )
    return replace(nuclei, centres=nuclei.centres - margin)


def _margin(nuclei: Nuclei) -> float:
    return float(-min(nuclei.centres.min(initial=0.0), 0.0)) + 2.0


def _first(nuclei: Nuclei, motion: Motion, rng: np.random.Generator) -> Population:
    count = len(nuclei)
    return Population(
        nuclei=nuclei,
        cell=np.arange(1, count + 1),
        mother=np.zeros(count, np.int64),
        focus=rng.normal(0.15, 0.55, count).clip(-1.2, 1.2),
        step=rng.normal(0.0, motion.speed_px / np.sqrt(2.0), (count, 2)),
        full_radius=nuclei.radii,
        age=np.full(count, 1_000_000),
    )


def _wander(cells: Population, motion: Motion, rng: np.random.Generator) -> Population:
    kept = motion.persistence
    random = rng.normal(0.0, motion.speed_px * np.sqrt((1.0 - kept**2) / 2.0), cells.step.shape)
    step = kept * cells.step + random
    grown = cells.nuclei.radii + (1.0 - _SHRINK) / _GROWTH * cells.full_radius
    nuclei = replace(cells.nuclei, centres=cells.nuclei.centres + step, radii=np.minimum(grown, cells.full_radius))
    return replace(cells, nuclei=nuclei, step=step, age=cells.age + 1)


def _divide(cells: Population, rate: float, born: int, rng: np.random.Generator) -> tuple[Population, int]:
    """Replace each cell that divides by two daughters, on both sides of where it was."""
    divides = (rng.random(len(cells)) < rate) & (cells.age > _REST)
    if not divides.any():
        return cells, born
    mothers = cells.take(divides)
    angle = rng.uniform(0.0, 2.0 * np.pi, len(mothers))
    radius = _SHRINK * mothers.nuclei.radii
    away = (_APART * radius)[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    parts = [cells.take(~divides)]
    for side, sign in enumerate((1.0, -1.0)):
        nuclei = replace(mothers.nuclei, centres=mothers.nuclei.centres + sign * away, radii=radius)
        numbers = born + 2 * np.arange(len(mothers)) + side + 1
        age = np.zeros(len(mothers), np.int64)
        daughters = replace(mothers, nuclei=nuclei, cell=numbers, mother=mothers.cell)
        parts.append(replace(daughters, step=sign * mothers.step, age=age))
    return _join(parts), born + 2 * len(mothers)


def _join(parts: list[Population]) -> Population:
    nuclei = {name: np.concatenate([getattr(part.nuclei, name) for part in parts]) for name in vars(parts[0].nuclei)}
    others = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0]) if name != "nuclei"
    }
    return Population(nuclei=Nuclei(**nuclei), **others)


def _push(cells: Population) -> FloatArray:
    """Return the places after cells that lie too near have pushed each other away."""
    centres, radii = cells.nuclei.centres.copy(), cells.nuclei.radii
    for _ in range(_PUSHES if len(cells) > 1 else 0):
        one, other = KDTree(centres).query_pairs(2.0 * _ROOM * radii.max(), output_type="ndarray").T
        between = centres[other] - centres[one]
        distance = np.maximum(np.hypot(*between.T), 1e-6)
        short = np.maximum(_ROOM * (radii[one] + radii[other]) - distance, 0.0)
        move = (0.5 * short / distance)[:, None] * between
        np.subtract.at(centres, one, move)
        np.add.at(centres, other, move)
    return centres


def _wrap(cells: Population, shape: Shape, margin: float, born: int) -> tuple[Population, int]:
    """Let a new cell come in on the other side for each that has left the world."""
    size = np.array(shape) + 2.0 * margin
    centres = (cells.nuclei.centres + margin) % size - margin
    left = (np.abs(centres - cells.nuclei.centres) > 1e-6).any(axis=1)
    numbers, mothers = cells.cell.copy(), cells.mother.copy()
    numbers[left], mothers[left] = born + 1 + np.arange(left.sum()), 0
    moved = replace(cells, nuclei=replace(cells.nuclei, centres=centres), cell=numbers, mother=mothers)
    return moved, born + int(left.sum())
