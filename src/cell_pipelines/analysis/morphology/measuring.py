"""A row of measurements for each cell of an image: form in µm where the pixel size is known, brightness, texture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.morphology.intensity import (
    Background,
    channel_columns,
    measure_intensities,
)
from cell_pipelines.analysis.morphology.shapes import PixelSize, measure_shapes
from cell_pipelines.analysis.morphology.spans import find_spans
from cell_pipelines.analysis.morphology.texture import measure_textures
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.description import Image

if TYPE_CHECKING:
    import pandas as pd

_POSITIONS: Final = (
    "centroid_row", "centroid_column", "bbox_min_row", "bbox_min_column", "bbox_max_row", "bbox_max_column",
)  # fmt: skip
#: Features that have a unit, with its power.
_SIZES: Final = {
    "area": 2, "area_convex": 2, "perimeter": 1, "equivalent_radius": 1, "axis_major_length": 1,
    "axis_minor_length": 1, "feret_diameter_max": 1,
}  # fmt: skip
_RATIOS: Final = ("circularity", "solidity", "eccentricity", "extent", "shape_index", "orientation")
_PAPER: Final = ("area", "circularity", "solidity", "perimeter", "equivalent_radius", "shape_index")


@dataclass(frozen=True)
class MorphologyOptions:
    """Measurements besides those of shape.

    Attributes:
        intensity: Whether the brightness of each channel is, where there is an image.
        background: What brightness is corrected for: ``none``; ``image``, the median outside all cells; ``local``,
            the median of a ring around the cell outside all cells.
        ring_px: Width of that ring in pixels, 1 or more.
        texture: Whether texture features are.
        grey_levels: Levels that values are sorted into for texture, 2 to 256.
        grey_range: Values of the first and last level; None for percentiles of each image, with which texture cannot
            be compared between images of different exposure.
    """

    intensity: bool = True
    background: Background = "none"
    ring_px: int = 5
    texture: bool = False
    grey_levels: int = 32
    grey_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.background not in ("none", "image", "local"):
            raise ValueError(f"`background` must be none, image or local, got {self.background!r}.")
        if self.ring_px < 1:
            raise ValueError(f"`ring_px` must be 1 or more, got {self.ring_px}.")
        if not 2 <= self.grey_levels <= 256:
            raise ValueError(f"`grey_levels` must lie between 2 and 256, got {self.grey_levels}.")
        if self.grey_range is not None and not self.grey_range[0] < self.grey_range[1]:
            raise ValueError(f"`grey_range` must be a lower and a higher value, got {self.grey_range}.")


_DEFAULT: Final = MorphologyOptions()


def measure_cells(
    cells: AnnotationSet,
    image: Image | None,
    *,
    channel_names: Sequence[str] = (),
    options: MorphologyOptions = _DEFAULT,
) -> pd.DataFrame:
    """Measure every object of one image, each in full also where others lie over it.

    Args:
        cells: One image with its cells, polygons and masks; the pixel size is that of its image row.
        image: (H, W) or (H, W, C), any dtype; None where only the form is wanted.
        channel_names: Names of the C channels; none for ``channel_0`` and so on.
        options: What is measured beside the form.

    Returns:
        One row per object, in the order of the set: `image`, `object` (its row in the set), `category` (name), `score`
        (NaN for truth), `crowd`; `centroid_row_px`, `centroid_column_px` (0 is the centre of the first pixel, as in
        scikit-image), `bbox_min_row_px` … `bbox_max_column_px` (maxima one past the last), `touches_border`,
        `num_pixels`; then the form as `shapes.measure_shapes` says, ``area_um2``, ``perimeter_um`` and so on where
        both pixel sizes are known and ``area_px2``, ``perimeter_px`` otherwise; ``intensity_…`` and ``texture_…`` a
        channel. An object without a pixel has the area 0 and is NaN in all else.

    Raises:
        ValueError: There are other than one image, boxes or points, an image of another size, names for another
            number of channels, a pixel size that is not above 0, or no image where background or texture are wanted.
    """
    size, unit = _pixel_size(cells)
    spans = find_spans(cells)
    features: dict[str, npt.NDArray[Any]] = _named(measure_shapes(spans, size), unit)
    if image is not None:
        channels = channel_columns(channel_names, _check_image(image, cells))
        if options.intensity:
            features |= measure_intensities(
                spans, image, channels, background=options.background, ring_px=options.ring_px
            )
        if options.texture:
            features |= measure_textures(
                spans, image, channels, levels=options.grey_levels, grey_range=options.grey_range
            )
    elif options.texture or options.background != "none":
        raise ValueError("`image` must be given where texture or a background is to be measured, got None.")
    return _to_table(cells, features)


def paper_features(*, pixel_size_known: bool) -> list[str]:
    """Return the six columns that the paper on leukaemia cells shows in its figure 9, in its order."""
    return [_with_unit(name, "um" if pixel_size_known else "px") for name in _PAPER]


def _pixel_size(cells: AnnotationSet) -> tuple[PixelSize, str]:
    """Return height and width of a pixel and the unit they are in; 1, 1 and px where not both are known."""
    if cells.n_images != 1:
        raise ValueError(f"`cells` must hold one image, got {cells.n_images}.")
    high, wide = (cells.images[f"pixel_{side}_um"][0].as_py() for side in ("height", "width"))
    if high is None or wide is None:
        return (1.0, 1.0), "px"
    if not (0 < high < np.inf and 0 < wide < np.inf):
        name = cells.images["name"][0].as_py()
        raise ValueError(f"the pixel size of {name} must be above 0 µm and finite, got {high} x {wide}.")
    return (high, wide), "um"


def _check_image(image: Image, cells: AnnotationSet) -> int:
    """Return the number of channels of an image that fits its annotations."""
    size = tuple(int(cells.images[side][0].as_py()) for side in ("height", "width"))
    if image.ndim not in (2, 3) or image.shape[:2] != size:
        name = cells.images["name"][0].as_py()
        raise ValueError(f"`image` must have the size {size} that {name} has in `cells`, got {image.shape}.")
    return 1 if image.ndim == 2 else int(image.shape[2])


def _with_unit(name: str, unit: str) -> str:
    return f"{name}_{unit}{'2' if _SIZES[name] == 2 else ''}" if name in _SIZES else name


def _named(shapes: Mapping[str, npt.NDArray[Any]], unit: str) -> dict[str, npt.NDArray[Any]]:
    """Return features with units in their names, in the order of the table."""
    named: dict[str, npt.NDArray[Any]] = {f"{name}_px": shapes[name] for name in _POSITIONS}
    named["touches_border"] = shapes["touches_border"] > 0
    named["num_pixels"] = shapes["num_pixels"].astype(np.int64)
    return named | {_with_unit(name, unit): shapes[name] for name in (*_SIZES, *_RATIOS)}


def _to_table(cells: AnnotationSet, features: Mapping[str, npt.NDArray[Any]]) -> pd.DataFrame:
    import pandas as pd

    categories = [cells.categories[code] for code in cells.category.tolist()]
    identity: dict[str, Any] = {
        "image": pd.array(cells.names * cells.n_objects, dtype="str"),
        "object": np.arange(cells.n_objects, dtype=np.int64),
        "category": pd.array(categories, dtype="str"),
        "score": cells.scores.astype(np.float64),
        "crowd": cells.crowd.astype(np.bool_),
    }
    return pd.DataFrame({**identity, **features})
