"""Yellow neurons in dark tissue, in colour fluorescence, with artefacts that look like neurons and are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from cell_pipelines.simulation.artefacts import DrawnArtefacts, draw_artefacts
from cell_pipelines.simulation.branches import Branched, grow_branch, view_branched
from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.glow import Glow, render_colours
from cell_pipelines.simulation.optics import (
    GreyImage,
    add_haze,
    blur_psf,
    create_camera,
    expose,
    smooth_field,
    vignetting,
)
from cell_pipelines.simulation.placement import place_discs
from cell_pipelines.simulation.rendering import bound_labels, label_views
from cell_pipelines.simulation.texture import draw_texture
from cell_pipelines.typing import Float32Array, FloatArray

_ALLOWED = {**FIELD, "artefacts": Allowed(0.0, 20.0), "background": Allowed(0.0, 0.6)}
_TISSUE = (1.0, 0.42, 0.16)  # the colour of unstained tissue in the light of the dye
_HUES = ((1.0, 0.66, 0.10), (1.0, 0.93, 0.34))  # from orange to pale yellow


@dataclass(frozen=True)
class NeuronScene:
    """A field of stained neurons.

    Attributes:
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        cells: Neurons asked for; a field that is full holds fewer.
        mean_radius_px: Mean radius of the cell bodies in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        clumping: Probability, 0 to 1, that a neuron joins another one.
        artefacts: Mean number of artefacts: strips, debris, blobs out of focus, edges of the tissue. They are in no
            label image. One that finds no place beside the cells is left out.
        background: Light of the tissue; 1 saturates the camera.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel in each colour, 8 or 16.
    """

    height: int = 320
    width: int = 320
    cells: int = 8
    mean_radius_px: float = 10.0
    radius_spread: float = 0.22
    clumping: float = 0.35
    artefacts: float = 1.2
    background: float = 0.1
    unevenness: float = 0.5
    vignetting: float = 0.25
    blur_px: float = 1.4
    noise: float = 0.7
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)


def simulate_neurons(scene: NeuronScene, seed: int) -> CellField:
    """Simulate one field of stained neurons.

    The same scene and seed give the same bytes. Cells, artefacts, tissue and camera draw from streams of their own:
    the same seed with another background, noise or number of artefacts shows the same cells.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_neurons(NeuronScene(cells=5), seed=1)
        >>> field.image.shape, len(field.boxes)
        ((320, 320, 3), 5)
    """
    check_seed(seed)
    parts = np.random.SeedSequence(seed).spawn(4)
    cells_rng, artefacts_rng, tissue_rng, camera_rng = map(np.random.default_rng, parts)
    shape = (scene.height, scene.width)
    views = view_branched(_grow_neurons(scene, cells_rng), shape, cells_rng)
    labels, kept = label_views(views, shape)
    views = [views[int(index)] for index in kept]
    artefacts = draw_artefacts(
        labels, float(scene.artefacts), mean_radius_px=scene.mean_radius_px, hues=_HUES, rng=artefacts_rng
    )
    light = render_colours(_draw_glow(len(views), cells_rng), views, scene.mean_radius_px, shape, cells_rng)
    image = _photograph(light, artefacts, scene, tissue_rng, camera_rng)
    return CellField(image, labels, bound_labels(labels, views), artefacts.labels, artefacts.artefacts)


def _grow_neurons(scene: NeuronScene, rng: np.random.Generator) -> list[Branched]:
    """Grow neurons: bodies like drops, triangles and stars, with a few processes."""
    spread = scene.radius_spread
    sizes = scene.mean_radius_px * np.exp(rng.normal(-(spread**2) / 2, spread, scene.cells)).clip(0.5, 1.8)
    centres, placed = place_discs(sizes, (scene.height, scene.width), clumping=scene.clumping, rng=rng)
    return [_grow_neuron(centre, radius, rng) for centre, radius in zip(centres, sizes[placed], strict=True)]


def _grow_neuron(centre: FloatArray, radius: float, rng: np.random.Generator) -> Branched:
    count = int(rng.integers(2, 5))
    first = rng.uniform(0.0, 2.0 * np.pi)
    angles = first + 2.0 * np.pi * (np.arange(count) + rng.normal(0.0, 0.18, count)) / count
    lengths = radius * rng.uniform(0.9, 1.7, count)
    lengths[0] *= rng.uniform(1.0, 1.7)  # the apical process is the longest
    tip = max(0.8, 0.13 * radius)
    branches = tuple(
        grow_branch(centre, angle, length, radii=(0.78 * radius, tip), bend=0.14, rng=rng)
        for angle, length in zip(angles, lengths, strict=True)
    )
    return Branched(branches, radius, roughness=0.07)


def _draw_glow(count: int, rng: np.random.Generator) -> Glow:
    """Draw how neurons glow: some bright and clear, some barely brighter than the tissue."""
    faintness = rng.beta(1.3, 2.2, count)
    return Glow(
        brightness=(0.85 - 0.6 * faintness) * np.exp(rng.normal(0.0, 0.12, count)),
        borders=0.16 + 0.3 * faintness,
        grains=rng.random((count, 2)),
        colours=np.array(_HUES[0]) + rng.random((count, 1)) * np.subtract(_HUES[1], _HUES[0]),
    )


def _photograph(
    light: Float32Array,
    artefacts: DrawnArtefacts,
    scene: NeuronScene,
    tissue_rng: np.random.Generator,
    camera_rng: np.random.Generator,
) -> GreyImage:
    """Send the light of cells, artefacts and tissue through the microscope onto a colour camera."""
    shape = (scene.height, scene.width)
    tissue = _draw_tissue(scene, tissue_rng) * artefacts.tissue
    lens = vignetting(shape, scene.vignetting)
    camera = create_camera(scene.noise, scene.bit_depth)
    planes = []
    for plane, colour in enumerate(_TISSUE):
        glow = add_haze(light[plane] + artefacts.light[plane], fraction=0.15, sigma_px=2.5 * scene.mean_radius_px)
        seen = blur_psf(glow + np.float32(colour) * tissue, scene.blur_px) * lens
        planes.append(expose(seen, camera, camera_rng))
    return cast(GreyImage, np.stack(planes, axis=-1))


def _draw_tissue(scene: NeuronScene, rng: np.random.Generator) -> Float32Array:
    """Draw the light of the tissue: uneven, mottled, with the grain of fibres."""
    shape = (scene.height, scene.width)
    uneven = np.float32(scene.unevenness) * smooth_field(shape, scale_px=max(shape) / 3.0, rng=rng)
    radius = scene.mean_radius_px
    mottled = draw_texture(shape, [(1.6 * radius, 0.7), (0.35 * radius, 0.55), (0.12 * radius, 0.4)], rng)
    tissue: Float32Array = np.float32(scene.background) * (1.0 + uneven) * (1.0 + np.float32(0.16) * mottled)
    return tissue
