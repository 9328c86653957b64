"""Artefacts of stained tissue: strips, debris, blobs out of focus and edges, all of them yellow, none of them cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from cell_pipelines.simulation.branches import Branch, Branched, grow_branch, view_branched
from cell_pipelines.simulation.field import Artefact
from cell_pipelines.simulation.glow import Glow, render_colours
from cell_pipelines.simulation.optics import blur_psf
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.simulation.rendering import View, bound_labels
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

Hues = tuple[tuple[float, float, float], tuple[float, float, float]]
Grow = Callable[[Shape, float, np.random.Generator], Branched]

_TRIES = 12  # places tried for an artefact before it is left out
_BEYOND = 0.3  # light of the slide beyond the edge of the tissue, relative to the tissue


@dataclass(frozen=True, eq=False)
class DrawnArtefacts:
    """The artefacts of one field.

    Attributes:
        light: float32 (3, H, W), red, green and blue.
        tissue: float32 (H, W), what is left of the tissue's light; 1 except beyond its edges.
        labels: int32 (H, W), number of the artefact from 1, 0 elsewhere.
        artefacts: What they are and where, by number.
    """

    light: Float32Array
    tissue: Float32Array
    labels: LabelImage
    artefacts: tuple[Artefact, ...]


@dataclass(frozen=True)
class _Kind:
    """A kind of artefact: how it grows, how bright (from, to) and how sharp (from, to) it is."""

    name: str
    grow: Grow
    brightness: tuple[float, float]
    borders: tuple[float, float]
    ends_tissue: bool = False


def draw_artefacts(
    cells: LabelImage,
    mean: float,
    *,
    mean_radius_px: float,
    hues: Hues,
    rng: np.random.Generator,
) -> DrawnArtefacts:
    """Draw artefacts beside the cells; none of them covers a cell.

    Args:
        cells: int32 (H, W), 0 is background.
        mean: Mean number of artefacts.
        mean_radius_px: Mean radius of the cells in pixels.
        hues: The cells' colours (red, green, blue), from and to.
        rng: Source of randomness.
    """
    shape = (cells.shape[0], cells.shape[1])
    labels = np.zeros_like(cells)
    found: list[tuple[_Kind, View, Float32Array]] = []
    for number in rng.integers(len(_KINDS), size=int(rng.poisson(mean))):
        kind = _KINDS[int(number)]
        place = _find_place(kind, cells, labels, mean_radius_px, rng)
        if place is not None:
            found.append((kind, *place))
            labels[place[0].window][place[0].depth > 0] = len(found)
    views = [view for _, view, _ in found]
    tissue = reduce(np.multiply, (left for _, _, left in found), np.ones(shape, dtype=np.float32))
    glow = _draw_glow([kind for kind, _, _ in found], hues, rng)
    boxes = bound_labels(labels, views).tolist()
    named = tuple(Artefact(kind.name, tuple(box)) for (kind, _, _), box in zip(found, boxes, strict=True))
    return DrawnArtefacts(render_colours(glow, views, mean_radius_px, shape, rng), tissue, labels, named)


def _find_place(
    kind: _Kind, cells: LabelImage, others: LabelImage, mean_radius_px: float, rng: np.random.Generator
) -> tuple[View, Float32Array] | None:
    """Find a place where an artefact covers nothing else; give its view and the share of tissue light it leaves."""
    shape = (cells.shape[0], cells.shape[1])
    for _ in range(_TRIES):
        thing = kind.grow(shape, mean_radius_px, rng)
        beyond = _beyond(thing, shape) if kind.ends_tissue else np.zeros(shape, dtype=np.uint8)
        if cells[beyond > 0].any():
            continue
        (view,) = view_branched([thing], shape, rng)
        here = view.depth > 0
        if here.any() and not (cells[view.window][here].any() or others[view.window][here].any()):
            return view, 1.0 - np.float32(1.0 - _BEYOND) * blur_psf(beyond.astype(np.float32), 0.4 * mean_radius_px)
    return None


def _beyond(edge: Branched, shape: Shape) -> NDArray[np.uint8]:
    """Give, as 1, the side of an edge on which the centre of the field is not."""
    nodes = edge.branches[0].nodes
    outwards = nodes.mean(axis=0) - np.array(shape) / 2.0
    far = nodes[::-1] + outwards / max(float(np.hypot(*outwards)), 1e-6) * 2.0 * max(shape)
    corners = np.rint(np.concatenate([nodes, far])[:, ::-1]).astype(np.int32)
    return np.asarray(cv2.fillPoly(np.zeros(shape, dtype=np.uint8), [corners], 1), dtype=np.uint8)


def _draw_glow(kinds: Sequence[_Kind], hues: Hues, rng: np.random.Generator) -> Glow:
    """Draw the look of artefacts: as yellow as the cells, or paler where they are very bright."""
    shares = rng.random((2, len(kinds)))
    brightness = np.array([_within(kind.brightness, share) for kind, share in zip(kinds, shares[0], strict=True)])
    yellow = np.array(hues[0]) + rng.random((len(kinds), 1)) * np.subtract(hues[1], hues[0])
    return Glow(
        brightness=brightness,
        borders=np.array([_within(kind.borders, share) for kind, share in zip(kinds, shares[1], strict=True)]),
        grains=rng.random((len(kinds), 2)),
        colours=yellow + (1.0 - yellow) * 0.6 * np.clip(brightness - 0.8, 0.0, 1.0)[:, None],
    )


def _within(limits: tuple[float, float], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * float(share)


def _anywhere(shape: Shape, rng: np.random.Generator) -> FloatArray:
    return rng.random(2) * shape


def _grow_strip(shape: Shape, radius: float, rng: np.random.Generator) -> Branched:
    """Grow a long bent band, such as a vessel or a fold of the tissue."""
    width = radius * rng.uniform(0.3, 0.9)
    length = radius * rng.uniform(8.0, 24.0)
    strip = grow_branch(
        _anywhere(shape, rng), rng.uniform(0.0, 2.0 * np.pi), length, radii=(width, width), bend=0.22, rng=rng
    )
    return Branched((strip,), width, roughness=0.2)


def _grow_debris(shape: Shape, radius: float, rng: np.random.Generator) -> Branched:
    """Grow an angular speck of crossing splinters."""
    centre, size = _anywhere(shape, rng), radius * rng.uniform(0.25, 0.7)
    splinters = []
    for angle in rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(2, 5))):
        half = size * rng.uniform(0.5, 1.6) * np.array([np.sin(angle), np.cos(angle)])
        splinters.append(Branch(np.stack([centre - half, centre + half]), size * rng.uniform(0.2, 0.6, 2)))
    return Branched(tuple(splinters), 0.4 * size, roughness=0.1)


def _grow_blob(shape: Shape, radius: float, rng: np.random.Generator) -> Branched:
    """Grow a large roundish blob, for a cell or a speck far out of focus."""
    size = radius * rng.uniform(1.0, 2.6)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    blob = grow_branch(_anywhere(shape, rng), angle, 0.8 * size, radii=(size, 0.7 * size), bend=0.2, rng=rng)
    return Branched((blob,), size)


def _grow_edge(shape: Shape, radius: float, rng: np.random.Generator) -> Branched:
    """Grow the bright rim of tissue that ends in the field, near one of its sides."""
    across = float(np.hypot(*shape))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    normal = np.array([np.sin(angle), np.cos(angle)])
    along = np.array([normal[1], -normal[0]])
    extent = 0.5 * float(np.abs(normal) @ np.array(shape))  # from the centre to the last corner this way
    offset = extent * rng.uniform(0.6, 0.9)
    steps = np.linspace(-0.6, 0.6, 8) * across
    waves = np.cumsum(rng.normal(0.0, 0.035 * across, 8))
    nodes = np.array(shape) / 2.0 + steps[:, None] * along + (offset + waves - waves.mean())[:, None] * normal
    return Branched((Branch(nodes, radius * rng.uniform(0.3, 0.7, 8)),), 0.5 * radius, roughness=0.2)


_KINDS = (
    _Kind("strip", _grow_strip, brightness=(0.3, 0.95), borders=(0.3, 0.9)),
    _Kind("debris", _grow_debris, brightness=(0.7, 1.6), borders=(0.2, 0.4)),
    _Kind("blob", _grow_blob, brightness=(0.15, 0.45), borders=(0.5, 0.7)),
    _Kind("edge", _grow_edge, brightness=(0.25, 0.7), borders=(0.5, 0.9), ends_tissue=True),
)
