"""Spread neural and glioma cells in phase contrast: grey on grey, elongated, touching, with a bright halo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cell_pipelines.simulation.branches import Branch, Branched, grow_branch, view_branched
from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.optics import GreyImage, blur_psf, create_camera, expose, smooth_field, vignetting
from cell_pipelines.simulation.organelles import draw_organelles
from cell_pipelines.simulation.outlines import measure_outlines, spread_values
from cell_pipelines.simulation.placement import place_discs
from cell_pipelines.simulation.rendering import View, bound_labels, label_views
from cell_pipelines.simulation.texture import draw_texture
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

_ALLOWED = {
    **FIELD,
    "elongation": Allowed(1.0, 8.0),
    "rounded": Allowed(0.0, 1.0),
    "contrast": Allowed(0.0, 3.0),
    "level": Allowed(0.1, 0.9),
}
_FULL_WELL = 12_000.0  # transmitted light is plentiful
_SPACING = 1.7  # distance between cells, relative to that of discs as wide as they are
_HALO = 0.8  # width of the halo, relative to the mean radius
_CONTRAST = 0.8  # of the phase, relative to the background
_ROUND_PHASE = 1.9  # a cell that rounds up shifts the phase so far that its rim comes out bright


@dataclass(frozen=True)
class PhaseContrastScene:
    """A field of spread cells in phase contrast.

    Attributes:
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        cells: Cells asked for; a field that is full holds fewer.
        mean_radius_px: Mean half-width of the cell bodies in pixels.
        radius_spread: Standard deviation of the logarithm of the half-width, about the relative spread.
        elongation: Length of the cells relative to their width, 1 to 8.
        rounded: Probability, 0 to 1, that a cell has rounded up, as dividing and dying cells do.
        clumping: Probability, 0 to 1, that a cell joins another one.
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
    cells: int = 18
    mean_radius_px: float = 9.0
    radius_spread: float = 0.22
    elongation: float = 3.2
    rounded: float = 0.05
    clumping: float = 0.6
    contrast: float = 1.0
    level: float = 0.48
    unevenness: float = 0.15
    vignetting: float = 0.06
    blur_px: float = 0.8
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)


def simulate_phase_contrast(scene: PhaseContrastScene, seed: int) -> CellField:
    """Simulate one field of spread cells in phase contrast.

    The same scene and seed give the same bytes. A cell that lies over another one hides it; the picture shows the
    outlines of the labels. The image is the phase less what of it the phase ring lets through, which is a blurred
    copy (Yin, Kanade and Chen, 2012, Medical Image Analysis 16(5)): so cells get their halo and their shade-off.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_phase_contrast(PhaseContrastScene(cells=6), seed=1)
        >>> field.image.shape, len(field.boxes)
        ((320, 320), 6)
    """
    check_seed(seed)
    parts = np.random.SeedSequence(seed).spawn(3)
    cells_rng, inner_rng, camera_rng = map(np.random.default_rng, parts)
    shape = (scene.height, scene.width)
    cells, rounded = _grow_cells(scene, cells_rng)
    views = view_branched(cells, shape, cells_rng)
    labels, kept = label_views(views, shape)
    views = [views[int(index)] for index in kept]
    phase = _draw_phase(labels, views, rounded[kept], scene, inner_rng)
    boxes = bound_labels(labels, views)
    return CellField(_photograph(phase, scene, camera_rng), labels, boxes, np.zeros_like(labels))


def _grow_cells(scene: PhaseContrastScene, rng: np.random.Generator) -> tuple[list[Branched], FloatArray]:
    """Grow the cells; the second array tells which of them have rounded up (1) and which lie flat (0)."""
    spread = scene.radius_spread
    sizes = scene.mean_radius_px * np.exp(rng.normal(-(spread**2) / 2, spread, scene.cells)).clip(0.5, 1.8)
    rounded = (rng.random(scene.cells) < scene.rounded).astype(np.float64)
    room = np.where(rounded > 0, 1.0, _SPACING) * sizes
    centres, placed = place_discs(room, (scene.height, scene.width), clumping=scene.clumping, rng=rng)
    grown = zip(centres, sizes[placed], rounded[placed], strict=True)
    cells = [
        _ball(centre, radius) if is_round else _grow_cell(centre, radius, scene.elongation, rng)
        for centre, radius, is_round in grown
    ]
    return cells, rounded[placed]


def _ball(centre: FloatArray, radius: float) -> Branched:
    ends = centre + np.array([[0.0, -0.05], [0.0, 0.05]]) * radius
    return Branched((Branch(ends, np.full(2, 1.05 * radius)),), radius, roughness=0.02)


def _grow_cell(centre: FloatArray, radius: float, elongation: float, rng: np.random.Generator) -> Branched:
    """Grow a spindle with two long ends, and on some cells one or two more, as spread cells hold on to the ground."""
    stretch = 1.0 + (elongation - 1.0) * rng.uniform(0.6, 1.6)
    axis = rng.uniform(0.0, 2.0 * np.pi)
    extra = int(rng.choice(3, p=(0.35, 0.4, 0.25)))
    angles = [axis, axis + np.pi + rng.normal(0.0, 0.3), *(axis + rng.uniform(0.6, 2.5, extra) * rng.choice((-1, 1)))]
    lengths = radius * np.concatenate([stretch * rng.uniform(0.75, 1.25, 2), rng.uniform(1.3, 2.2, extra)])
    branches = tuple(
        grow_branch(centre, angle, length, radii=(0.98 * radius, radius * rng.uniform(0.1, 0.3)), bend=0.16, rng=rng)
        for angle, length in zip(angles, lengths, strict=True)
    )
    return Branched(branches, radius, roughness=0.1)


def _draw_phase(
    labels: LabelImage, views: Sequence[View], rounded: FloatArray, scene: PhaseContrastScene, rng: np.random.Generator
) -> Float32Array:
    """Draw how far the cells shift the phase, float32 (H, W): thin at their edge, with nuclei and granules."""
    radius = np.float32(scene.mean_radius_px)
    inside = measure_outlines(labels).inside
    flat = spread_values(np.where(rounded > 0, 0.0, rng.uniform(0.5, 1.25, len(rounded))), labels)
    ball = spread_values(rounded * _ROUND_PHASE, labels)
    near_edge = np.exp(-inside / (0.16 * radius))
    sheet = 0.5 * (1.0 - near_edge) + 0.85 * near_edge + 0.1 * np.minimum(inside / radius, 1.0)
    organelles = draw_organelles(labels, views, inside, scene.mean_radius_px, rng)
    ring = 0.9 * np.clip(inside / radius - 0.35, 0.0, 0.6) - np.exp(-(((inside / radius - 0.1) / 0.22) ** 2))
    phase: Float32Array = flat * (sheet + organelles) + ball * ring + _draw_specks(scene, rng)
    return phase


def _draw_specks(scene: PhaseContrastScene, rng: np.random.Generator) -> Float32Array:
    """Draw the specks and remains of cells that lie between the cells, in groups."""
    shape, radius = (scene.height, scene.width), scene.mean_radius_px
    groups = np.maximum(draw_texture(shape, [(radius, 1.0)], rng) - 2.0, 0.0)
    specks: Float32Array = groups * (0.6 + np.maximum(draw_texture(shape, [(0.16 * radius, 1.0)], rng), -0.6))
    return specks


def _photograph(phase: Float32Array, scene: PhaseContrastScene, rng: np.random.Generator) -> GreyImage:
    """Send the phase through the phase ring, the microscope and the camera."""
    shape, halo_px = (scene.height, scene.width), _HALO * scene.mean_radius_px
    seen = blur_psf(phase, scene.blur_px)
    passed = 0.45 * blur_psf(seen, halo_px) + 0.5 * blur_psf(seen, 0.35 * halo_px)
    shift = np.sin(np.clip(seen - passed, -0.5 * np.pi, 0.5 * np.pi))
    shift *= np.where(shift < 0, np.float32(1.5), np.float32(1.0))  # what is brighter stands out more
    uneven = np.float32(scene.unevenness) * smooth_field(shape, scale_px=max(shape) / 2.5, rng=rng)
    fine = 0.012 * draw_texture(shape, [(1.2, 0.8), (4.0, 0.6)], rng)
    light = np.float32(scene.level) * (1.0 + uneven + fine - np.float32(_CONTRAST * scene.contrast) * shift)
    light = np.maximum(light, np.float32(0.0)) * vignetting(shape, scene.vignetting)
    return expose(light, create_camera(scene.noise, scene.bit_depth, full_well=_FULL_WELL), rng)
