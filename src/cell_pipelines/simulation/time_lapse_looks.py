"""Draw the cells of a time-lapse: as glowing nuclei or in bright field, each looking alike in all frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cell_pipelines.simulation.migration import Population
from cell_pipelines.simulation.optics import GreyImage, Shape, blur_psf, create_camera, expose, smooth_field, vignetting
from cell_pipelines.simulation.outlines import measure_outlines, spread_values
from cell_pipelines.simulation.rendering import View, render_light
from cell_pipelines.simulation.texture import draw_texture
from cell_pipelines.typing import Float32Array, LabelImage

Look = Literal["nuclei", "brightfield"]

_FULL_WELL = {"nuclei": 1_000.0, "brightfield": 20_000.0}
_LEVEL = {"nuclei": 0.05, "brightfield": 0.45}  # of the background
_CONTRAST = 0.75


@dataclass(frozen=True, eq=False)
class Stage:
    """Parts that stay the same in all frames of a time-lapse.

    Attributes:
        look: How the cells look.
        ground: float32 (H, W), light of the background.
        lens: float32 (H, W), transmission of the lens.
        texture: float32 (S, S), of which each cell shows a part.
        radius: Mean radius of the cells in pixels.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera.
        bit_depth: Bits of a pixel.
    """

    look: Look
    ground: Float32Array
    lens: Float32Array
    texture: Float32Array
    radius: float
    blur_px: float
    noise: float
    bit_depth: Literal[8, 16]


def set_stage(
    look: Look,
    shape: Shape,
    *,
    radius: float,
    unevenness: float,
    falloff: float,
    camera: tuple[float, float, Literal[8, 16]],
    rng: np.random.Generator,
) -> Stage:
    """Draw what stays the same in all frames; `camera` is the blur in pixels, the noise and the bit depth."""
    uneven = 1.0 + np.float32(unevenness) * smooth_field(shape, scale_px=max(shape) / 2.0, rng=rng)
    grain = 0.006 * draw_texture(shape, [(1.0, 0.8), (3.0, 0.6)], rng)
    ground = np.float32(_LEVEL[look]) * (uneven + (grain if look == "brightfield" else np.float32(0.0)))
    texture = draw_texture((round(9 * radius),) * 2, [(0.09 * radius, 0.6), (0.28 * radius, 0.8)], rng)
    return Stage(look, ground, vignetting(shape, falloff), texture, radius, *camera)


def photograph(
    stage: Stage, cells: Population, views: list[View], labels: LabelImage, rng: np.random.Generator
) -> GreyImage:
    """Take one picture.

    Args:
        stage: What stays the same.
        cells: The N cells of the frame, all of which `labels` shows, in the order of their ids.
        views: Their views.
        labels: int32 (H, W), ids 1 to N.
        rng: Source of the noise.
    """
    if stage.look == "nuclei":
        light = stage.ground + blur_psf(render_light(cells.nuclei, views, stage.texture, labels.shape), stage.blur_px)
    else:
        light = stage.ground * (1.0 + np.float32(_CONTRAST) * blur_psf(_absorb(cells, labels, stage), stage.blur_px))
    camera = create_camera(stage.noise, stage.bit_depth, full_well=_FULL_WELL[stage.look])
    return expose(np.maximum(light, np.float32(0.0)) * stage.lens, camera, rng)


def _absorb(cells: Population, labels: LabelImage, stage: Stage) -> Float32Array:
    """Draw what the cells add to the light, relative to the background: a dark rim, a ring, a centre by the focus."""
    outlines = measure_outlines(labels)
    focus = spread_values(cells.focus, outlines.owner)
    strength = spread_values(0.6 + 0.5 * cells.nuclei.brightness / 0.62, outlines.owner)
    signed = (outlines.inside - outlines.outside) / np.float32(stage.radius)  # 0 on the outline
    centre = np.clip((signed - 0.45) / 0.5, 0.0, 1.0)
    profile = _bump(signed, -0.16) * (0.06 + 0.06 * focus) - _bump(signed, 0.13) * (0.3 - 0.09 * focus)
    profile += _bump(signed, 0.42, 1.5) * (0.2 - 0.07 * focus) + centre * (0.32 * focus - 0.08)
    added: Float32Array = (strength * profile).astype(np.float32)
    return added


def _bump(signed: Float32Array, place: float, width: float = 1.0) -> Float32Array:
    bump: Float32Array = np.exp(-(((signed - np.float32(place)) / np.float32(0.19 * width)) ** 2))
    return bump
