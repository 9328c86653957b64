"""Summarise a model's training and validation images for its file, and find images outside their range."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.typing import FloatArray

Record = Mapping[str, Any]


_SEEN = ("seen_low", "seen_high", "seen_median", "noise_share")
#: By how much a value may leave the range of training before it is unlike it: ratios, and parts of the model's range.
_FACTOR, _NOISE_FACTOR, _PART = 2.0, 1.5, 0.15
#: Shares of noise in the contrast, and of a deep type's range in use, that are suspect whatever the training was.
_NOISE_SHARE, _LEAST_USE = 0.07, 0.25
# Share of pixels in rows of one value above which an image is called drawn.
_MOST_DRAWN = 0.15
# Fewer cells tell no typical size.
_LEAST_CELLS = 3


def summarise_images(statistics: Sequence[ImageStatistics]) -> dict[str, Any]:
    """Return what the intensities of images are like, in plain values.

    Returns:
        ``images``, their number; ``contrast``: for each type of pixel the least, median and largest contrast;
        ``seen_low``, ``seen_high``, ``seen_median`` and ``noise_share``: likewise of all images.
    """
    types = dict.fromkeys(one.dtype for one in statistics)
    return {
        "images": len(statistics),
        "contrast": {name: _range([one.contrast for one in statistics if one.dtype == name]) for name in types},
        **{name: _range([getattr(one, name) for one in statistics]) for name in _SEEN},
    }


def summarise_objects(
    counts: npt.NDArray[np.int64], pixels: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Return how many objects images hold and how large they are, in plain values.

    Args:
        counts: (N,) objects of each image.
        pixels: (N,) pixels of each image.
        boxes: (M, 4) of all objects, x_min, y_min, x_max, y_max in pixels; those without an extent, points, are left
            out.

    Returns:
        ``objects``; ``images_without_objects``; ``objects_per_image`` and ``objects_per_megapixel``: least, median and
        largest; ``object_size_px``: 5, 50 and 95 percent of the square root of the box's area; ``object_side_px``: 50
        (``median``), 99 (``most``) and 100 percent (``max``) of its longer side. None where no object has an extent.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    sides = sides[(sides > 0).all(axis=1)]
    found: dict[str, Any] = {
        "objects": int(counts.sum()),
        "images_without_objects": int((counts == 0).sum()),
        "objects_per_image": _range(counts),
        "objects_per_megapixel": _range(counts / np.maximum(pixels, 1) * 1e6),
    }
    if len(sides):
        size, side = np.sqrt(sides.prod(axis=1)), sides.max(axis=1)
        found["object_size_px"] = _named(size, {"low": 5, "median": 50, "high": 95})
        found["object_side_px"] = _named(side, {"median": 50, "most": 99, "max": 100})
    return found


def _range(values: Any) -> dict[str, float]:
    return _named(np.asarray(values, dtype=np.float64), {"min": 0, "median": 50, "max": 100})


def _named(values: FloatArray, percents: Mapping[str, float]) -> dict[str, float]:
    if not len(values):
        return {}
    return {name: float(np.percentile(values, percent)) for name, percent in percents.items()}


def check_image(image: ImageStatistics, training: Record, normalisation: str) -> list[str]:
    """Return in sentences how an image differs from a model's training images; none where it does not.

    Args:
        image: As the model sees it.
        training: What `summarise_images` gave, from the model file; empty where the file holds none, and then only
            what is suspect for any model is said.
        normalisation: How the model scales intensities.
    """
    broken = [f"{image.broken} values are no finite numbers and count as 0"] if image.broken else []
    if image.differing_channels:
        broken.append(f"{image.differing_channels} channels that differ were averaged (choose one by `channel`)")
    if image.is_flat and image.contrast > 0:
        broken.append("it looks like a mask or label image, which holds no picture of cells")
    elif image.drawn_share > _MOST_DRAWN:
        broken.append(
            f"{100 * image.drawn_share:.0f} % of it are rows of exactly one value, as in screenshots and drawings"
        )
    if image.contrast == 0:
        return [*broken, "all pixels have one intensity"]
    if not training.get("seen_high"):
        return [*broken, *_check_unknown(image, normalisation)]
    return [*broken, *_check_scale(image, training), *_check_noise(image, training), *_check_contrast(image, training)]


def _check_unknown(image: ImageStatistics, normalisation: str) -> list[str]:
    found = []
    if normalisation == "full_range":
        if image.dtype.startswith("float") and (image.seen_high > 1.01 or image.seen_low < -0.01):
            found.append(
                f"intensities reach from {image.seen_low:.3g} to {image.seen_high:.3g}, and the model cuts what lies "
                "outside 0 to 1"
            )
        elif image.dtype not in ("uint8", "bool") and image.seen_high < _LEAST_USE:
            found.append(
                f"intensities use {100 * image.seen_high:.2g} % of the range of {image.dtype}, by which they are scaled"
            )
    if image.noise_share > _NOISE_SHARE:
        found.append(f"noise is {100 * image.noise_share:.2g} % of the contrast, so noise may be counted as cells")
    return found


def _check_scale(image: ImageStatistics, training: Record) -> list[str]:
    found = []
    high, median = training["seen_high"], training["seen_median"]
    if not high["min"] / _FACTOR <= image.seen_high <= max(high["max"] * 1.05, 1.01):
        types = training["contrast"]
        other = f"; pixels are {image.dtype}, in training {' or '.join(types)}" if image.dtype not in types else ""
        found.append(
            f"the brightest pixels (99.9 %) lie at {image.seen_high:.3g} of the model's range, in training at "
            f"{_span(high)}{other}"
        )
    elif not median["min"] - _PART <= image.seen_median <= median["max"] + _PART:
        found.append(
            f"the median intensity lies at {image.seen_median:.2g} of the model's range, in training at {_span(median)}"
        )
    low = training["seen_low"]
    if image.seen_low < min(low["min"] - _PART, -0.01):
        found.append(f"the darkest pixels (0.1 %) lie at {image.seen_low:.3g} of the model's range and are cut")
    return found


def _check_noise(image: ImageStatistics, training: Record) -> list[str]:
    most = training["noise_share"]["max"]
    if image.noise_share <= max(most * _NOISE_FACTOR, 0.005):
        return []
    return [
        f"noise is {100 * image.noise_share:.2g} % of the contrast, in training at most {100 * most:.2g} %, so noise "
        "may be counted as cells"
    ]


def _check_contrast(image: ImageStatistics, training: Record) -> list[str]:
    known = training["contrast"].get(image.dtype)
    if not known or image.contrast >= known["min"] / _FACTOR:
        return []
    return [f"the contrast is {_number(image.contrast)} grey levels, in training {_span(known)}"]


def _span(known: Record) -> str:
    return f"{_number(known['min'])} to {_number(known['max'])}"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def check_objects(boxes: FloatArray, n_pixels: int, training: Record) -> list[str]:
    """Return in sentences how the cells of an image differ from those of the training and validation images.

    A count of 0 is always said. A count is unlike them beyond twice the highest, or below half the least number of
    cells in a megapixel, and three Poisson standard deviations more; a size, beyond twice or half the usual ones.

    Args:
        boxes: (M, 4) boxes of the cells that were counted.
        n_pixels: Pixels of the image.
        training: What `summarise_objects` gave, from the model file; empty where the file holds none.
    """
    count, density = len(boxes), training.get("objects_per_megapixel")
    if not density:
        return [] if count else ["no cell was counted"]
    if count == 0:
        empty = f"{training['images_without_objects']} of {training['images']}"
        return [f"no cell was counted ({empty} training and validation images hold none)"]
    found = []
    most, least = (density[end] * n_pixels / 1e6 for end in ("max", "min"))
    upper, lower = _FACTOR * most, least / _FACTOR
    if not lower - 3 * np.sqrt(lower) <= count <= upper + 3 * np.sqrt(upper):
        here = count / n_pixels * 1e6
        found.append(f"{_number(here)} cells per megapixel were counted, in training and validation {_span(density)}")
    return found + _check_sizes(boxes, training)


def check_overlap(boxes: FloatArray, tile_overlap: float | None) -> list[str]:
    """Return in a sentence that cells of an image are larger than the overlap of its tiles; none where none is.

    Args:
        boxes: (M, 4) boxes of the cells that were counted.
        tile_overlap: Least overlap of the tiles in pixels; None or nan where the image was taken whole.
    """
    if tile_overlap is None or np.isnan(tile_overlap) or not len(boxes):
        return []
    larger = int(((boxes[:, 2:] - boxes[:, :2]).max(axis=1) > tile_overlap).sum())
    if not larger:
        return []
    return [
        f"{larger} of {len(boxes)} cells are larger than the overlap of the image's tiles ({tile_overlap:.0f} px), so "
        "they may be cut or counted more than once: choose larger tiles or a larger overlap (`inference.tile`, "
        "`inference.overlap`)"
    ]


def _check_sizes(boxes: FloatArray, training: Record) -> list[str]:
    known = training.get("object_size_px")
    if not known or len(boxes) < _LEAST_CELLS:
        return []
    size = float(np.median(np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))))
    if known["low"] / _FACTOR <= size <= known["high"] * _FACTOR:
        return []
    usual = f"{known['low']:.3g} to {known['high']:.3g} px"
    return [f"cells measure {size:.3g} px (median of the square roots of their boxes), in training {usual}"]
