"""From spots to signals: the two dots of a replicated chromosome are one signal."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.fish.spot_tables import check_positive
from cell_pipelines.typing import FloatArray

#: Columns of a table of signals, with their types, behind `image` and `channel` where the spots have them.
SIGNAL_TYPES: Final = {
    "nucleus": "int64",
    "row": "float64",
    "column": "float64",
    "n_dots": "int64",
    "extent_px": "float64",
    "area_px": "float64",
    "intensity": "float64",
    "distance_to_border_px": "float64",
}
_KEYS: Final = ("image", "channel", "nucleus")


def merge_double_dots(spots: pd.DataFrame, *, distance_px: float) -> pd.DataFrame:
    """Make one signal of dots of one channel in one nucleus that lie near each other.

    Complete linkage: dots are joined only while every two of them lie at most `distance_px` apart, so that a row of
    dots does not become one long signal, as it does with single linkage.

    Args:
        spots: One row per spot; columns `nucleus`, `row`, `column`, `area_px`, `intensity`, `distance_to_border_px`,
            and `image` and `channel` where there are several. With a column `kept`, only the kept ones become signals.
        distance_px: Largest distance between two dots of a signal, in pixels, above 0.

    Returns:
        One row per signal: `image` and `channel` where the spots have them, and the columns of `SIGNAL_TYPES`. Place
        and distance to the border are the means of the dots', area their sum, intensity the brightest, `extent_px` the
        largest distance between two of them (0 for one). The sum of `n_dots` is the number of kept spots.
    """
    check_positive(distance_px=distance_px)
    keys = [key for key in _KEYS if key in spots.columns]
    kept = spots[spots["kept"]] if "kept" in spots.columns else spots
    types = {key: "str" for key in keys if key != "nucleus"} | SIGNAL_TYPES
    dots = kept.sort_values([*keys, "row", "column"], kind="stable").reset_index(drop=True)
    dots["signal"] = _number_signals(dots, keys, distance_px)
    joined = dots.groupby("signal", sort=True)
    told = {key: (key, "first") for key in keys} | {"n_dots": ("row", "size"), "intensity": ("intensity", "max")}
    told |= {name: (name, "mean") for name in ("row", "column", "distance_to_border_px")} | {
        "area_px": ("area_px", "sum")
    }
    signals = joined.agg(**told)
    signals["extent_px"] = _extents(dots)
    return signals[list(types)].astype(types).reset_index(drop=True)


def _number_signals(dots: pd.DataFrame, keys: list[str], distance_px: float) -> npt.NDArray[np.int64]:
    """Number the signals over all channels and nuclei, in their order; give that of each dot."""
    places = dots[["row", "column"]].to_numpy(dtype=np.float64)
    owners = dots.groupby(keys, sort=True).ngroup().to_numpy()
    numbers, used = np.zeros(len(dots), dtype=np.int64), 0
    for own in np.split(np.arange(len(dots)), np.flatnonzero(np.diff(owners)) + 1):
        if own.size:
            numbers[own] = used + group_dots(places[own], distance_px)
            used = int(numbers[own].max()) + 1
    return numbers


def _extents(dots: pd.DataFrame) -> FloatArray:
    """Give the largest distance between two dots of each signal."""
    places, numbers = dots[["row", "column"]].to_numpy(dtype=np.float64), dots["signal"].to_numpy()
    extents = np.zeros(int(numbers.max(initial=-1)) + 1)
    for number in np.flatnonzero(np.bincount(numbers, minlength=len(extents)) > 1):
        where = places[numbers == number]
        extents[number] = np.hypot(*(where[:, None] - where[None]).T).max()
    return extents


def group_dots(places: FloatArray, distance: float) -> npt.NDArray[np.int64]:
    """Group places (N, 2) by complete linkage; give the number (N,) of the group of each, from 0 in order of places."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(places) < 2:
        return np.zeros(len(places), dtype=np.int64)
    groups = fcluster(linkage(pdist(places), method="complete"), t=distance, criterion="distance")
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].astype(np.int64)
