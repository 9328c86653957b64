"""Roundish blood cells in bright field: low contrast, dark rims and bright centres that change with the focus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.optics import GreyImage, blur_psf, create_camera, expose, smooth_field, vignetting
from cell_pipelines.simulation.outlines import measure_outlines, spread_values
from cell_pipelines.simulation.rendering import bound_labels, label_views, view_nuclei
from cell_pipelines.simulation.texture import draw_texture
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

_ALLOWED = {
    **FIELD,
    "odd_shapes": Allowed(0.0, 1.0),
    "defocus": Allowed(0.0, 3.0),
    "contrast": Allowed(0.0, 3.0),
    "level": Allowed(0.1, 0.9),
}
_FULL_WELL = 20_000.0  # transmitted light is plentiful
_ODD = 3.2  # how much farther the outline of an odd cell strays from a circle


@dataclass(frozen=True)
class BrightfieldScene:
    """A field of blood cells in bright field.

    Attributes:
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        cells: Cells asked for; a field that is full holds fewer.
        mean_radius_px: Mean radius of the cells in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        odd_shapes: Probability, 0 to 1, that a cell is not round.
        clumping: Probability, 0 to 1, that a cell joins another one.
        defocus: How far the cells lie from the focal plane, relative to the common spread of 1; 0 shows all in focus.
        contrast: Contrast of the cells relative to a common microscope.
        level: Grey level of the background, 0.1 to 0.9 of the highest.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel, 8 or 16.
    """

    height: int = 320
    width: int = 320
    cells: int = 30
    mean_radius_px: float = 12.0
    radius_spread: float = 0.1
    odd_shapes: float = 0.12
    clumping: float = 0.6
    defocus: float = 1.0
    contrast: float = 1.0
    level: float = 0.45
    unevenness: float = 0.1
    vignetting: float = 0.08
    blur_px: float = 0.9
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 16

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)


def simulate_brightfield(scene: BrightfieldScene, seed: int) -> CellField:
    """Simulate one field of blood cells in bright field.

    The same scene and seed give the same bytes. Cells, their looks and the camera draw from streams of their own.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_brightfield(BrightfieldScene(cells=10), seed=1)
        >>> field.image.shape, field.image.dtype.name, len(field.boxes)
        ((320, 320), 'uint16', 10)
    """
    check_seed(seed)
    parts = np.random.SeedSequence(seed).spawn(3)
    cells_rng, looks_rng, camera_rng = map(np.random.default_rng, parts)
    shape = (scene.height, scene.width)
    views = view_nuclei(_draw_cells(scene, cells_rng), shape)
    labels, kept = label_views(views, shape)
    boxes = bound_labels(labels, [views[int(index)] for index in kept])
    image = _photograph(_draw_absorption(labels, len(kept), scene, looks_rng), scene, camera_rng)
    return CellField(image, labels, boxes, np.zeros_like(labels))


def _draw_cells(scene: BrightfieldScene, rng: np.random.Generator) -> Nuclei:
    cells = draw_nuclei(
        scene.cells,
        (scene.height, scene.width),
        mean_radius_px=scene.mean_radius_px,
        radius_spread=scene.radius_spread,
        clumping=scene.clumping,
        rng=rng,
    )
    odd = rng.random(len(cells)) < scene.odd_shapes
    return replace(cells, harmonics=cells.harmonics * np.where(odd, _ODD, 1.0)[:, None])


def _draw_absorption(labels: LabelImage, count: int, scene: BrightfieldScene, rng: np.random.Generator) -> Float32Array:
    """Draw what the cells add to the light, relative to the background; float32 (H, W), below 0 is dark."""
    shape, radius = (scene.height, scene.width), np.float32(scene.mean_radius_px)
    outlines = measure_outlines(labels)
    focus, strength = _looks(count, scene.defocus, rng)
    defocus = spread_values(focus, outlines.owner)
    signed = (outlines.inside - outlines.outside) / radius  # 1 in the centre of a cell, 0 on its outline
    width = np.float32(0.15) + np.float32(0.07) * np.abs(defocus)
    rim = _bump(signed, 0.13, width)
    ring = _bump(signed, 0.42, 1.5 * width)
    fringe = _bump(signed, -0.16, width)
    centre = np.clip((signed - 0.45) / 0.5, 0.0, 1.0)
    profile = fringe * (0.06 + 0.06 * defocus) - rim * (0.3 - 0.09 * defocus) + ring * (0.2 - 0.07 * defocus)
    profile += centre * (0.32 * defocus - 0.08)
    grain = draw_texture(shape, [(0.08 * scene.mean_radius_px, 0.6), (0.2 * scene.mean_radius_px, 0.8)], rng)
    inner = np.clip(signed / 0.3, 0.0, 1.0) * np.float32(0.035) * grain
    added: Float32Array = spread_values(strength, outlines.owner) * (profile + inner)
    return added


def _looks(count: int, defocus: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw each cell's place above (bright centre) or below (dark centre) the focal plane, and its contrast."""
    focus = (defocus * (rng.normal(0.0, 0.55, count) + rng.normal(0.15, 0.25))).clip(-1.2, 1.2)
    return focus, rng.uniform(0.55, 1.15, count)


def _bump(signed: Float32Array, place: float, width: Float32Array) -> Float32Array:
    bump: Float32Array = np.exp(-(((signed - np.float32(place)) / width) ** 2))
    return bump


def _photograph(added: Float32Array, scene: BrightfieldScene, rng: np.random.Generator) -> GreyImage:
    """Send light through the field and the microscope onto the camera."""
    shape = (scene.height, scene.width)
    uneven = np.float32(scene.unevenness) * smooth_field(shape, scale_px=max(shape) / 2.0, rng=rng)
    dirt = draw_texture(shape, [(0.3 * scene.mean_radius_px, 1.0)], rng)
    ground = 0.006 * draw_texture(shape, [(1.0, 0.8), (3.0, 0.6)], rng) - 0.12 * np.maximum(dirt - 2.2, 0.0)
    seen = blur_psf(np.float32(0.75 * scene.contrast) * added, scene.blur_px)
    light = np.maximum(np.float32(scene.level) * (1.0 + uneven + ground + seen), np.float32(0.0))
    return expose(
        light * vignetting(shape, scene.vignetting),
        create_camera(scene.noise, scene.bit_depth, full_well=_FULL_WELL),
        rng,
    )
