"""Proposing cells without a trained model: denoise, threshold by histogram, cut touching cells apart.

A person corrects the proposal; `corrections.py` tells how much there was to correct. The steps are those by which
Morelli et al. (2021, doi:10.1038/s41598-021-01929-5) labelled their neurons before correcting them by hand.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import ndimage

from cell_pipelines.analysis.annotating.thresholding import Method, subtract_background, threshold_image
from cell_pipelines.imaging.reading import Image
from cell_pipelines.representations.watershed import split_touching
from cell_pipelines.typing import BoolMask, Float32Array, LabelImage

Denoise = Literal["none", "gaussian", "median"]
Background = Literal["none", "top_hat", "rolling_ball"]
Foreground = Literal["bright", "dark"]
Split = Literal["none", "min_distance", "h_maxima"]


@dataclass(frozen=True)
class PreAnnotationOptions:
    """Settings of the search for cells.

    Attributes:
        channel: Channel to look at; None takes the mean of all.
        foreground: Whether cells are brighter or darker than what is around them.
        denoise: Filter before anything else.
        denoise_px: Standard deviation of the Gaussian, or radius of the median's square, in pixels.
        background: What is subtracted: nothing, an opening (white top-hat), or a rolling ball (Sternberg 1983).
        background_px: Radius in pixels of square or ball; larger than a cell.
        threshold: ``otsu``, ``triangle`` or ``li`` from the image's histogram, or ``local``: brighter than the
            surroundings.
        threshold_scale: The histogram's threshold, counted from the darkest pixel, is multiplied by this.
        local_px: Standard deviation in pixels of the surroundings; about the size of a cell.
        local_contrast: How much brighter than its surroundings a pixel must be, as a share of the image's range from
            its 0.1th to its 99.9th percentile.
        max_hole_px: Holes up to this area in px² are filled; 0 fills none, infinity all.
        split: How touching cells are cut: not at all, at a watershed between the centres that lie at least `split_px`
            apart, or between centres that are at least `split_px` deeper than the pass between them.
        split_px: A distance or a depth in pixels.
        min_area_px: Smallest area of a cell in px².
        max_area_px: Largest area of a cell in px².
        clear_border: Whether cells that touch the image's border are left out.

    Raises:
        ValueError: An option is unknown or outside its range; all that are wrong are named at once.
    """

    channel: int | None = None
    foreground: Foreground = "bright"
    denoise: Denoise = "gaussian"
    denoise_px: float = 1.0
    background: Background = "none"
    background_px: float = 50.0
    threshold: Method = "otsu"
    threshold_scale: float = 1.0
    local_px: float = 15.0
    local_contrast: float = 0.05
    max_hole_px: float = float("inf")
    split: Split = "h_maxima"
    split_px: float = 0.75
    min_area_px: float = 20.0
    max_area_px: float = float("inf")
    clear_border: bool = False

    def __post_init__(self) -> None:
        choices = {"foreground": Foreground, "denoise": Denoise, "background": Background, "threshold": Method}
        wrong = [
            f"`{name}` must be one of {', '.join(get_args(kind))}, got {getattr(self, name)!r}."
            for name, kind in {**choices, "split": Split}.items()
            if getattr(self, name) not in get_args(kind)
        ]
        least = {"denoise_px": 0.0, "max_hole_px": 0.0, "min_area_px": 0.0, "local_contrast": 0.0}
        wrong += [
            f"`{n}` must be {v:g} or more, got {vars(self)[n]!r}." for n, v in least.items() if not vars(self)[n] >= v
        ]
        above = ("background_px", "threshold_scale", "local_px", "split_px")
        wrong += [
            f"`{n}` must be finite and above 0, got {vars(self)[n]!r}." for n in above if not 0 < vars(self)[n] < np.inf
        ]
        if not self.denoise_px < np.inf:
            wrong.append("`denoise_px` must be finite.")
        if not self.max_area_px >= self.min_area_px:
            wrong.append(
                f"`max_area_px` must not be below `min_area_px` ({self.min_area_px:g}), got {self.max_area_px:g}."
            )
        if self.channel is not None and self.channel < 0:
            wrong.append(f"`channel` must be 0 or more, got {self.channel}.")
        if wrong:
            raise ValueError(" ".join(wrong))


def pre_annotate(image: Image, options: PreAnnotationOptions) -> LabelImage:
    """Propose the cells of one image.

    Args:
        image: (H, W) or (H, W, C), bool, integer or float of any range; NaN and infinities count as background.
        options: How.

    Returns:
        Labels (H, W) int32, 0 is background, cells numbered from 1 without a gap by their first pixel. An image of
        one grey level has no cells. Needs about 40 bytes per pixel while it runs, 100 where most cells touch.

    Raises:
        ValueError: `image` has another shape, or not the channel asked for.

    Example:
        >>> image = np.zeros((20, 20), np.uint16)
        >>> image[5:15, 5:15] = 4000
        >>> int(pre_annotate(image, PreAnnotationOptions()).max())
        1
    """
    grey = _to_grey(image, options)
    if not grey.size or grey.min() == grey.max():
        return np.zeros(grey.shape, dtype=np.int32)
    grey = _denoise(grey, options)
    if options.background != "none":
        grey = subtract_background(grey, options.background, options.background_px)
    mask = threshold_image(
        grey, options.threshold, scale=options.threshold_scale, local=(options.local_px, options.local_contrast)
    )
    del grey
    mask = _fill_holes(mask, options.max_hole_px)
    labels = split_touching(mask, options.split, options.split_px)
    return _choose(labels, options)


def _to_grey(image: Image, options: PreAnnotationOptions) -> Float32Array:
    """Return one channel with cells bright, all pixels finite; float32 tells all grey levels of 16 bit apart."""
    if image.ndim not in (2, 3):
        raise ValueError(f"`image` must be (H, W) or (H, W, C), got {image.shape}.")
    planes = image[..., None] if image.ndim == 2 else image
    if options.channel is not None and options.channel >= planes.shape[2]:
        raise ValueError(f"`channel` must be below the {planes.shape[2]} channels of `image`, got {options.channel}.")
    if options.channel is None and planes.shape[2] > 1:
        grey = planes.mean(axis=2, dtype=np.float32)
    else:
        grey = planes[..., options.channel or 0].astype(np.float32)
    if options.foreground == "dark":
        np.negative(grey, out=grey)
    finite = np.isfinite(grey)
    if not finite.all():
        grey[~finite] = grey[finite].min() if finite.any() else 0.0
    return np.asarray(grey)


def _denoise(grey: Float32Array, options: PreAnnotationOptions) -> Float32Array:
    if options.denoise == "none" or options.denoise_px == 0:
        return grey
    if options.denoise == "gaussian":
        return np.asarray(ndimage.gaussian_filter(grey, options.denoise_px, mode="nearest"))
    side = 2 * max(1, round(options.denoise_px)) + 1
    return np.asarray(ndimage.median_filter(grey, size=side, mode="nearest"))


def _fill_holes(mask: BoolMask, limit: float) -> BoolMask:
    """Fill holes up to an area; background at the image's border is no hole."""
    if limit == 0:
        return mask
    filled: BoolMask = ndimage.binary_fill_holes(mask)
    if limit == np.inf:
        return filled
    holes, _ = ndimage.label(filled & ~mask)
    small = np.bincount(holes.ravel()) <= limit
    small[0] = False
    return np.asarray(mask | small[holes])


def _choose(labels: LabelImage, options: PreAnnotationOptions) -> LabelImage:
    """Leave out cells of the wrong size or at the border, and number the others without a gap."""
    areas = np.bincount(labels.ravel())
    kept = (areas >= max(options.min_area_px, 1)) & (areas <= options.max_area_px)
    kept[0] = False
    if options.clear_border:
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            kept[edge] = False
    chosen = np.where(kept[labels], labels, 0)
    numbers, first = np.unique(chosen, return_index=True)
    new = np.zeros(areas.size, dtype=np.int32)
    present = numbers > 0
    new[numbers[present][np.argsort(first[present])]] = np.arange(1, present.sum() + 1)
    return np.asarray(new[chosen])
