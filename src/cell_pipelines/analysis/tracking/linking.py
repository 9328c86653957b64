"""Linking the cells of a time-lapse into tracks with laptrack: gaps are closed, cells may divide, none may merge.

The method is that of Jaqaman et al. (2008), Nature Methods 5(8): first the best assignment between neighbouring
frames, then the best assignment of the ends of the pieces to beginnings (gaps) and inner points (divisions) of others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.tracking.positions import TRACK_COLUMNS
from cell_pipelines.analysis.tracking.reach import estimate_and_log_reach
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    from laptrack import LapTrack


# What only gaps and divisions ask for stands in columns too small to count in a squared distance.
_TINY: Final = 1e-6
_TIME, _SIZE = 3, 4  # columns of frame number and logarithm of the area
_NEEDED: Final = ("sequence", "frame", "image", "row_px", "column_px")


@dataclass(frozen=True)
class LinkingSettings:
    """Settings of linking: how far cells move and which events are allowed.

    Attributes:
        max_distance_px: Farthest that a cell moves from a frame to the next, in pixels; ``auto`` estimates it from each
            sequence, as `estimate_reach` says, and takes 20 where it can't be known.
        gap_frames: Most frames in a row in which a cell may be missing, 0 or more; frames that were not taken count.
        gap_distance_px: Farthest that a cell moves over a gap; None takes `max_distance_px` times the square root
            of the frames passed, as far as a random walk leads.
        divisions: Whether a cell may become two.
        division_distance_px: Farthest that a daughter lies from her mother; None takes `max_distance_px`,
            and where that was estimated, adds the mean radius of the cells at a right angle.
        division_area: Largest area of a daughter, relative to her mother's, that tells her from a cell that comes
            into view; not asked of a sequence in which a cell has no area.
        area_weight_px: Distance that a change of the area by a factor of e counts as; 0 looks at positions only.
    """

    max_distance_px: float | Literal["auto"] = "auto"
    gap_frames: int = 1
    gap_distance_px: float | None = None
    divisions: bool = False
    division_distance_px: float | None = None
    division_area: float = 0.75
    area_weight_px: float = 0.0

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        above = ("gap_distance_px", "division_distance_px", "division_area")
        values = {name: getattr(self, name) for name in above if getattr(self, name) is not None}
        if isinstance(self.max_distance_px, str):
            wrong = self.max_distance_px != "auto"
            problems = [f"`max_distance_px` must be a number above 0 or auto, got {self.max_distance_px!r}."] * wrong
        else:
            problems, values = [], {"max_distance_px": self.max_distance_px, **values}
        problems += [
            f"`{name}` must be a number above 0, got {value!r}."
            for name, value in values.items()
            if not 0 < value < float("inf")
        ]
        if not 0 <= self.area_weight_px < float("inf"):
            problems.append(f"`area_weight_px` must be a number from 0, got {self.area_weight_px!r}.")
        if isinstance(self.gap_frames, bool) or not (isinstance(self.gap_frames, int) and self.gap_frames >= 0):
            problems.append(f"`gap_frames` must be a whole number from 0, got {self.gap_frames!r}.")
        if problems:
            raise ValueError(" ".join(problems))

    def for_sequence(self, cells: pd.DataFrame, name: str) -> tuple[LinkingSettings, str]:
        """Return these settings with the distances of one sequence, and where its reach is from, as `ReachSource`."""
        if self.max_distance_px != "auto":
            return self, "set"
        reach, source = estimate_and_log_reach(cells, name)
        radius = math.sqrt(float(cells["area_px2"].mean()) / math.pi) if _has_sizes(cells) else 0.0
        division = self.division_distance_px or math.hypot(reach, radius)
        return replace(self, max_distance_px=reach, division_distance_px=division), source


def link_cells(positions: pd.DataFrame, settings: LinkingSettings) -> pd.DataFrame:
    """Link cells into tracks.

    Args:
        positions: One row per cell; columns `sequence`, `frame`, `image`, `row_px`, `column_px` and, where sizes are
            asked for, `area_px2`; others are kept. As `cell_positions` gives it.
        settings: How far cells move and what may happen to them.

    Returns:
        The same rows in the same order with `track`, from 1 in each sequence by the frame of its first cell, and
        `parent`, the mother's track or 0. Every cell has a track, if only of one frame. A mother's track ends in
        the frame before her daughters begin; daughters come in twos. `max_distance_px` is the farthest that a cell of
        the sequence may move to the next frame, and `max_distance_source` where it is from, as `ReachSource`.

    Raises:
        ValueError: A column is missing, a position is not finite, or two images of a sequence have the same frame.
    """
    _check(positions)
    tracks = np.zeros((len(positions), 2), dtype=np.int64)
    reach, sources = np.zeros(len(positions)), np.full(len(positions), "", dtype=object)
    for name, rows in positions.groupby("sequence", sort=False).indices.items():
        cells = positions.iloc[rows]
        own, sources[rows] = settings.for_sequence(cells, str(name))
        tracks[rows], reach[rows] = _link_sequence(cells, own), own.max_distance_px
    linked = positions.assign(**dict(zip(TRACK_COLUMNS, tracks.T, strict=True)), max_distance_px=reach)
    return linked.assign(max_distance_source=pd.array(sources.tolist(), dtype="str"))


def _check(positions: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in positions]
    if missing:
        raise ValueError(f"`positions` must have the columns {', '.join(_NEEDED)}; {', '.join(missing)} are missing.")
    if not np.isfinite(positions[["row_px", "column_px"]].to_numpy(dtype=np.float64)).all():
        raise ValueError("`positions` must be finite; at least one row_px or column_px is not.")
    images = positions.drop_duplicates(["sequence", "frame", "image"])
    twice = images[images.duplicated(["sequence", "frame"])]
    if len(twice):
        sequence, frame, image = twice[["sequence", "frame", "image"]].iloc[0]
        raise ValueError(
            f"each frame of a sequence must be one image, got {image!r} and another for frame {frame} of sequence "
            f"{sequence!r}."
        )


def _link_sequence(cells: pd.DataFrame, settings: LinkingSettings) -> npt.NDArray[np.int64]:
    """Return track and parent of each cell of one sequence, (N, 2)."""
    frames, order = np.unique(cells["frame"].to_numpy(np.int64), return_inverse=True)
    # Longer breaks than a gap may be are all alike, and need no empty frames between.
    steps = np.minimum(np.diff(frames, prepend=frames[0]), settings.gap_frames + 2)
    times = np.cumsum(steps)
    features = _features(cells, times[order], settings.area_weight_px)
    rows_of = {int(times[place]): np.flatnonzero(order == place) for place in range(len(frames))}
    tracker = _tracker(settings, by_size=_has_sizes(cells))
    edges = list(_edges(features, rows_of, tracker))
    return _number_tracks(len(cells), np.array(edges, dtype=np.int64).reshape(-1, 2), times[order])


def _features(cells: pd.DataFrame, times: npt.NDArray[np.int64], area_weight: float) -> FloatArray:
    """Return row, column, weighted size, and in columns too small to count frame and size; (N, 5)."""
    place = cells[["row_px", "column_px"]].to_numpy(np.float64)
    size = np.log(cells["area_px2"].to_numpy(np.float64)) if _has_sizes(cells) else np.zeros(len(cells))
    return np.column_stack([place, area_weight * size, _TINY * times, _TINY * size])


def _has_sizes(cells: pd.DataFrame) -> bool:
    return "area_px2" in cells and bool((cells["area_px2"] > 0).all())


def _edges(
    features: FloatArray, rows_of: dict[int, npt.NDArray[np.intp]], tracker: LapTrack
) -> Iterator[tuple[int, int]]:
    """Yield the rows of each cell and of what became of it."""
    if len(rows_of) < 2:
        return
    nothing = np.zeros((0, features.shape[1]))
    empty = np.zeros(0, dtype=np.intp)
    all_rows = [rows_of.get(time, empty) for time in range(max(rows_of) + 1)]
    graph = tracker.predict([features[rows] if len(rows) else nothing for rows in all_rows])
    for (frame, place), (next_frame, next_place) in graph.edges():
        yield int(all_rows[int(frame)][int(place)]), int(all_rows[int(next_frame)][int(next_place)])


def _tracker(settings: LinkingSettings, *, by_size: bool) -> LapTrack:
    from laptrack import LapTrack

    farthest = float(settings.max_distance_px) ** 2
    gap = settings.gap_distance_px
    division = settings.division_distance_px or float(settings.max_distance_px)
    smallest_change = -np.log(settings.division_area) if by_size else -np.inf

    def over_gap(ended: FloatArray, begun: FloatArray) -> float:
        frames = round((begun[_TIME] - ended[_TIME]) / _TINY)
        squared = float(((begun[:_TIME] - ended[:_TIME]) ** 2).sum())
        # What neighbouring frames left apart is no gap.
        return float("inf") if frames < 2 else squared if gap else squared / frames

    def to_mother(daughter: FloatArray, mother: FloatArray) -> float:
        if (mother[_SIZE] - daughter[_SIZE]) / _TINY < smallest_change:
            return float("inf")
        return float(((daughter[:2] - mother[:2]) ** 2).sum())

    # laptrack would take these costs from the other cells; then cells that hardly move lose their links, and whether
    # a gap is closed depends on gaps elsewhere. So whatever is near enough is linked where nothing nearer is.
    apart = 2.0 * max(farthest, (gap or 0.0) ** 2, division**2)
    return LapTrack(
        metric="sqeuclidean",
        cutoff=_just_above(farthest),
        track_start_cost=apart,
        track_end_cost=apart,
        segment_start_cost=apart,
        segment_end_cost=apart,
        no_splitting_cost=apart,
        no_merging_cost=apart,
        gap_closing_metric=over_gap,
        gap_closing_cutoff=_just_above(gap**2 if gap else farthest) if settings.gap_frames else False,
        gap_closing_max_frame_count=settings.gap_frames + 1,
        splitting_metric=to_mother,
        splitting_cutoff=_just_above(division**2) if settings.divisions else False,
        merging_cutoff=False,
    )


def _just_above(squared: float) -> float:
    """Return a limit that what is exactly as far does not exceed."""
    return squared * (1.0 + 1e-9)


def _number_tracks(count: int, edges: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return track and parent of each cell, (N, 2): a cell with two successors ends its track."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    successors = np.bincount(edges[:, 0], minlength=count)
    stays = successors[edges[:, 0]] == 1
    source, target = edges[stays].T
    graph = coo_array((np.ones(len(source)), (source, target)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    first = np.full(component.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, component, times * count + np.arange(count))
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(1, len(first) + 1)
    track = number[component]
    parents = np.zeros(len(first) + 1, dtype=np.int64)
    mothers, daughters = edges[~stays].T
    parents[track[daughters]] = track[mothers]
    return np.column_stack([track, parents[track]])
