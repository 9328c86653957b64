"""Changes of training images that leave every object where it is: blur, motion, compression, colours.

`Blur`, `MedianBlur`, `MotionBlur` and `ImageCompression` have the names, arguments and defaults of Albumentations 2, by
which papers give them, and run on OpenCV. The others are those of ``torchvision.transforms.v2``.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from cell_pipelines.typing import ByteImage

Draw = random.Random
Change = Callable[[ByteImage, Draw], ByteImage]
Limits = tuple[int, int]

#: Transforms of torchvision that change colours and sharpness only, so that boxes and outlines stay true.
TORCHVISION = (
    "ColorJitter", "GaussianBlur", "Grayscale", "RandomAdjustSharpness", "RandomAutocontrast", "RandomEqualize",
    "RandomInvert", "RandomPhotometricDistort", "RandomPosterize",
    "RandomSolarize",
)  # fmt: skip
_PROBABILITY = 0.5  # where none is given, as in both libraries


def blur(blur_limit: int | Limits = (3, 7)) -> Change:
    """Return a change to the mean of a square of an odd side within `blur_limit`, in pixels."""
    sides = _odd_sides(blur_limit)
    return lambda image, draw: cv2.blur(image, (side := draw.choice(sides), side))


def median_blur(blur_limit: int | Limits = (3, 7)) -> Change:
    """Return a change to the median, channel by channel, of a square of an odd side within `blur_limit`, in pixels."""
    sides = _odd_sides(blur_limit)
    return lambda image, draw: cv2.medianBlur(image, draw.choice(sides))


def motion_blur(
    blur_limit: int | Limits = (3, 7),
    angle_range: tuple[float, float] = (0.0, 360.0),
    direction_range: tuple[float, float] = (-1.0, 1.0),
    allow_shifted: bool = True,
) -> Change:
    """Return a change to the mean along a straight line, as of a camera that moves.

    Args:
        blur_limit: The line lies in a square of an odd side within these, in pixels.
        angle_range: Of the line in degrees.
        direction_range: 0 is a line to both sides of a pixel, -1 and 1 are one to one side only.
        allow_shifted: Shift the line by up to a quarter of the square, too.
    """
    sides = _odd_sides(blur_limit)

    def change(image: ByteImage, draw: Draw) -> ByteImage:
        side = draw.choice(sides)
        half, angle, towards = side // 2, math.radians(draw.uniform(*angle_range)), draw.uniform(*direction_range)
        shift = np.array([draw.uniform(-1, 1), draw.uniform(-1, 1)]) * (half / 2 if allow_shifted else 0)
        along = np.array([math.cos(angle), math.sin(angle)])
        ends = [half + shift + along * half * end for end in (-min(1.0, 1 - towards), min(1.0, 1 + towards))]
        (x0, y0), (x1, y1) = (np.clip(np.rint(end), 0, side - 1).astype(int).tolist() for end in ends)
        kernel = cv2.line(np.zeros((side, side), np.float32), (x0, y0), (x1, y1), 1.0)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)

    return change


def image_compression(compression_type: str = "jpeg", quality_range: Limits = (99, 100)) -> Change:
    """Return a change to what is left after saving as ``jpeg`` or ``webp`` of a quality within `quality_range`."""
    flags = {"jpeg": (".jpg", cv2.IMWRITE_JPEG_QUALITY), "webp": (".webp", cv2.IMWRITE_WEBP_QUALITY)}
    if compression_type not in flags:
        raise ValueError(f"`compression_type` must be jpeg or webp, got {compression_type!r}")
    if not 1 <= quality_range[0] <= quality_range[1] <= 100:
        raise ValueError(f"`quality_range` must rise within 1 to 100, got {tuple(quality_range)}")
    ending, flag = flags[compression_type]

    def change(image: ByteImage, draw: Draw) -> ByteImage:
        _, encoded = cv2.imencode(ending, image, [flag, draw.randint(*quality_range)])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)

    return change


_OPENCV: dict[str, Callable[..., Change]] = {
    "Blur": blur, "MedianBlur": median_blur, "MotionBlur": motion_blur, "ImageCompression": image_compression,
}  # fmt: skip


def _odd_sides(limit: int | Limits) -> list[int]:
    low, high = (3, limit) if isinstance(limit, int) else limit
    sides = [side for side in range(low, high + 1) if side % 2]
    if low < 3 or not sides:
        raise ValueError(f"`blur_limit` must hold an odd number of 3 or more, got {limit}")
    return sides


def _from_torchvision(name: str, arguments: Mapping[str, Any]) -> Change:
    import torch
    from torchvision.transforms import v2

    transform = getattr(v2, name)(**arguments)

    def change(image: ByteImage, draw: Draw) -> ByteImage:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(draw.getrandbits(63))
            tensor = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1)
            changed: ByteImage = transform(tensor).expand_as(tensor).permute(1, 2, 0).numpy()[..., ::-1]
        return np.ascontiguousarray(changed)

    return change


@dataclass(frozen=True)
class PixelTransform:
    """One change of an image, made with a probability.

    Attributes:
        name: By which it is asked for.
        p: Probability, in [0, 1].
        change: What is done to an image.
    """

    name: str
    p: float
    change: Change


def create_transform(specification: Mapping[str, Any]) -> PixelTransform:
    """Return a transform by its name, with its probability ``p`` (0.5 if missing) and its other arguments.

    Raises:
        ValueError: There is no such transform, or it refuses its arguments.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in specification.items()}
    name, p = str(given.pop("name", None)), float(given.pop("p", _PROBABILITY))
    if name not in _OPENCV and name not in TORCHVISION:
        raise ValueError(f"`transforms` must name one of {', '.join((*_OPENCV, *TORCHVISION))}; got {name!r}.")
    if not 0 <= p <= 1:
        raise ValueError(f"`transforms`: the probability p of {name} must lie in 0 to 1, got {p:g}.")
    if name not in _OPENCV and name.startswith("Random"):
        given.setdefault("p", 1.0)  # it is `p` here that decides
    try:
        change = _OPENCV[name](**given) if name in _OPENCV else _from_torchvision(name, given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`transforms`: {name} takes other arguments: {error}.") from error
    return PixelTransform(name, p, change)


class PixelTransforms:
    """Transforms that Ultralytics calls for each training sample in place of its own use of Albumentations.

    One number of Python's generator, which Ultralytics seeds in each of its workers, decides all changes of a sample.
    """

    def __init__(self, p: float = 1.0, transforms: Sequence[Mapping[str, Any]] | None = None, **_: Any) -> None:
        """Take what `create_transform` takes; None or an empty list leave images as they are."""
        self.p = p
        self.transforms = [dict(one) for one in transforms or ()]
        self._made = [create_transform(one) for one in self.transforms]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker process makes the transforms from."""
        return {"p": self.p, "transforms": self.transforms}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Make the transforms in a worker process."""
        self.__init__(**state)  # type: ignore[misc]

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Change the image of a sample, ``img`` (H, W, 3) uint8, blue first; one of other channels stays as it is."""
        draw = random.Random(random.random())
        if labels["img"].shape[2] == 3:
            for one in self._made:
                if draw.random() < one.p:
                    labels["img"] = one.change(labels["img"], draw)
        return labels
