"""Things made of tapering branches: neurons, spread glioma cells, strips of tissue, specks.

A branch is a polyline with a radius at each of its nodes. The branches of one thing melt into each other, as the
processes of a cell do where they leave its body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from cell_pipelines.simulation.placement import Shape
from cell_pipelines.simulation.rendering import View
from cell_pipelines.simulation.texture import cut_texture, draw_texture
from cell_pipelines.typing import Float32Array, FloatArray

_WEB = 0.9  # how far branches melt into each other, relative to the radius of the body
_DEEPEST = 1.5  # of a place where thick branches meet, relative to the radius
_MARGIN = 0.75  # what is drawn around the outline, relative to the radius: room for a soft border


@dataclass(frozen=True, eq=False)
class Branch:
    """One branch.

    Attributes:
        nodes: float64 (K, 2) as (row, col) in pixels, K at least 2.
        radii: float64 (K,) in pixels.
    """

    nodes: FloatArray
    radii: FloatArray


@dataclass(frozen=True, eq=False)
class Branched:
    """One thing made of branches.

    Attributes:
        branches: Its branches, at least one.
        radius: Radius of its body in pixels, the unit of its depth.
        roughness: How far its outline strays, relative to `radius`.
    """

    branches: tuple[Branch, ...]
    radius: float
    roughness: float = 0.0


def grow_branch(
    start: FloatArray, angle: float, length: float, *, radii: tuple[float, float], bend: float, rng: np.random.Generator
) -> Branch:
    """Grow a bent branch that tapers to its tip.

    Args:
        start: (2,) as (row, col).
        angle: Direction at the start in radians, from the column axis towards the row axis.
        length: In pixels.
        radii: At the start and at the tip, in pixels.
        bend: Standard deviation of the change of direction from node to node, in radians.
        rng: Source of randomness.
    """
    angles = angle + np.cumsum(rng.normal(0.0, bend, 5))
    steps = length / 5.0 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    nodes = start + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    share = (1.0 - np.linspace(0.0, 1.0, 6)) ** 1.7
    return Branch(nodes, radii[1] + (radii[0] - radii[1]) * share)


def view_branched(things: Sequence[Branched], shape: Shape, rng: np.random.Generator) -> list[View]:
    """Give the view of each thing in an image of this height and width.

    Its depth is 1, or up to 1.5, in the centre of the body, 0 on the outline and negative outside.
    """
    windows = [_window(thing, shape) for thing in things]
    longest = max([1, *(max(rows.stop - rows.start, cols.stop - cols.start) for rows, cols in windows)])
    mean_radius = float(np.mean([thing.radius for thing in things])) if things else 1.0
    side = longest + int(6 * mean_radius)
    sheet = draw_texture((side, side), [(max(0.28 * mean_radius, 0.8), 1.0)], rng)
    views = []
    for thing, window in zip(things, windows, strict=True):
        depth = _depth(thing, window)
        if thing.roughness:
            depth += np.float32(thing.roughness) * cut_texture(sheet, rng.random(2), depth.shape)
        views.append(View(window, np.minimum(depth, np.float32(_DEEPEST))))
    return views


def _window(thing: Branched, shape: Shape) -> tuple[slice, slice]:
    margin = thing.radius * (_MARGIN + thing.roughness) + 2.0
    low = np.min([(branch.nodes - branch.radii[:, None]).min(axis=0) for branch in thing.branches], axis=0) - margin
    high = np.max([(branch.nodes + branch.radii[:, None]).max(axis=0) for branch in thing.branches], axis=0) + margin
    top, left = (int(edge) for edge in np.floor(low).clip(0, shape))
    bottom, right = (int(edge) for edge in np.ceil(high + 1.0).clip(0, shape))
    return slice(top, bottom), slice(left, right)


def _depth(thing: Branched, window: tuple[slice, slice]) -> Float32Array:
    rows, cols = (np.arange(side.start, side.stop, dtype=np.float32) for side in window)
    web = np.float32(_WEB * thing.radius)
    depths = (_branch_depth(branch, rows[:, None], cols) for branch in thing.branches)
    return reduce(lambda first, second: _melt(first, second, web), depths) / np.float32(thing.radius)


def _branch_depth(branch: Branch, rows: Float32Array, cols: Float32Array) -> Float32Array:
    """Give the depth below the surface of a branch in pixels, negative outside."""
    ends = zip(branch.nodes[:-1], branch.nodes[1:], branch.radii[:-1], branch.radii[1:], strict=True)
    depths = (_segment_depth(start, stop, (first, last), rows, cols) for start, stop, first, last in ends)
    return reduce(np.maximum, depths)


def _segment_depth(
    start: FloatArray, stop: FloatArray, radii: tuple[float, float], rows: Float32Array, cols: Float32Array
) -> Float32Array:
    down, right = (float(step) for step in stop - start)
    away_rows, away_cols = rows - np.float32(start[0]), cols - np.float32(start[1])
    squared = max(down * down + right * right, 1e-9)
    along = np.clip(away_rows * np.float32(down / squared) + away_cols * np.float32(right / squared), 0.0, 1.0)
    distance = np.hypot(away_rows - along * np.float32(down), away_cols - along * np.float32(right))
    depth: Float32Array = np.float32(radii[0]) + np.float32(radii[1] - radii[0]) * along - distance
    return depth


def _melt(first: Float32Array, second: Float32Array, web: np.float32) -> Float32Array:
    """Give the larger of two depths, and a little more where they are about equal, so that they join smoothly."""
    near = np.maximum(web - np.abs(first - second), np.float32(0.0))
    melted: Float32Array = np.maximum(first, second) + near * near / (np.float32(4.0) * web)
    return melted
