"""Images to try networks on, and how far apart two engines' outputs are."""

import numpy as np

from cell_pipelines.typing import Float32Array


def sample_images(shape: tuple[int, int, int], count: int) -> Float32Array:
    """Return images (count, C, H, W) in [0, 1] to try a network on: blobs in noise, always the same."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)
    blur = min(4.0, min(shape[1:]) / 16)
    smooth = gaussian_filter(noise, (0, 0, blur, blur), mode="wrap")
    scaled = 0.4 + 0.25 * (smooth - smooth.mean()) / smooth.std() + 0.02 * noise
    images: Float32Array = np.clip(scaled, 0, 1).astype(np.float32)
    return images


def compare_outputs(expected: tuple[Float32Array, ...], found: tuple[Float32Array, ...]) -> float:
    """Return the largest difference between two engines' outputs (B, channels, …).

    Each channel has a scale of its own, its largest number or 1, so that scores are compared absolutely and
    coordinates relative to the image: small scores must not hide behind large coordinates. Infinite where the shapes
    differ or one has no number.
    """
    if [a.shape for a in expected] != [a.shape for a in found]:
        return float("inf")
    worst = 0.0
    for one, other in zip(expected, found, strict=True):
        axes = (0, *range(2, one.ndim))
        scale = np.maximum(np.abs(one).max(axis=axes, initial=0), 1)
        gap = np.abs(one - other).max(axis=axes, initial=0) / scale
        worst = max(worst, float(np.nan_to_num(gap, nan=np.inf).max(initial=0)))
    return worst
