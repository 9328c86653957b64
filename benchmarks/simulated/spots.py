"""Fields of dots in nuclei whose size, density, contrast and background vary, as in single-molecule FISH."""

from typing import NamedTuple

import numpy as np

from cell_pipelines.simulation.fish_nuclei import prepare_nuclei
from cell_pipelines.simulation.optics import Camera, blur_psf, expose, smooth_field

SIDE = 192
#: Standard deviations of the dots' light, dots per pixel of a nucleus, median signal-to-noise ratio of a matched
#: filter, texture of the background, blur of the finished image in pixels.
KINDS = {
    "small": ((1.2, 1.2), 0.001, 14, 0.1, 0.0),
    "usual": ((1.6, 1.6), 0.001, 14, 0.1, 0.0),
    "large": ((2.3, 2.3), 0.001, 14, 0.1, 0.0),
    "mixed sizes": ((1.0, 2.6), 0.002, 16, 0.1, 0.0),
    "dim": ((1.5, 1.5), 0.002, 8, 0.1, 0.0),
    "dense": ((1.4, 1.4), 0.01, 20, 0.1, 0.0),
    "very dense": ((1.3, 1.3), 0.02, 20, 0.1, 0.0),
    "textured": ((1.5, 1.5), 0.002, 16, 0.6, 0.0),
    "smoothed": ((1.5, 1.5), 0.002, 12, 0.2, 0.8),
}


class Dots(NamedTuple):
    """A stack (Z, H, W) of uint16, its nuclei (H, W), and the row and column (N, 2) of its dots."""

    stack: np.ndarray
    labels: np.ndarray
    places: np.ndarray


def render(places: np.ndarray, sigmas: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Add up the light of dots."""
    rows = np.arange(SIDE)
    light = np.zeros((SIDE, SIDE))
    for (row, column), sigma, height in zip(places, sigmas, heights, strict=True):
        profiles = [np.exp(-0.5 * ((rows - centre) / sigma) ** 2) for centre in (row, column)]
        light += height * np.outer(*profiles)
    return light


def simulate_dots(kind: str, seed: int, planes: int = 1) -> Dots:
    """Draw one field, or a stack of planes through it in which the dots lie at any depth."""
    (low, high), density, snr, texture, blur = KINDS[kind]
    rng, shape = np.random.default_rng(seed), (SIDE, SIDE)
    radius = rng.uniform(20, 45)
    nuclei = prepare_nuclei(
        max(1, int(0.5 * SIDE**2 / (np.pi * radius**2))), shape, mean_radius_px=radius, looks=(0.12, 0.2, 0.1), rng=rng
    )
    uneven, fine, coarse = (smooth_field(shape, scale_px=scale, rng=rng) for scale in (64, 12, 25))
    glow = rng.uniform(0, 0.25) * blur_psf(nuclei.light, 1.5) * (1 + texture * fine)
    level = rng.uniform(0.01, 0.15) * (1 + 0.5 * uneven)
    background = np.clip((level + glow) * (1 + 0.5 * texture * coarse), 0.002, None)
    weights = np.where(nuclei.labels > 0, 1.0, 0.08)
    count = rng.poisson(density * weights.sum())
    pixels = np.unravel_index(rng.choice(weights.size, count, p=(weights / weights.sum()).ravel()), shape)
    places = np.stack(pixels, axis=1) + rng.uniform(-0.5, 0.5, (count, 2))
    sigmas = rng.uniform(low, high, count) * np.exp(rng.normal(0, 0.12 if low == high else 0.0, count))
    camera = Camera(10 ** rng.uniform(2.3, 4), rng.uniform(1.5, 6), bit_depth=16)
    noise = np.sqrt(background[pixels] * camera.full_well + camera.read_noise**2) / camera.full_well
    heights = np.exp(rng.normal(np.log(snr), 0.25, count)) * noise / (sigmas * np.sqrt(np.pi))
    depths = rng.uniform(1, max(planes - 2, 1), count) if planes > 1 else np.zeros(count)
    stack = []
    for plane in range(planes):
        away = np.abs(plane - depths)  # out of focus a dot is wider and dimmer
        light = background + render(places, sigmas * np.hypot(1, away / 2), heights * np.exp(-0.5 * (away / 1.8) ** 2))
        picture = expose(np.clip(light, 0, 0.97).astype(np.float32), camera, rng)
        stack.append(np.rint(blur_psf(picture.astype(np.float32), blur)).astype(np.uint16))
    return Dots(np.stack(stack), nuclei.labels, places)
