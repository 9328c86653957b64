"""A field of the live-dead assay: all nuclei in blue, the dead ones also in red, with exact annotation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
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
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

_DEAD_RADIUS, _DEAD_BRIGHTNESS = 0.93, 1.1  # dead nuclei shrink, and their chromatin is denser
_LARGEST_SHIFT = 0.15  # between the channels, relative to the radius; never more than 1.9 px
_ALLOWED = {
    **FIELD,
    "dead_fraction": Allowed(0.0, 1.0),
    "debris": Allowed(0.0, 10.0),
    "background": Allowed(0.0, 0.6),
    "unevenness": Allowed(0.0, 1.0),
    "bleed_through": Allowed(0.0, 1.0),
}


@dataclass(frozen=True)
class LiveDeadScene:
    """A field of the live-dead assay.

    Attributes:
        height: Height of the images in pixels.
        width: Width of the images in pixels.
        cells: Nuclei asked for; a field that is full holds fewer.
        dead_fraction: Probability, 0 to 1, that a nucleus is dead.
        mean_radius_px: Mean radius of the nuclei in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        clumping: Probability, 0 to 1, that a nucleus joins another one.
        debris: Small specks for each nucleus asked for; they are in no label image and have no box.
        background: Light of the background; 1 saturates the camera.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        bleed_through: Fraction of the blue light that is seen in the red channel.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel, 8 or 16.
    """

    height: int = 320
    width: int = 320
    cells: int = 25
    dead_fraction: float = 0.25
    mean_radius_px: float = 12.0
    radius_spread: float = 0.16
    clumping: float = 0.35
    debris: float = 0.1
    background: float = 0.08
    unevenness: float = 0.5
    vignetting: float = 0.25
    bleed_through: float = 0.05
    blur_px: float = 1.2
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)


@dataclass(frozen=True, eq=False)
class LiveDeadField:
    """Two images of one field, with the truth about every cell in them.

    N is the number of nuclei, all of which are seen in blue, R the number of dead ones, seen in red too.
    Ids run without a gap, from 1, in each channel by itself. Cells may differ in number from the scene.

    Attributes:
        blue: uint8 or uint16 (H, W), the blue emission.
        red: uint8 or uint16 (H, W), the red emission.
        blue_labels: int32 (H, W), 0 is background.
        red_labels: int32 (H, W), 0 is background.
        blue_boxes: float64 (N, 4) as x_min, y_min, x_max, y_max in pixels, by id; they bound the labels.
        red_boxes: float64 (R, 4), likewise.
        dead: bool (N,), which nuclei are dead.
        red_nucleus: int64 (R,), the blue id of each red cell.
    """

    blue: GreyImage
    red: GreyImage
    blue_labels: LabelImage
    red_labels: LabelImage
    blue_boxes: FloatArray
    red_boxes: FloatArray
    dead: NDArray[np.bool_]
    red_nucleus: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Channel:
    """One channel before optics and camera; `kept` tells which of the nuclei asked for are visible."""

    light: Float32Array
    labels: LabelImage
    boxes: FloatArray
    kept: NDArray[np.intp]


def simulate_live_dead(scene: LiveDeadScene, seed: int) -> LiveDeadField:
    """Simulate one field of the live-dead assay.

    The same scene and seed give the same bytes. Cells, optics and camera draw from streams of their own:
    the same seed with another background, noise or bit depth shows the same cells.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_live_dead(LiveDeadScene(cells=10), seed=1)
        >>> field.blue.shape, len(field.blue_boxes)
        ((320, 320), 10)
    """
    check_seed(seed)
    parts = np.random.SeedSequence(seed).spawn(5)
    cells_rng, red_rng, debris_rng, blue_optics, red_optics = map(np.random.default_rng, parts)
    nuclei = draw_nuclei(
        scene.cells,
        (scene.height, scene.width),
        mean_radius_px=scene.mean_radius_px,
        radius_spread=scene.radius_spread,
        clumping=scene.clumping,
        rng=cells_rng,
    )
    nuclei, asked_dead = _let_die(nuclei, scene.dead_fraction, red_rng)
    blue = _draw_channel(nuclei, scene, cells_rng)
    candidates = np.flatnonzero(asked_dead[blue.kept])
    red = _draw_channel(_stain_red(nuclei.take(blue.kept[candidates]), red_rng), scene, red_rng)
    dead_ids = candidates[red.kept]
    specks = round(scene.debris * scene.cells)
    blue_light = blue.light + render_debris(specks, blue.labels.shape, scene.mean_radius_px, debris_rng)
    red_light = red.light + np.float32(scene.bleed_through) * blue_light
    return LiveDeadField(
        blue=_photograph(blue_light, scene, blue_optics),
        red=_photograph(red_light, scene, red_optics),
        blue_labels=blue.labels,
        red_labels=red.labels,
        blue_boxes=blue.boxes,
        red_boxes=red.boxes,
        dead=np.isin(np.arange(len(blue.kept)), dead_ids),
        red_nucleus=dead_ids.astype(np.int64) + 1,
    )


def _let_die(nuclei: Nuclei, fraction: float, rng: np.random.Generator) -> tuple[Nuclei, NDArray[np.bool_]]:
    """Choose the dead nuclei, and give them the smaller, denser look of dead nuclei."""
    dead = rng.random(len(nuclei)) < fraction
    looks = replace(
        nuclei,
        radii=nuclei.radii * np.where(dead, _DEAD_RADIUS, 1.0),
        brightness=nuclei.brightness * np.where(dead, _DEAD_BRIGHTNESS, 1.0),
    )
    return looks, dead


def _stain_red(nuclei: Nuclei, rng: np.random.Generator) -> Nuclei:
    """Give dead nuclei as the red dye shows them: another brightness, shifted by a pixel or so."""
    count = len(nuclei)
    shift = rng.normal(0.0, 0.6, 2) + rng.normal(0.0, 0.4, (count, 2))
    length = np.maximum(np.hypot(*shift.T), 1e-9)
    limit = np.minimum(length, np.minimum(1.9, _LARGEST_SHIFT * nuclei.radii))
    return replace(
        nuclei,
        centres=nuclei.centres + shift * (limit / length)[:, None],
        brightness=nuclei.brightness * np.exp(rng.normal(0.0, 0.25, count)),
        grains=rng.random((count, 2)),
    )


def _draw_channel(nuclei: Nuclei, scene: LiveDeadScene, rng: np.random.Generator) -> _Channel:
    """Draw light, labels and boxes of the visible ones among the nuclei."""
    shape = (scene.height, scene.width)
    views = view_nuclei(nuclei, shape)
    labels, kept = label_views(views, shape)
    texture = chromatin_texture(views, scene.mean_radius_px, rng)
    views = [views[int(index)] for index in kept]
    light = render_light(nuclei.take(kept), views, texture, shape)
    return _Channel(light, labels, bound_labels(labels, views), kept)


def _photograph(light: Float32Array, scene: LiveDeadScene, rng: np.random.Generator) -> GreyImage:
    """Send light through the microscope onto the camera."""
    shape = (scene.height, scene.width)
    seen = blur_psf(add_haze(light, fraction=0.12, sigma_px=3.0 * scene.mean_radius_px), scene.blur_px)
    uneven = smooth_field(shape, scale_px=max(shape) / 5.0, rng=rng)
    seen += np.float32(scene.background) * (1.0 + np.float32(scene.unevenness) * uneven)
    seen *= vignetting(shape, scene.vignetting)
    return expose(seen, create_camera(scene.noise, scene.bit_depth), rng)
