"""Nuclei drawn: their light, their label image and their boxes.

Every nucleus is worked on in its own small window, so the cost grows with the number of nuclei times their
area, not with the size of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.simulation.texture import cut_texture, draw_texture
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

_DEBRIS_RADIUS, _DEBRIS_BRIGHTNESS = 0.22, 0.5  # relative to those of the nuclei

Window = tuple[slice, slice]

_LEAST_VISIBLE = 0.25  # a nucleus of which less than this can be seen counts as hidden
_DOME = 0.45  # share of the light that follows the thickness of a ball; the rest is flat
_GRAIN = 0.13  # contrast of the chromatin texture


@dataclass(frozen=True, eq=False)
class View:
    """One nucleus in its window of the image.

    Attributes:
        window: Rows and columns of the image that the nucleus, with its soft border, covers.
        depth: float32 (h, w): 1 in the centre, 0 on the outline, negative outside; relative to the radius.
    """

    window: Window
    depth: Float32Array


def view_nuclei(nuclei: Nuclei, shape: Shape) -> list[View]:
    """Give the view of each nucleus in an image of this height and width."""
    reach = nuclei.radii * (1.0 + np.abs(nuclei.harmonics).sum(axis=1)) * (1.0 + nuclei.borders)
    low = np.floor(nuclei.centres - reach[:, None]).astype(int).clip(0, shape)
    high = np.ceil(nuclei.centres + reach[:, None] + 1.0).astype(int).clip(0, shape)
    return [_view(nuclei, index, low[index], high[index]) for index in range(len(nuclei))]


def _view(nuclei: Nuclei, index: int, low: NDArray[np.int_], high: NDArray[np.int_]) -> View:
    row, col = nuclei.centres[index]
    radius = nuclei.radii[index]
    rows = ((np.arange(low[0], high[0]) - row) / radius).astype(np.float32)
    cols = ((np.arange(low[1], high[1]) - col) / radius).astype(np.float32)
    place = cols + 1j * rows[:, None]
    distance = np.maximum(np.sqrt(cols**2 + rows[:, None] ** 2), np.float32(1e-6))
    turn = place / distance
    wave = np.zeros_like(turn)
    for harmonic in nuclei.harmonics[index, ::-1].astype(np.complex64):  # Horner: sum of h_k * turn^k
        wave = (wave + harmonic) * turn
    outline = 1.0 + (wave * turn).real
    return View((slice(low[0], high[0]), slice(low[1], high[1])), (1.0 - distance / outline))


def chromatin_texture(views: Sequence[View], mean_radius_px: float, rng: np.random.Generator) -> Float32Array:
    """Draw one sheet of chromatin-like texture, large enough for a part of it in every view.

    Returns:
        float32 (S, S), mean 0, standard deviation about 1, clipped at 2.5.
    """
    side = max([0, *(max(view.depth.shape) for view in views)]) + int(6 * mean_radius_px)
    return draw_texture((side, side), [(0.09 * mean_radius_px, 0.6), (0.28 * mean_radius_px, 0.8)], rng)


class Glowing(Protocol):
    """N things that give light, one entry each; as `Nuclei` says."""

    @property
    def brightness(self) -> FloatArray:
        """Light in the centre, float64 (N,); 1 saturates the camera."""

    @property
    def borders(self) -> FloatArray:
        """Half-width of the soft border, relative to the radius, float64 (N,)."""

    @property
    def grains(self) -> FloatArray:
        """Part of the texture that each shows, float64 (N, 2) in [0, 1)."""


def render_debris(count: int, shape: Shape, nucleus_px: float, rng: np.random.Generator) -> Float32Array:
    """Draw the light of specks far too small for nuclei, which nobody would annotate.

    Args:
        count: Number of specks.
        shape: Height and width of the field in pixels.
        nucleus_px: Mean radius of the nuclei beside them in pixels.
        rng: Source of randomness.
    """
    radius = _DEBRIS_RADIUS * nucleus_px
    specks = draw_nuclei(count, shape, mean_radius_px=radius, radius_spread=0.3, clumping=0.0, rng=rng)
    specks = replace(specks, brightness=_DEBRIS_BRIGHTNESS * specks.brightness)
    views = view_nuclei(specks, shape)
    return render_light(specks, views, chromatin_texture(views, radius, rng), shape)


def render_light(things: Glowing, views: Sequence[View], texture: Float32Array, shape: Shape) -> Float32Array:
    """Add up the light of all nuclei, or of other things that give light.

    Args:
        things: The nuclei.
        views: Their views, in the same order.
        texture: float32 (S, S), from `chromatin_texture`.
        shape: Height and width of the image.

    Returns:
        float32 (H, W), not negative, 0 where no nucleus is.
    """
    light = np.zeros(shape, dtype=np.float32)
    for index, view in enumerate(views):
        body = _body(view.depth, float(things.borders[index]))
        grain = cut_texture(texture, things.grains[index], view.depth.shape)
        light[view.window] += np.float32(things.brightness[index]) * body * (1.0 + _GRAIN * grain)
    return light


def _body(depth: Float32Array, border: float) -> Float32Array:
    """Give the light of a nucleus without texture: half flat, half ball-shaped, with a soft border."""
    step = np.clip(0.5 + depth / np.float32(2.0 * border), 0.0, 1.0)
    edge = step * step * (3.0 - 2.0 * step)
    inside = np.maximum(depth, 0.0)
    thickness = np.sqrt(inside * (2.0 - inside))
    body: Float32Array = edge * ((1.0 - _DOME) + _DOME * thickness)
    return body


def label_views(views: Sequence[View], shape: Shape) -> tuple[LabelImage, NDArray[np.intp]]:
    """Give each pixel to the nucleus in which it lies deepest, and leave hidden nuclei out.

    A label is always one connected piece (4 neighbours). A nucleus that others hide so far that less than a
    quarter of it remains, or that lies outside the image, gets no label; its pixels go to the others.

    Args:
        views: The nuclei.
        shape: Height and width of the image.

    Returns:
        labels: int32 (H, W), 0 is background, ids 1 to M without a gap, in the order of `views`.
        kept: (M,), which views have a label, in rising order.
    """
    kept = np.arange(len(views), dtype=np.intp)
    while True:
        chosen = [views[int(index)] for index in kept]
        labels = _deepest(chosen, shape)
        visible = [_keep_one_piece(labels, view, id_) for id_, view in enumerate(chosen, 1)]
        if all(visible):
            return labels, kept
        kept = kept[np.asarray(visible)]


def _deepest(views: Sequence[View], shape: Shape) -> LabelImage:
    """Label each pixel with the view (from 1) in which it lies deepest."""
    labels = np.zeros(shape, dtype=np.int32)
    deepest = np.zeros(shape, dtype=np.float32)
    for id_, view in enumerate(views, 1):
        before = deepest[view.window]
        wins = view.depth > before
        before[wins] = view.depth[wins]
        labels[view.window][wins] = id_
    return labels


def _keep_one_piece(labels: LabelImage, view: View, id_: int) -> bool:
    """Erase, in place, all but the largest piece of a label; tell whether enough of the nucleus is left."""
    near = labels[view.window]
    own = near == id_
    if not own.any():
        return False
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count > 2:
        near[own & (pieces != 1 + int(areas.argmax()))] = 0
    return bool(areas.max() >= _LEAST_VISIBLE * np.count_nonzero(view.depth > 0))


def bound_labels(labels: LabelImage, views: Sequence[View]) -> FloatArray:
    """Give the boxes that bound each label's pixels.

    Args:
        labels: int32 (H, W), ids 1 to N, every id present.
        views: The N nuclei, in the order of their ids; a label lies within its view's window.

    Returns:
        float64 (N, 4) as x_min, y_min, x_max, y_max in pixels; pixel i covers [i, i + 1).
    """
    boxes = np.empty((len(views), 4))
    for id_, view in enumerate(views, 1):
        own = labels[view.window] == id_
        rows, cols = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        top, left = view.window[0].start, view.window[1].start
        boxes[id_ - 1] = left + cols[0], top + rows[0], left + cols[-1] + 1, top + rows[-1] + 1
    return boxes
