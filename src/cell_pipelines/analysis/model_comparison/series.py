"""Series of images that nobody named: which they may be, how alike their images are, and what a test over them says.

Images of one series, well or recording share what makes one model better there than another. A test that takes them as
independent declares equal models different far too often: over 5 to 12 series in 15 to 65 of 100 experiments where 5
were meant (`benchmarks/coverage.md`). Where series are not named, they may show in the names of images; where they do
not, images that follow each other by name are the likeliest to belong together.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cell_pipelines.analysis.evaluation.summaries import resampling_units
from cell_pipelines.typing import FloatArray, IntArray

_SPARE_RUNS: Final = 2  # beyond the fewest with which a test can decide


@dataclass(frozen=True, eq=False)
class Series:
    """To which series images may belong.

    Attributes:
        units: (I,) which one, from 0.
        origin: ``named``: they are known; ``names``: guessed from the names of images; ``order``: runs of images in
            the order of their names.
    """

    units: IntArray
    origin: Literal["named", "names", "order"]

    @property
    def count(self) -> int:
        """Return how many there are."""
        return int(self.units.max()) + 1 if self.units.size else 0

    @property
    def words(self) -> str:
        """Return what they are, with their number."""
        if self.origin == "order":
            return f"{self.count} runs of images in the order of their names"
        return f"{self.count} series{' that image names suggest' if self.origin == 'names' else ''}"


def suspect_series(images: Sequence[str], likely: Mapping[str, str] | None, fewest: int) -> Series | None:
    """Return to which series images may belong; None where there are too few images to tell.

    Args:
        images: Names of the images, which nobody assigned to series.
        likely: For each image the series that its name suggests; None where names suggest none.
        fewest: With how many units a test can decide at all.
    """
    if likely:
        units = resampling_units(images, likely)
        if 0 < units.max() < len(images) - 1:
            return Series(units, "names")
    runs = fewest + _SPARE_RUNS
    if len(images) <= runs:
        return None
    units = np.empty(len(images), dtype=np.int64)
    units[sorted(range(len(images)), key=lambda place: _natural(images[place]))] = (
        np.arange(len(images)) * runs // len(images)
    )
    return Series(units, "order")


def intraclass_correlation(values: FloatArray, units: IntArray) -> FloatArray:
    """Estimate how alike the images of one series are, ICC(1) by analysis of variance.

    After Donner (1986, doi:10.2307/1403259), with the mean size of series of unequal size.

    Args:
        values: (I, P) one number per image and column; nan where an image has none.
        units: (I,) the series of each image, from 0.

    Returns:
        (P,) the share of the variance between images that is one between series, 0 where it is estimated below; nan
        where no series has two images, where there is one series only, or where nothing varies.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    shape = (int(units.max()) + 1 if units.size else 0, values.shape[1])
    sizes, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(sizes, units, known.astype(np.float64))
    np.add.at(sums, units, filled)
    total, groups = sizes.sum(axis=0), (sizes > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means, grand = np.where(sizes > 0, sums / sizes, 0.0), sums.sum(axis=0) / total
        between = (sizes * (means - grand) ** 2).sum(axis=0) / (groups - 1)
        within = (np.where(known, values - means[units], 0.0) ** 2).sum(axis=0) / (total - groups)
        usual = (total - (sizes**2).sum(axis=0) / total) / (groups - 1)
        found = (between - within) / (between + (usual - 1) * within)
    return np.where((groups > 1) & (total > groups) & np.isfinite(found), np.maximum(found, 0.0), np.nan)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that puts image 2 before image 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
