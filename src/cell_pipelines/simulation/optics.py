"""The microscope's optics and camera: light from the specimen becomes a grey image.

Light is float32 (H, W) in units of the camera's full scale: 0 is dark, 1 just saturates. The order of a
fluorescence microscope is kept: `blur_psf` and `add_haze` spread the light, `vignetting` and
`smooth_field` make it uneven over the field, `expose` counts it with shot noise and read noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cell_pipelines.simulation.checks import Allowed, check_bit_depth, check_numbers
from cell_pipelines.typing import Float32Array

GreyImage = NDArray[np.uint8] | NDArray[np.uint16]
Shape = tuple[int, int]

_FEW_ELECTRONS = 20.0  # below this a Gaussian is a poor stand-in for Poisson
_COARSE_SIGMA = 8.0  # blur, in coarse pixels, that makes a low-frequency field
_BAND_PIXELS = 1 << 17  # pixels exposed at a time, so that the work stays in the processor's cache
_CAMERA = {
    "full_well": Allowed(1.0, 1e12),
    "read_noise": Allowed(0.0, 1e6),
    "offset": Allowed(0.0, 0.5),
}


@dataclass(frozen=True)
class Camera:
    """A monochrome camera: what one unit of light becomes in grey levels.

    Attributes:
        full_well: Electrons that light 1 sets free; fewer electrons, more visible shot noise.
        read_noise: Standard deviation of the read-out noise, in electrons.
        offset: Grey level of darkness, as a fraction of the highest grey level.
        bit_depth: Bits of a pixel, 8 or 16.
    """

    full_well: float = 1000.0
    read_noise: float = 6.0
    offset: float = 0.02
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        """Check every setting."""
        check_numbers(vars(self), _CAMERA)
        check_bit_depth(self.bit_depth)

    @property
    def highest(self) -> int:
        """The highest grey level."""
        return (1 << self.bit_depth) - 1

    @property
    def black_level(self) -> float:
        """The mean grey level of darkness."""
        return self.offset * self.highest

    @property
    def gain(self) -> float:
        """Grey levels per electron."""
        return self.highest * (1.0 - self.offset) / self.full_well


def create_camera(noise: float, bit_depth: Literal[8, 16], *, full_well: float = 1000.0) -> Camera:
    """Give a camera with `noise` times the noise of a common one, relative to full scale.

    Args:
        noise: 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel, 8 or 16.
        full_well: Electrons of the common camera; transmitted light gives more than fluorescence.
    """
    read_noise = Camera.read_noise * math.sqrt(full_well / Camera.full_well)
    return Camera(full_well / noise**2, read_noise / noise, bit_depth=bit_depth)


def blur_psf(light: Float32Array, sigma_px: float) -> Float32Array:
    """Blur light by a point spread function, approximated by a Gaussian.

    The Gaussian approximation of a widefield PSF is that of Zhang, Zerubia and Olivo-Marin (2007),
    Applied Optics 46(10). Light that would leave the field is mirrored back, so the total is kept.

    Args:
        light: float32 (H, W).
        sigma_px: Standard deviation of the PSF in pixels; 0 gives a copy.
    """
    check_numbers({"sigma_px": sigma_px}, {"sigma_px": Allowed(0.0, 1000.0)})
    if sigma_px == 0:
        return light.copy()
    blurred = cv2.GaussianBlur(light, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def add_haze(light: Float32Array, *, fraction: float, sigma_px: float) -> Float32Array:
    """Spread a fraction of the light widely, as planes out of focus do in a widefield microscope.

    Args:
        light: float32 (H, W).
        fraction: Fraction of the light, 0 to 1, that becomes haze.
        sigma_px: Width of the haze in pixels; it is computed on a coarser grid.
    """
    check_numbers({"fraction": fraction}, {"fraction": Allowed(0.0, 1.0)})
    height, width = light.shape
    step = max(1.0, sigma_px / _COARSE_SIGMA)
    coarse_size = (math.ceil(width / step), math.ceil(height / step))
    coarse = np.asarray(cv2.resize(light, coarse_size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    haze = cv2.resize(blur_psf(coarse, sigma_px / step), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.addWeighted(light, 1.0 - fraction, haze, fraction, 0.0), dtype=np.float32)


def vignetting(shape: Shape, falloff: float) -> Float32Array:
    """Give the transmission of the lens over the field, by the cos^4 law.

    Args:
        shape: Height and width in pixels.
        falloff: Light lost in the corners, 0 (none) up to 0.95.

    Returns:
        float32 (H, W): 1 in the centre of the field, `1 - falloff` in its corners.
    """
    check_numbers({"falloff": falloff}, {"falloff": Allowed(0.0, 0.95)})
    # cos(atan(t))^4 = 1 / (1 + t^2)^2, with t^2 growing to `tangent2` in the corner of the field
    tangent2 = 1.0 / math.sqrt(1.0 - falloff) - 1.0
    rows, cols = (tangent2 / 2.0 * _squared_offset(length) for length in shape)
    spread: Float32Array = (1.0 + rows)[:, None].astype(np.float32) + cols.astype(np.float32)
    spread *= spread
    return np.divide(np.float32(1.0), spread, out=spread)


def _squared_offset(length: int) -> NDArray[np.float64]:
    """Give the squared distance of pixel centres from the centre; the field's edge is at 1."""
    offset: NDArray[np.float64] = (np.arange(length) + 0.5) / length * 2.0 - 1.0
    return offset**2


def smooth_field(shape: Shape, *, scale_px: float, rng: np.random.Generator) -> Float32Array:
    """Draw a smooth random field, such as an uneven background follows.

    Args:
        shape: Height and width in pixels.
        scale_px: Distance in pixels over which the field changes, 1 or more.
        rng: Source of randomness.

    Returns:
        float32 (H, W) with mean about 0, between -1 and 1.
    """
    check_numbers({"scale_px": scale_px}, {"scale_px": Allowed(1.0, 1e5)})
    height, width = shape
    step = scale_px / _COARSE_SIGMA
    margin = math.ceil(3 * _COARSE_SIGMA)
    coarse_shape = (math.ceil(height / step) + 2 * margin, math.ceil(width / step) + 2 * margin)
    noise = blur_psf(rng.standard_normal(coarse_shape, dtype=np.float32), _COARSE_SIGMA)
    inner = noise[margin:-margin, margin:-margin]
    centred = inner - inner.mean()
    field = cv2.resize(
        centred / max(float(np.abs(centred).max()), 1e-6), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return np.clip(np.asarray(field, dtype=np.float32), -1.0, 1.0)


def expose(light: Float32Array, camera: Camera, rng: np.random.Generator) -> GreyImage:
    """Take a picture: count electrons with shot noise, read them out with noise, and quantise.

    The grey level has mean `black_level + gain * electrons` and variance
    `gain^2 * (electrons + read_noise^2) + 1/12`, where `electrons = light * full_well`.

    Args:
        light: float32 (H, W), not negative; 1 just saturates the camera.
        camera: The camera.
        rng: Source of randomness.

    Returns:
        uint8 or uint16 (H, W), by the camera's bit depth.
    """
    if not np.isfinite(low := float(light.min(initial=0.0))) or low < 0:
        raise ValueError(f"`light` must be finite and not negative, got {low:g} as its lowest value.")
    image = np.empty(light.shape, dtype=np.uint8 if camera.bit_depth == 8 else np.uint16)
    rows = max(1, _BAND_PIXELS // max(1, light.shape[1]))
    for top in range(0, len(light), rows):
        electrons = light[top : top + rows] * np.float32(camera.full_well)
        image[top : top + rows] = _digitise(_count(electrons, camera.read_noise, rng), camera)
    return image


def _digitise(electrons: Float32Array, camera: Camera) -> Float32Array:
    """Give whole grey levels, between 0 and the highest."""
    grey: Float32Array = np.rint(electrons * np.float32(camera.gain) + np.float32(camera.black_level))
    grey.clip(0, camera.highest, out=grey)
    return grey


def _count(electrons: Float32Array, read_noise: float, rng: np.random.Generator) -> Float32Array:
    """Add shot and read noise: Poisson where electrons are few, else its Gaussian limit."""
    normal = rng.standard_normal(electrons.shape, dtype=np.float32)
    counted: Float32Array = electrons + normal * np.sqrt(electrons + np.float32(read_noise**2))
    few = electrons < _FEW_ELECTRONS
    if few.any():
        counted[few] = rng.poisson(electrons[few]) + read_noise * normal[few]
    return counted
