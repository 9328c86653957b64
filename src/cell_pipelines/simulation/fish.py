"""A field of interphase FISH: blue nuclei, whole or destroyed, with red and green spots of which all is known.

Red spots are chromosomes 21 and green ones chromosomes X, as in Trykin (2023, GraphiCon). The normal nucleus is that
of a woman: two red and two green signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.fish_nuclei import Preparation, prepare_nuclei
from cell_pipelines.simulation.fish_signals import (
    CHANNELS,
    Karyotypes,
    SpotLook,
    draw_karyotypes,
    place_signals,
    render_spots,
)
from cell_pipelines.simulation.optics import GreyImage, blur_psf, create_camera, expose, smooth_field, vignetting
from cell_pipelines.typing import Float32Array, LabelImage

_GLOW: Final = 0.10  # of the nuclear stain, seen in the red and the green channel
_SHARE: Final = Allowed(0.0, 1.0)
_SHARES: Final = ("monosomic_21", "trisomic_21", "monosomic_x", "trisomic_x", "tetraploid")
_ALLOWED = {
    **FIELD,
    **dict.fromkeys((*_SHARES, "destroyed_fraction", "lost_signals", "double_dots", "bleed_through"), _SHARE),
    "signals_apart": Allowed(0.0, 100.0),
    "spot_radius_px": Allowed(0.3, 20.0),
    "spot_light": Allowed(0.0, 2.0),
    "spot_spread": Allowed(0.0, 1.0),
    "background": Allowed(0.0, 0.6),
}


@dataclass(frozen=True)
class FishScene:
    """A field of interphase FISH.

    Attributes:
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        cells: Nuclei asked for, destroyed ones included; a field that is full holds fewer.
        mean_radius_px: Mean radius of the whole nuclei in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        clumping: Probability, 0 to 1, that a nucleus joins another one.
        destroyed_fraction: Probability that a nucleus is destroyed: a cluster of fragments.
        monosomic_21: Probability that a nucleus has one chromosome 21.
        trisomic_21: Probability that it has three.
        monosomic_x: Probability that a nucleus has one chromosome X.
        trisomic_x: Probability that it has three.
        tetraploid: Probability that it has four of both.
        lost_signals: Probability that a chromosome gives no signal, as where hybridisation failed.
        double_dots: Probability that a signal is seen as two dots, because its chromosome is replicated.
        signals_apart: Least distance of two signals of one channel in a nucleus, in radii of a spot as it is seen, if
            there is room; 0 lets them hide each other, as they do on slides.
        spot_radius_px: Standard deviation of a spot's light in pixels, before the optics.
        spot_light: Mean light in the centre of a spot, after the optics; 1 saturates the camera.
        spot_spread: Standard deviation of the logarithm of the spots' light.
        bleed_through: Fraction of the light of red spots seen in the green channel, and of green ones in the red.
        background: Light of the background in every channel; 1 saturates the camera.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel in each channel, 8 or 16.
    """

    height: int = 320
    width: int = 320
    cells: int = 12
    mean_radius_px: float = 26.0
    radius_spread: float = 0.12
    clumping: float = 0.2
    destroyed_fraction: float = 0.2
    monosomic_21: float = 0.01
    trisomic_21: float = 0.01
    monosomic_x: float = 0.03
    trisomic_x: float = 0.02
    tetraploid: float = 0.01
    lost_signals: float = 0.01
    double_dots: float = 0.2
    signals_apart: float = 6.0
    spot_radius_px: float = 1.2
    spot_light: float = 0.6
    spot_spread: float = 0.25
    bleed_through: float = 0.1
    background: float = 0.04
    unevenness: float = 0.5
    vignetting: float = 0.2
    blur_px: float = 1.1
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)
        for chromosome in ("21", "x"):
            total = getattr(self, f"monosomic_{chromosome}") + getattr(self, f"trisomic_{chromosome}") + self.tetraploid
            if total > 1.0 + 1e-9:
                raise ValueError(
                    f"`monosomic_{chromosome}`, `trisomic_{chromosome}` and `tetraploid` must sum to 1 or less, "
                    f"got {total:g}."
                )


@dataclass(frozen=True, eq=False)
class FishField:
    """An image with N nuclei, which may differ in number from the scene's, and all their signals.

    Attributes:
        image: uint8 or uint16 (H, W, 3): red (chromosome 21), green (chromosome X), blue (nuclei).
        labels: int32 (H, W), 0 is background, ids 1 to N without a gap. A destroyed nucleus has one label, the convex
            hull of its fragments without the pixels of other nuclei; each label is one connected piece.
        whole: bool (N,), which nuclei are whole; the others are destroyed.
        nuclei: One row per nucleus: `nucleus` (label), `category` (whole or destroyed), `chromosomes_21`,
            `chromosomes_x` (what it has), `red`, `green` (signals that can be seen), `pattern` such as 2:2 (red:green).
        spots: One row per signal: `nucleus`, `channel` (red or green), `row`, `column` (pixels; of a double dot the
            centre), `is_double`, `row_1`, `column_1`, `row_2`, `column_2` (its dots; nan where there is only one),
            `light` (in the centre of a dot). A double dot is one signal and one row.
    """

    image: GreyImage
    labels: LabelImage
    whole: NDArray[np.bool_]
    nuclei: pd.DataFrame
    spots: pd.DataFrame


def simulate_fish(scene: FishScene, seed: int) -> FishField:
    """Simulate one field of interphase FISH.

    The same scene and seed give the same bytes. Nuclei, chromosomes, spots, optics and camera draw from streams of
    their own: the same seed with another noise or background shows the same nuclei and spots.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> field = simulate_fish(FishScene(cells=5), seed=1)
        >>> field.image.shape, len(field.nuclei)
        ((320, 320, 3), 5)
    """
    check_seed(seed)
    parts = np.random.SeedSequence(seed).spawn(5)
    nuclei_rng, karyotype_rng, spots_rng, optics_rng, camera_rng = map(np.random.default_rng, parts)
    prepared = prepare_nuclei(
        scene.cells,
        (scene.height, scene.width),
        mean_radius_px=scene.mean_radius_px,
        looks=(scene.radius_spread, scene.clumping, scene.destroyed_fraction),
        rng=nuclei_rng,
    )
    karyotypes = draw_karyotypes(
        len(prepared.whole),
        rare={name: getattr(scene, name) for name in _SHARES},
        lost=scene.lost_signals,
        rng=karyotype_rng,
    )
    seen_radius = float(np.hypot(scene.spot_radius_px, scene.blur_px))
    look = SpotLook(seen_radius, scene.spot_light, scene.spot_spread, scene.double_dots, scene.signals_apart)
    spots = place_signals(prepared, karyotypes, look, spots_rng)
    light = _shine(scene, prepared, spots, seen_radius, optics_rng)
    camera = create_camera(scene.noise, scene.bit_depth)
    channels: list[NDArray[Any]] = [expose(channel, camera, camera_rng) for channel in light]
    image = np.stack(channels, axis=-1)
    return FishField(image, prepared.labels, prepared.whole, _describe_nuclei(prepared, karyotypes, spots), spots)


def _shine(
    scene: FishScene, prepared: Preparation, spots: pd.DataFrame, radius: float, rng: np.random.Generator
) -> list[Float32Array]:
    """Give the light of the three channels as it falls onto the camera."""
    shape = (scene.height, scene.width)
    nuclei = blur_psf(prepared.light, scene.blur_px)
    red, green = (render_spots(spots[spots["channel"] == channel], radius, shape) for channel in CHANNELS)
    bleeding, glow = np.float32(scene.bleed_through), np.float32(_GLOW) * nuclei
    falloff = vignetting(shape, scene.vignetting)
    channels = (glow + red + bleeding * green, glow + green + bleeding * red, nuclei)
    return [falloff * (channel + _background(scene, rng)) for channel in channels]


def _background(scene: FishScene, rng: np.random.Generator) -> Float32Array:
    shape = (scene.height, scene.width)
    uneven = smooth_field(shape, scale_px=max(shape) / 3.0, rng=rng)
    level: Float32Array = np.float32(scene.background) * (1.0 + np.float32(scene.unevenness) * uneven)
    return level


def _describe_nuclei(prepared: Preparation, karyotypes: Karyotypes, spots: pd.DataFrame) -> pd.DataFrame:
    """Give the table of the nuclei, with the signals that can be seen in each."""
    count = len(prepared.whole)
    seen = {
        channel: np.bincount(spots.loc[spots["channel"] == channel, "nucleus"], minlength=count + 1)[1:]
        for channel in CHANNELS
    }
    pattern = [f"{red}:{green}" for red, green in zip(seen["red"], seen["green"], strict=True)]
    return pd.DataFrame(
        {
            "nucleus": np.arange(1, count + 1, dtype=np.int64),
            "category": pd.array(np.where(prepared.whole, "whole", "destroyed").tolist(), dtype="str"),
            "chromosomes_21": karyotypes.chromosomes[:, 0],
            "chromosomes_x": karyotypes.chromosomes[:, 1],
            "red": seen["red"].astype(np.int64),
            "green": seen["green"].astype(np.int64),
            "pattern": pd.array(pattern, dtype="str"),
        }
    )
