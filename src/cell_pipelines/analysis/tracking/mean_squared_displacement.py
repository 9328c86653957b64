"""Compute the mean squared displacement of cells, and fit the speed and persistence that explain it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.tracking.units import TrackUnits
from cell_pipelines.typing import FloatArray

_KEYS: Final = ["sequence", "track"]
_LEAST_POINTS: Final = 3  # of a curve, for two unknowns


def mean_squared_displacement(
    linked: pd.DataFrame,
    *,
    by: str | None = "sequence",
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
    max_lag_frames: int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Average how far cells are, squared, from where they were some frames before.

    The mean of a track is over all its pairs of cells that are so many frames apart, also overlapping ones and
    across gaps; the mean of a group is over its tracks, each counting once, and so is the interval: the frames of
    one track say little about other cells. It is a t interval of the logarithm of the mean, as squared
    displacements are skewed.

    Args:
        linked: As `link_cells` returns it.
        by: Column that groups tracks; None takes all together.
        pixel_size_um: Side of a pixel, or its height and width; None measures in pixels.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.
        max_lag_frames: Longest time; None takes a quarter of the longest track, beyond which few pairs are left,
            and at least 1.
        confidence: Of the interval, between 0 and 1.

    Returns:
        One row per group and lag that some track has: `by`'s column (``all`` in `sequence` without one), `lag_frames`,
        `lag_min` where that is known, `msd_um2` or `msd_px2`, `sem_…`, `low_…` and `high_…` (nan for one track),
        `n_tracks`, `n_pairs`.
    """
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    if max_lag_frames is not None and max_lag_frames < 1:
        raise ValueError(f"`max_lag_frames` must be at least 1, got {max_lag_frames!r}.")
    squares = squares_by_track(linked, units, by=by, max_lag=max_lag_frames)
    name = by or "sequence"
    rows = [
        (group, lag, *_mean_of_tracks(own["mean"].to_numpy(), confidence), len(own), own["pairs"].sum())
        for (group, lag), own in squares.groupby(["group", "lag"], sort=True)
    ]
    length = units.length
    columns = [name, "lag_frames", *(f"{part}_{length}2" for part in ("msd", "sem", "low", "high"))]
    table = pd.DataFrame(rows, columns=[*columns, "n_tracks", "n_pairs"])
    whole = dict.fromkeys(("lag_frames", "n_tracks", "n_pairs"), "int64")
    table = table.astype({**dict.fromkeys(columns[2:], "float64"), **whole, name: linked[by].dtype if by else "str"})
    if frame_interval_min is not None:
        table.insert(2, "lag_min", table["lag_frames"] * units.per_frame)
    return table


def _mean_of_tracks(values: FloatArray, confidence: float) -> tuple[float, float, float, float]:
    """Return mean, standard error, and the lower and upper bound of the mean of tracks."""
    from scipy import stats

    mean = float(values.mean())
    if len(values) < 2:
        return mean, np.nan, np.nan, np.nan
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    if mean == 0:
        return mean, error, 0.0, 0.0
    factor = np.exp(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * error / mean)
    return mean, error, float(mean / factor), float(mean * factor)


def squares_by_track(
    linked: pd.DataFrame, units: TrackUnits, *, by: str | None, max_lag: int | None = None
) -> pd.DataFrame:
    """Return the mean squared displacement of each track: columns `group`, `sequence`, `track`, `lag`, `mean`, `pairs`.

    Gaps are respected: a lag is counted in frame numbers.
    """
    ordered = linked.sort_values([*_KEYS, "frame"], ignore_index=True)
    track = np.asarray(ordered.groupby(_KEYS, sort=False).ngroup(), dtype=np.int64)
    first = np.flatnonzero(np.diff(track, prepend=-1))
    frame = ordered["frame"].to_numpy(np.int64)
    longest = int(np.max(np.maximum.reduceat(frame, first) - frame[first])) if len(first) else 0
    last = max(1, longest // 4) if max_lag is None else min(max_lag, longest)
    names = ordered.loc[first, _KEYS].assign(group=ordered.loc[first, by] if by else "all").reset_index(drop=True)
    parts = [
        names.loc[owner].assign(lag=lag, mean=mean, pairs=pairs)
        for lag, owner, mean, pairs in _squares(track, frame, units.places(ordered), last)
    ]
    empty = names.iloc[:0].assign(lag=np.int64(0), mean=0.0, pairs=np.int64(0))
    return pd.concat(parts or [empty], ignore_index=True)[["group", *_KEYS, "lag", "mean", "pairs"]]


def _squares(
    track: npt.NDArray[np.int64], frame: npt.NDArray[np.int64], places: FloatArray, last: int
) -> Iterator[tuple[int, npt.NDArray[np.intp], FloatArray, npt.NDArray[np.intp]]]:
    if not len(track):
        return
    start = frame - frame.min()
    span = int(start.max()) + last + 1
    keys = track * span + start
    for lag in range(1, last + 1):
        place = np.minimum(np.searchsorted(keys, keys + lag), len(keys) - 1)
        found = np.flatnonzero(keys[place] == keys + lag)
        squared = ((places[place[found]] - places[found]) ** 2).sum(axis=1)
        pairs = np.bincount(track[found], minlength=track[-1] + 1)
        sums = np.bincount(track[found], weights=squared, minlength=track[-1] + 1)
        owner = np.flatnonzero(pairs)
        if len(owner):
            yield lag, owner, sums[owner] / pairs[owner], pairs[owner]


def fit_persistence(
    linked: pd.DataFrame,
    *,
    by: str | None = "sequence",
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
    max_lag_frames: int | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Fit Fürth's formula to the mean squared displacement: msd(t) = 2 S² P (t - P (1 - exp(-t / P))).

    S is the speed that a cell keeps, P the time for which it keeps its direction (Fürth 1920, Zeitschrift für Physik
    2). On times far above P the formula is that of diffusion, 4 D t with D = S² P / 2.

    Args:
        linked: As `link_cells` returns it.
        by: Column that groups tracks; None takes all together.
        pixel_size_um: Side of a pixel, or its height and width; None measures in pixels.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.
        max_lag_frames: As for `mean_squared_displacement`.
        resamples: Bootstrap samples of whole tracks for the interval of the persistence.
        seed: Of the bootstrap.

    Returns:
        One row per group: its column, `persistence_min` (or `_frames`) with `persistence_low_…` and `_high_…` (95 %),
        `speed_…` S, `diffusion_um2_per_min` (or the like) D, `n_tracks`, and `identifiable`: whether P lies between
        half a frame and the longest lag. Where it does not, only D is told (nan for a P above the longest lag), and
        where there are fewer than 3 lags or 2 tracks, nothing.
    """
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    name = by or "sequence"
    squares = squares_by_track(linked, units, by=by, max_lag=max_lag_frames)
    rng = np.random.default_rng(seed)
    rows = [
        (group, *_fit_group(own, units.per_frame, resamples, rng)) for group, own in squares.groupby("group", sort=True)
    ]
    time = units.time
    columns = [name, f"persistence_{time}", f"persistence_low_{time}", f"persistence_high_{time}"]
    columns += [f"speed_{units.speed}", f"diffusion_{units.length}2_{units.speed.split('_', 1)[1]}"]
    table = pd.DataFrame(rows, columns=[*columns, "n_tracks", "identifiable"])
    dtypes = {**dict.fromkeys(columns[1:], "float64"), "n_tracks": "int64", "identifiable": "bool"}
    return table.astype({**dtypes, name: linked[by].dtype if by else "str"})


def _fit_group(
    squares: pd.DataFrame, per_frame: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float, float, float, int, bool]:
    """Return persistence, its bounds, speed, diffusion, number of tracks, and whether persistence can be told."""
    means = squares.pivot_table(index=_KEYS, columns="lag", values="mean").sort_index(axis=1)
    lags, values = means.columns.to_numpy(np.float64) * per_frame, means.to_numpy(np.float64)
    fit = _fit(lags, values, lags)
    if fit is None:
        return np.nan, np.nan, np.nan, np.nan, np.nan, len(values), False
    speed, persistence = fit
    diffusion = speed**2 * persistence / 2
    if not per_frame / 2 < persistence < lags[-1]:
        known = diffusion if persistence < lags[-1] else np.nan
        return np.nan, np.nan, np.nan, np.nan, known, len(values), False
    drawn = (values[rng.integers(len(values), size=len(values))] for _ in range(resamples))
    fits = [again[1] for sample in drawn if (again := _fit(lags, sample, lags)) is not None]
    low, high = np.quantile(fits, [0.025, 0.975]) if fits else (np.nan, np.nan)
    return persistence, float(low), float(high), speed, diffusion, len(values), True


def _fit(lags: FloatArray, values: FloatArray, longest: FloatArray) -> tuple[float, float] | None:
    """Return speed and persistence that fit the mean over tracks best, None where nothing can be fitted."""
    from scipy.optimize import least_squares

    known = np.isfinite(values).sum(axis=0)
    used = known > 1
    if used.sum() < _LEAST_POINTS or not np.nansum(values[:, used]) > 0:
        return None
    times, mean = lags[used], np.nanmean(values[:, used], axis=0)
    # Lags with more tracks count more; errors grow with the value.
    weight = np.sqrt(known[used]) / np.maximum(mean, 1e-12 * mean.max())

    def misfit(logs: FloatArray) -> FloatArray:
        off: FloatArray = weight * (fuerth(times, *np.exp(logs)) - mean)
        return off

    start = [np.log(np.sqrt(mean[0]) / times[0] + 1e-12), np.log(times[len(times) // 2])]
    limits = ([-60.0, np.log(times[0] * 1e-3)], [60.0, np.log(longest[-1] * 1e3)])
    solution = least_squares(misfit, np.clip(start, *limits), bounds=limits)
    speed, persistence = np.exp(solution.x)
    return float(speed), float(persistence)


def fuerth(time: FloatArray, speed: float, persistence: float) -> FloatArray:
    """Return the mean squared displacement of a persistent random walk in the plane, by Fürth's formula."""
    ratio = np.asarray(time, dtype=np.float64) / persistence
    # For short times the difference of nearly equal numbers loses its digits; (t/P)² / 2 is what is left.
    shape = np.where(ratio < 1e-4, ratio**2 / 2 - ratio**3 / 6, ratio + np.expm1(-np.minimum(ratio, 700.0)))
    result: FloatArray = 2.0 * speed**2 * persistence**2 * shape
    return result
