"""All spots of one FISH image: both channels, either finder, bleed-through left out, and signals merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.fish.mosaicism import CHANNELS
from cell_pipelines.analysis.fish.signals import merge_double_dots
from cell_pipelines.analysis.fish.spot_tables import SPOT_TYPES, check_positive
from cell_pipelines.analysis.fish.spots import SIGMAS, find_spots_adaptive, find_spots_fixed, flag_bleed_through
from cell_pipelines.typing import AnyArray

SpotMethod = Literal["fixed", "adaptive"]
#: Where the channels of an RGB image are.
RGB: Final[Mapping[str, int]] = MappingProxyType({"red": 0, "green": 1})


@dataclass(frozen=True)
class SpotOptions:
    """Settings of the spot detection.

    Attributes:
        method: ``fixed``: the published method; ``adaptive``: by the noise around each place.
        threshold: Of the fixed method, a grey level of 8 bits.
        unsharp_radius: Of the fixed method, in pixels.
        unsharp_amount: Of the fixed method.
        sigma_px: Of the adaptive one, the standard deviation of a spot's light in pixels; several for several sizes.
        prominence: Of the adaptive one, in standard deviations of the noise around.
        bleed_ratio: Of the adaptive one: a spot is left out where the other channel answers so many times more
            strongly; None leaves none out.
        border_px: Spots at most so far from the border of their nucleus are left out; None leaves none out.
            The rule of the paper, 1, costs every signal on the rim: see `benchmarks/fish_spots.py`.
        merge_px: Largest distance between two dots of one signal in pixels; None counts every spot by itself, as the
            paper does.
    """

    method: SpotMethod = "adaptive"
    threshold: float = 80.0
    unsharp_radius: float = 1.0
    unsharp_amount: float = 1.0
    sigma_px: float | tuple[float, ...] = SIGMAS
    prominence: float = 6.0
    bleed_ratio: float | None = 2.0
    border_px: float | None = None
    merge_px: float | None = 5.0

    def __post_init__(self) -> None:
        """Check what no finder checks."""
        if self.method not in get_args(SpotMethod):
            raise ValueError(f"`method` must be one of {', '.join(get_args(SpotMethod))}, got {self.method!r}.")
        if self.border_px is not None and self.border_px < 0:
            raise ValueError(f"`border_px` must be 0 or more, got {self.border_px}.")
        if self.merge_px is not None:
            check_positive(merge_px=self.merge_px)


#: Trykin (2023), section 3.3.
PAPER: Final = SpotOptions(method="fixed", threshold=80.0, border_px=1.0, merge_px=None)


class FishSpots(NamedTuple):
    """Spots and nuclei of one image.

    Attributes:
        spots: One row per candidate: `channel`, and the columns of `SPOT_TYPES`.
        signals: One row per signal: `channel`, and the columns of `SIGNAL_TYPES`.
    """

    spots: pd.DataFrame
    signals: pd.DataFrame


def find_image_spots(
    image: npt.NDArray[Any],
    labels: AnyArray,
    options: SpotOptions | None = None,
    *,
    channels: Mapping[str, int] = RGB,
) -> FishSpots:
    """Find the spots and signals of one image.

    Args:
        image: (H, W, C), unsigned integer or float.
        labels: (H, W) whole numbers, 0 is background: the nuclei.
        options: How spots are found; by default adaptively.
        channels: Where in the image each channel is that shall be looked at: ``red``, ``green`` or both.

    Raises:
        ValueError: The image has no such channel.
    """
    options = options or SpotOptions()
    planes = {name: _plane(image, name, place) for name, place in channels.items()}
    found = []
    for name, plane in planes.items():
        spots = _find(plane, labels, options)
        others = [other for other_name, other in planes.items() if other_name != name]
        if options.method == "adaptive" and options.bleed_ratio is not None and others:
            sigma_px = float(np.median(options.sigma_px))
            spots = flag_bleed_through(spots, plane, others[0], sigma_px=sigma_px, ratio=options.bleed_ratio)
        found.append(spots.assign(channel=name))
    types = {"channel": "str"} | SPOT_TYPES
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(types))
    table = table[list(types)].astype(types)
    # Nothing is joined over a distance that no two pixels' centres lie within.
    merged = merge_double_dots(table, distance_px=options.merge_px or 1e-9)
    return FishSpots(table, merged)


def _plane(image: npt.NDArray[Any], name: str, place: int) -> npt.NDArray[Any]:
    if name not in CHANNELS:
        raise ValueError(f"`channels` must be among {', '.join(CHANNELS)}, got {name!r}.")
    if image.ndim != 3 or not 0 <= place < image.shape[2]:
        raise ValueError(
            f"`image` must have the shape (H, W, C) with a channel number {place} for {name}, got {image.shape}."
        )
    plane: npt.NDArray[Any] = image[..., place]
    return plane


def _find(plane: npt.NDArray[Any], labels: AnyArray, options: SpotOptions) -> pd.DataFrame:
    if options.method == "fixed":
        return find_spots_fixed(
            plane,
            labels,
            threshold=options.threshold,
            unsharp_radius=options.unsharp_radius,
            unsharp_amount=options.unsharp_amount,
            border_px=options.border_px,
        )
    return find_spots_adaptive(
        plane, labels, sigma_px=options.sigma_px, prominence=options.prominence, border_px=options.border_px
    )
