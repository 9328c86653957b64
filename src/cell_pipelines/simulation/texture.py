"""Sheets of random texture, of which each cell shows a part: chromatin, granules, rough outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cell_pipelines.simulation.optics import blur_psf
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.typing import Float32Array, FloatArray

_STRONGEST = 2.5


def draw_texture(shape: Shape, scales: Sequence[tuple[float, float]], rng: np.random.Generator) -> Float32Array:
    """Draw texture of several scales, laid over each other.

    Args:
        shape: Height and width in pixels.
        scales: Size of the grains in pixels and weight of each scale; the squares of the weights sum to about 1.
        rng: Source of randomness.

    Returns:
        float32 (H, W), mean 0, standard deviation about 1, clipped at 2.5.
    """
    sheet = np.zeros(shape, dtype=np.float32)
    for sigma_px, weight in scales:
        sheet += np.float32(weight) * _grain(shape, sigma_px, rng)
    return np.clip(sheet, -_STRONGEST, _STRONGEST, out=sheet)


def _grain(shape: Shape, sigma_px: float, rng: np.random.Generator) -> Float32Array:
    grain = blur_psf(rng.standard_normal(shape, dtype=np.float32), sigma_px)
    return np.asarray((grain - grain.mean()) / max(float(grain.std()), 1e-6), dtype=np.float32)


def cut_texture(sheet: Float32Array, where: FloatArray, size: tuple[int, ...]) -> Float32Array:
    """Cut a part out of a texture.

    Args:
        sheet: float32 (S, S), at least as large as the part.
        where: (2,) in [0, 1): which part.
        size: Height and width of the part.
    """
    top, left = (int(share * (len(sheet) - length)) for share, length in zip(where, size, strict=True))
    return sheet[top : top + size[0], left : left + size[1]]
