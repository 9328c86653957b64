"""Coloured light of things that glow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cell_pipelines.simulation.placement import Shape
from cell_pipelines.simulation.rendering import View, chromatin_texture, render_light
from cell_pipelines.typing import Float32Array, FloatArray


@dataclass(frozen=True, eq=False)
class Glow:
    """Glow of N things.

    Attributes:
        brightness: float64 (N,), light in the centre; 1 saturates the camera.
        borders: float64 (N,), half-width of the soft border, relative to the radius.
        grains: float64 (N, 2) in [0, 1), which part of the texture each shows.
        colours: float64 (N, 3) in [0, 1], share of red, green and blue.
    """

    brightness: FloatArray
    borders: FloatArray
    grains: FloatArray
    colours: FloatArray


def render_colours(
    glow: Glow, views: Sequence[View], mean_radius_px: float, shape: Shape, rng: np.random.Generator
) -> Float32Array:
    """Add up the light of all things in red, green and blue, float32 (3, H, W)."""
    texture = chromatin_texture(views, mean_radius_px, rng)
    planes = (replace(glow, brightness=glow.brightness * share) for share in glow.colours.T)
    return np.stack([render_light(plane, views, texture, shape) for plane in planes])
