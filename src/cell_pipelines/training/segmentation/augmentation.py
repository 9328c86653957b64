"""Training tiles changed at random: moved and bent, filled with cells, and under another light or camera."""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from cell_pipelines.training.segmentation.light import UNCHANGED, Light, change_light


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the augmentation; the defaults change nothing.

    Attributes:
        rotation_degrees: Tiles are turned by an angle from minus to plus this; 180 gives any angle.
        rotation_probability: Share of the tiles that are turned.
        horizontal_flip: Share of the tiles that are mirrored left to right.
        vertical_flip: Share of the tiles that are mirrored top to bottom.
        zoom_from: Smallest magnification; 0.5 shows four times the area.
        zoom_to: Largest magnification.
        zoom_probability: Share of the tiles that are magnified.
        shift: Tiles are moved each way by up to this share of their side.
        shift_probability: Share of the tiles that are moved.
        elastic_px: Largest displacement each way when a tile is bent, in pixels of the image.
        elastic_wavelength_px: Distance over which the displacement changes, in pixels.
        elastic_probability: Share of the tiles that are bent.
        noise: Largest standard deviation of Gaussian noise, in a range of intensities from 0 to 1.
        noise_probability: Share of the tiles that become noisy.
        brightness: Intensities are multiplied by a factor from 1 minus to 1 plus this.
        brightness_probability: Share of the tiles that become brighter or darker.
        gamma: Intensities are raised to a power from 1 / (1 + this) to 1 + this.
        inversion: Share of the tiles whose dark and bright change places.
        contrast: Distances from the mean of a tile are multiplied by a factor from 1 / (1 + this) to 1 + this.
        blur_px: Largest standard deviation of a blur, as out of focus, in pixels.
        blur_probability: Share of the tiles that are blurred.
        hue: Hues of three channels are turned by up to this share of the colour circle, at most a half.
        saturation: Their saturation is multiplied by a factor from 1 / (1 + this) to 1 + this.
        copy_paste: Most cells of the image that are copied into gaps of a tile.
        copy_paste_probability: Share of the tiles that get some.
    """

    rotation_degrees: float = 0.0
    rotation_probability: float = 1.0
    horizontal_flip: float = 0.0
    vertical_flip: float = 0.0
    zoom_from: float = 1.0
    zoom_to: float = 1.0
    zoom_probability: float = 1.0
    shift: float = 0.0
    shift_probability: float = 1.0
    elastic_px: float = 0.0
    elastic_wavelength_px: float = 32.0
    elastic_probability: float = 1.0
    noise: float = 0.0
    noise_probability: float = 1.0
    brightness: float = 0.0
    brightness_probability: float = 1.0
    gamma: float = 0.0
    inversion: float = 0.0
    contrast: float = 0.0
    blur_px: float = 0.0
    blur_probability: float = 1.0
    hue: float = 0.0
    saturation: float = 0.0
    copy_paste: int = 0
    copy_paste_probability: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            share = field.name.endswith(("_probability", "_flip")) or field.name in ("brightness", "inversion")
            if not 0 <= value <= (1 if share else math.inf):
                allowed = "lie in [0, 1]" if share else "be 0 or more"
                raise ValueError(f"`{field.name}` must {allowed}, got {value}.")
        if not 0 < self.zoom_from <= self.zoom_to:
            raise ValueError(
                f"`zoom_from` must be positive and at most `zoom_to` ({self.zoom_to}), got {self.zoom_from}."
            )
        if self.hue > 0.5:
            raise ValueError(f"`hue` must be at most 0.5, half a turn of the colour circle, got {self.hue}.")
        if self.elastic_wavelength_px < 1:
            raise ValueError(f"`elastic_wavelength_px` must be 1 or more, got {self.elastic_wavelength_px}.")


@dataclass(frozen=True, eq=False)
class Movement:
    """Augmentation of one tile.

    Attributes:
        angle: Degrees clockwise.
        zoom: Magnification.
        shift: Rows and columns by which the tile's centre moves in its image, as shares of its side.
        flips: Whether it is mirrored top to bottom, and left to right.
        bend: (2, n, n) displacements in pixels of a coarse grid over the window; None for no bending.
        reach_px: Largest displacement.
        noise: Standard deviation.
        brightness: Factor.
        power: Of the intensities.
        inverted: Whether dark and bright change places.
        light: What happens to the intensities besides.
        pastes: How many cells are copied into gaps.
    """

    angle: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    flips: tuple[bool, bool] = (False, False)
    bend: Any = None
    reach_px: float = 0.0
    noise: float = 0.0
    brightness: float = 1.0
    power: float = 1.0
    inverted: bool = False
    light: Light = UNCHANGED
    pastes: int = 0

    @property
    def is_resampled(self) -> bool:
        """Whether pixels come to lie between those of the image."""
        return self.angle != 0 or self.zoom != 1 or self.bend is not None

    def side(self, size: int) -> int:
        """Return the side of the window, in pixels, that fills a tile of `size` pixels after the movement.

        The window is larger than the tile by an even number, so that the tile lies in its centre.
        """
        if not self.is_resampled:
            return size
        angle = math.radians(self.angle)
        turned = size * (abs(math.cos(angle)) + abs(math.sin(angle))) / self.zoom
        # One more pixel on each side is read between the outermost ones.
        return size + 2 * max(0, math.ceil((turned - size) / 2 + self.reach_px + 1))


def draw_movement(augmentation: Augmentation, size: int, generator: np.random.Generator) -> Movement:
    """Draw what happens to a tile of `size` pixels.

    The same numbers are drawn whatever is switched on, so that switching one kind off leaves the others as they were.
    Light and pastes have a generator of their own, a child, so that tiles are moved as in earlier versions.
    """
    child = generator.spawn(1)[0]
    a, random = augmentation, generator.random(16)
    happens = random[:7] < [
        a.rotation_probability, a.horizontal_flip, a.vertical_flip, a.zoom_probability,
        a.shift_probability, a.noise_probability, a.brightness_probability,
    ]  # fmt: skip
    zoom = a.zoom_from * (a.zoom_to / a.zoom_from) ** random[8]
    bends = a.elastic_px > 0 and random[13] < a.elastic_probability
    return Movement(
        angle=float((2 * random[7] - 1) * a.rotation_degrees) if happens[0] else 0.0,
        zoom=float(zoom) if happens[3] else 1.0,
        shift=(float(2 * random[9] - 1) * a.shift, float(2 * random[10] - 1) * a.shift) if happens[4] else (0.0, 0.0),
        flips=(bool(happens[2]), bool(happens[1])),
        bend=_draw_bend(a, size, generator) if bends else None,
        reach_px=a.elastic_px if bends else 0.0,
        noise=float(random[11] * a.noise) if happens[5] else 0.0,
        brightness=float(1 + (2 * random[12] - 1) * a.brightness) if happens[6] else 1.0,
        power=float((1 + a.gamma) ** (2 * random[14] - 1)),
        inverted=bool(random[15] < a.inversion),
        light=draw_light(a, child),
        pastes=int(child.random() * (a.copy_paste + 1)) if child.random() < a.copy_paste_probability else 0,
    )


def draw_light(augmentation: Augmentation, generator: np.random.Generator) -> Light:
    """Draw the change of one tile; the same numbers are drawn whatever is switched on."""
    a, random = augmentation, generator.random(5)
    return Light(
        contrast=float((1 + a.contrast) ** (2 * random[0] - 1)),
        blur_px=float(random[1] * a.blur_px) if random[2] < a.blur_probability else 0.0,
        hue=float((2 * random[3] - 1) * a.hue),
        saturation=float((1 + a.saturation) ** (2 * random[4] - 1)),
    )


def _draw_bend(augmentation: Augmentation, size: int, generator: np.random.Generator) -> Any:
    knots = max(2, math.ceil(size / augmentation.elastic_wavelength_px) + 1)
    return generator.uniform(-1, 1, (2, knots, knots)).astype(np.float32) * np.float32(augmentation.elastic_px)


def move_tile(image: Any, labels: Any, weights: Any, movement: Movement, size: int) -> tuple[Any, Any, Any]:
    """Return image, labels and weights of a tile after one and the same movement.

    Args:
        image: Tensor (C, S, S) float32 in [0, 1], S being ``movement.side(size)``; read between its pixels.
        labels: Tensor (K, S, S) int32; values stay what they are.
        weights: Tensor (K, S, S) float32; 0 where the tile reaches beyond the window.
        movement: What happens; noise and brightness aside, which are `change_intensities`.
        size: Side of the tile in pixels.

    Returns:
        The three with sides of `size`.
    """
    from torchvision import tv_tensors
    from torchvision.transforms.v2 import functional

    moved = [tv_tensors.Image(image), tv_tensors.Mask(labels), tv_tensors.Mask(weights)]
    if movement.is_resampled:
        # Turning, zooming and bending as one field: pixels are read once, so labels lose nothing on the way.
        field = _displacement(movement, image.shape[-1])
        bilinear = functional.InterpolationMode.BILINEAR
        moved = [functional.elastic(part, field, interpolation=bilinear) for part in moved]
    if movement.flips[0]:
        moved = [functional.vertical_flip(part) for part in moved]
    if movement.flips[1]:
        moved = [functional.horizontal_flip(part) for part in moved]
    first, second, third = (functional.center_crop(part, [size, size]).as_subclass(_tensor()) for part in moved)
    return first, second, third


def change_intensities(image: Any, movement: Movement, generator: np.random.Generator) -> Any:
    """Return an image (C, H, W) float32 in [0, 1] with other intensities, and with noise added to each channel."""
    import torch

    if movement.inverted:
        image = 1 - image
    if movement.power != 1:
        image = image.clamp(0, 1) ** movement.power
    if movement.brightness != 1:
        image = image * movement.brightness
    image = change_light(image, movement.light)
    if movement.noise > 0:
        noise = generator.standard_normal(tuple(image.shape), dtype=np.float32)
        image = image + torch.from_numpy(noise) * movement.noise
    return image.clamp(0, 1) if movement.brightness != 1 or movement.noise > 0 else image


def _displacement(movement: Movement, side: int) -> Any:
    """Return the field (1, side, side, 2) of x and y, in halves of the side, from each pixel to the one it shows."""
    import torch

    centres = (2 * torch.arange(side) + 1) / side - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    angle = math.radians(movement.angle)
    cosine, sine = math.cos(angle) / movement.zoom, math.sin(angle) / movement.zoom
    field = torch.stack([x * (cosine - 1) + y * sine, y * (cosine - 1) - x * sine], dim=-1)[None]
    if movement.bend is not None:
        coarse = torch.from_numpy(movement.bend)[None]
        # Linear between the grid's points, so that no displacement is larger than the largest drawn.
        bend = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=True)
        field = field + bend.permute(0, 2, 3, 1) * (2 / side)
    return field


def _tensor() -> Any:
    import torch

    return torch.Tensor
