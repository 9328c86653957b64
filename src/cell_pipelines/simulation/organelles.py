"""Draw the inside of a spread cell in phase contrast: texture, granules, and a nucleus with its nucleoli."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cell_pipelines.simulation.cells import Nuclei
from cell_pipelines.simulation.rendering import View, view_nuclei
from cell_pipelines.simulation.texture import draw_texture
from cell_pipelines.typing import Float32Array, LabelImage

_NUCLEUS = 0.68  # largest radius of a nucleus, relative to the mean half-width of the cells


def draw_organelles(
    labels: LabelImage, views: Sequence[View], inside: Float32Array, mean_radius_px: float, rng: np.random.Generator
) -> Float32Array:
    """Draw how far organelles shift the phase, relative to the cell around them.

    Args:
        labels: int32 (H, W), ids 1 to N.
        views: The N cells.
        inside: float32 (H, W), distance from the outline in pixels.
        mean_radius_px: Mean half-width of the cells in pixels.
        rng: Source of randomness.

    Returns:
        float32 (H, W), 0 outside of the cells; above 0 appears dark.
    """
    shape, radius = (labels.shape[0], labels.shape[1]), mean_radius_px
    within = np.clip(inside / np.float32(0.3 * radius), 0.0, 1.0)
    texture = draw_texture(shape, [(0.08 * radius, 0.6), (0.25 * radius, 0.7)], rng)
    dots = draw_texture(shape, [(0.09 * radius, 1.0)], rng)
    granules = np.maximum(dots - 1.5, 0.0) - 0.7 * np.maximum(-dots - 1.8, 0.0)
    nuclei = _nuclei(labels, views, inside, radius, rng)
    inner: Float32Array = within * (np.float32(0.12) * texture + granules) + _draw_nuclei(nuclei, labels, rng)
    return inner


def _nuclei(
    labels: LabelImage, views: Sequence[View], inside: Float32Array, radius: float, rng: np.random.Generator
) -> Nuclei:
    """Give each cell a nucleus, where it is widest."""
    count = len(views)
    centres, room = np.zeros((count, 2)), np.zeros(count)
    for id_, view in enumerate(views, 1):
        depth = np.where(labels[view.window] == id_, inside[view.window], -1.0)
        row, col = np.unravel_index(int(depth.argmax()), depth.shape)
        centres[id_ - 1] = row + view.window[0].start, col + view.window[1].start
        room[id_ - 1] = depth[row, col]
    phases = np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, (count, 1)))
    radii = np.maximum(np.minimum(0.8 * room, _NUCLEUS * radius), 1.0)
    ones = np.ones(count)
    return Nuclei(centres, radii, 0.14 * phases, ones, 0.3 * ones, rng.random((count, 2)))


def _draw_nuclei(nuclei: Nuclei, labels: LabelImage, rng: np.random.Generator) -> Float32Array:
    """Draw a clear nucleus with a dark rim and one to three dark nucleoli in each cell."""
    shape = (labels.shape[0], labels.shape[1])
    phase = np.zeros(shape, dtype=np.float32)
    for id_, view in enumerate(view_nuclei(nuclei, shape), 1):
        body = np.clip(view.depth / 0.25, 0.0, 1.0)
        rim = np.exp(-((view.depth / 0.16) ** 2))
        own = labels[view.window] == id_
        phase[view.window] += own * (0.13 * rim - 0.1 * body)
    dots = _nucleoli(nuclei, rng)
    for view in view_nuclei(dots, shape):
        phase[view.window] += 0.75 * np.clip(view.depth * 1.5, 0.0, 1.0) * (labels[view.window] > 0)
    return phase


def _nucleoli(nuclei: Nuclei, rng: np.random.Generator) -> Nuclei:
    owner = np.repeat(np.arange(len(nuclei)), rng.integers(1, 4, len(nuclei)))
    angle, share = rng.uniform(0.0, 2.0 * np.pi, len(owner)), rng.uniform(0.0, 0.5, len(owner))
    chosen = nuclei.take(owner)
    offset = (chosen.radii * share)[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    radii = np.maximum(chosen.radii * rng.uniform(0.15, 0.3, len(owner)), 0.8)
    return Nuclei(chosen.centres + offset, radii, chosen.harmonics, chosen.brightness, chosen.borders, chosen.grains)
