"""Fluorescent nuclei of any look: sharp or vague, round or long, sparse or crowded, bright on dark or the reverse.

A study of one kind of image varies little from series to series; what a starter model learns from must vary in all
that images of strangers differ in. `draw_look` therefore draws every setting of a field anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.optics import (
    GreyImage,
    add_haze,
    blur_psf,
    create_camera,
    expose,
    smooth_field,
    vignetting,
)
from cell_pipelines.simulation.rendering import (
    bound_labels,
    chromatin_texture,
    label_views,
    render_debris,
    render_light,
    view_nuclei,
)
from cell_pipelines.typing import Float32Array

_LONGEST = 0.32  # largest second harmonic, which makes a nucleus about twice as long as wide
_MEAN_LIGHT = 0.42  # of nuclei whose brightness doesn't differ
_MOST_COVERED = 0.55  # share of a field that nuclei are asked to cover at most
_ALLOWED = {
    **FIELD,
    "elongation": Allowed(0.0, 0.5),
    "vagueness": Allowed(0.0, 1.0),
    "contrast_spread": Allowed(0.0, 1.0),
    "debris": Allowed(0.0, 10.0),
    "cytoplasm": Allowed(0.0, 1.0),
    "haze": Allowed(0.0, 1.0),
    "background": Allowed(0.0, 0.6),
    "exposure": Allowed(0.05, 5.0),
}


@dataclass(frozen=True)
class NucleiScene:
    """A field of nuclei in fluorescence.

    Attributes:
        height: Height of the images in pixels.
        width: Width of the images in pixels.
        cells: Nuclei asked for; a field that is full holds fewer.
        mean_radius_px: Mean radius of the nuclei in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        elongation: Standard deviation of the outline's second harmonic, relative to the radius: 0.15 makes a common
            nucleus a third longer than wide.
        clumping: Probability, 0 to 1, that a nucleus joins another one.
        vagueness: How far borders may be soft, 0 (all sharp) to 1.
        contrast_spread: How far nuclei differ in brightness, 0 (all alike) to 1.
        debris: Small specks for each nucleus asked for; they are in no label image and have no box.
        cytoplasm: Light of the cells' bodies around their nuclei, relative to that of the nuclei.
        haze: Share of the light from planes out of focus.
        background: Light of the background; 1 saturates the camera.
        exposure: Factor on all light; above 1 bright nuclei saturate the camera.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel, 8 or 16.
        channels: 1 for a grey image, 3 for RGB with the nuclei in blue and other stains beside them.
        inverted: Whether nuclei are dark on bright, as in some figures.
        varied: In a series, whether each field has a look of its own, from `draw_look`.
    """

    height: int = 320
    width: int = 320
    cells: int = 40
    mean_radius_px: float = 12.0
    radius_spread: float = 0.18
    elongation: float = 0.08
    clumping: float = 0.35
    vagueness: float = 0.6
    contrast_spread: float = 0.5
    debris: float = 0.1
    cytoplasm: float = 0.0
    haze: float = 0.12
    background: float = 0.08
    exposure: float = 1.0
    unevenness: float = 0.5
    vignetting: float = 0.25
    blur_px: float = 1.2
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 8
    channels: Literal[1, 3] = 1
    inverted: bool = False
    varied: bool = True

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)
        if self.channels not in (1, 3):
            raise ValueError(f"`channels` must be 1 or 3, got {self.channels!r}.")


def draw_look(scene: NucleiScene, seed: int) -> NucleiScene:
    """Draw every setting but the image's size anew.

    Nuclei are 7 to 18 pixels in radius and cover nothing to about half of the field; one field in twenty is empty.

    Args:
        scene: Whose height and width are kept.
        seed: Seed of all randomness, 0 or more.
    """
    check_seed(seed)
    rng = np.random.default_rng(seed)
    radius = float(rng.uniform(7.0, 18.0))
    most = _MOST_COVERED * scene.height * scene.width / (np.pi * radius**2)
    cells = 0 if rng.random() < 0.05 else int(np.ceil(most * rng.random() ** 1.5))
    depth: Literal[8, 16] = 8 if rng.random() < 0.6 else 16
    count: Literal[1, 3] = 1 if rng.random() < 0.7 else 3
    return replace(
        scene,
        cells=cells,
        mean_radius_px=radius,
        radius_spread=float(rng.uniform(0.05, 0.35)),
        elongation=float(rng.uniform(0.03, 0.18)),
        clumping=float(rng.uniform(0.0, 0.9)),
        vagueness=float(rng.uniform(0.0, 1.0)),
        contrast_spread=float(rng.uniform(0.0, 1.0)),
        debris=float(rng.exponential(0.15)) if rng.random() < 0.6 else 0.0,
        cytoplasm=float(rng.uniform(0.05, 0.5)) if rng.random() < 0.25 else 0.0,
        haze=float(rng.uniform(0.0, 0.35)),
        background=float(0.01 * 30 ** rng.random()),
        exposure=float(0.25 * 6 ** rng.random()),
        unevenness=float(rng.uniform(0.0, 0.9)),
        vignetting=float(rng.uniform(0.0, 0.5)),
        blur_px=float(radius * rng.uniform(0.02, 0.2)),
        noise=float(0.2 * 15 ** rng.random()),
        bit_depth=depth,
        channels=count,
        inverted=bool(rng.random() < 0.12),
    )


def simulate_nuclei(scene: NucleiScene, seed: int) -> CellField:
    """Simulate one field of nuclei.

    The same scene and seed give the same bytes. Cells, debris and optics draw from streams of their own.

    Args:
        scene: What the field looks like; `varied` concerns series only.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_nuclei(NucleiScene(cells=10), seed=1)
        >>> field.image.shape, len(field.boxes)
        ((320, 320), 10)
    """
    check_seed(seed)
    cells_rng, debris_rng, optics_rng = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    shape = (scene.height, scene.width)
    nuclei = _shape(
        draw_nuclei(
            scene.cells,
            shape,
            mean_radius_px=scene.mean_radius_px,
            radius_spread=scene.radius_spread,
            clumping=scene.clumping,
            rng=cells_rng,
        ),
        scene,
        cells_rng,
    )
    views = view_nuclei(nuclei, shape)
    labels, kept = label_views(views, shape)
    texture = chromatin_texture(views, scene.mean_radius_px, cells_rng)
    views = [views[int(index)] for index in kept]
    light = render_light(nuclei.take(kept), views, texture, shape)
    debris = render_debris(round(scene.debris * scene.cells), shape, scene.mean_radius_px, debris_rng)
    image = _photograph(light, light + debris, scene, optics_rng)
    return CellField(image, labels, bound_labels(labels, views), np.zeros_like(labels))


def _shape(nuclei: Nuclei, scene: NucleiScene, rng: np.random.Generator) -> Nuclei:
    """Give nuclei the scene's elongation, borders and differences in brightness."""
    harmonics = nuclei.harmonics.copy()
    length = np.abs(rng.normal(0.0, scene.elongation, len(nuclei))).clip(max=_LONGEST)
    harmonics[:, 0] = length * np.exp(1j * np.angle(harmonics[:, 0]))
    own = (nuclei.brightness / _MEAN_LIGHT) ** scene.contrast_spread
    sharpest = nuclei.borders.min(initial=1.0)
    return replace(
        nuclei,
        harmonics=harmonics,
        brightness=_MEAN_LIGHT * own,
        borders=sharpest + (nuclei.borders - sharpest) * scene.vagueness,
    )


def _photograph(nuclei: Float32Array, stained: Float32Array, scene: NucleiScene, rng: np.random.Generator) -> GreyImage:
    """Send light through the microscope onto the camera, channel by channel."""
    radius = scene.mean_radius_px
    bodies = blur_psf((nuclei > 0.05).astype(np.float32), 0.9 * radius) * np.float32(scene.cytoplasm * _MEAN_LIGHT)
    grey = stained + bodies
    if scene.channels == 1:
        image = _expose(grey, scene, rng)
    else:
        # Red and green show the cells' bodies and a little of the nuclei; blue the nuclei.
        shares = rng.uniform(0.0, 0.3, 2).tolist()
        other = [bodies * 2.0 + np.float32(share) * stained for share in shares]
        image = np.asarray(np.stack([_expose(light, scene, rng) for light in (*other, grey)], axis=-1))
    # The complement of a whole number is its distance from the largest of its type.
    inverted: GreyImage = ~image
    return inverted if scene.inverted else image


def _expose(light: Float32Array, scene: NucleiScene, rng: np.random.Generator) -> GreyImage:
    shape = (scene.height, scene.width)
    seen = blur_psf(add_haze(light, fraction=scene.haze, sigma_px=3.0 * scene.mean_radius_px), scene.blur_px)
    uneven = smooth_field(shape, scale_px=max(shape) / 5.0, rng=rng)
    seen += np.float32(scene.background) * (1.0 + np.float32(scene.unevenness) * uneven)
    seen *= vignetting(shape, scene.vignetting) * np.float32(scene.exposure)
    return expose(seen, create_camera(scene.noise, scene.bit_depth), rng)
