"""Measure tracks: speed, displacement, persistence and divisions of each track, and each of its steps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cell_pipelines.analysis.tracking.units import TrackUnits

_KEYS = ["sequence", "track"]


def measure_steps(
    linked: pd.DataFrame,
    *,
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
) -> pd.DataFrame:
    """Measure each step of each track, from a cell to the same cell in the next frame that shows it.

    Args:
        linked: As `link_cells` returns it.
        pixel_size_um: Side of a pixel, or its height and width; None measures in pixels.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.

    Returns:
        One row per step: `sequence`, `track`, `frame`, `image`, `object` of the cell it leads to; `frames`, how many it
        takes (more than 1 over a gap); `step_um` or `step_px`, its length; `speed_um_per_min` (or in pixels, or a
        frame); `direction_deg`, in -180 to 180, 0 towards higher columns and 90 towards lower rows (up), nan for a
        cell that does not move; `turning_cosine`, of the angle to the step before, 1 straight on and -1 back, nan
        where either is over a gap or does not move.
    """
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    ordered = linked.sort_values([*_KEYS, "frame"], ignore_index=True)
    keys = ordered.groupby(_KEYS, sort=False).ngroup().to_numpy()
    follows = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    moved = np.diff(units.places(ordered), axis=0)[follows - 1]
    frames = np.diff(ordered["frame"].to_numpy(np.int64))[follows - 1]
    length = np.hypot(*moved.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(length[:, None] > 0, moved / length[:, None], np.nan)
    cosine = np.full(len(follows), np.nan)
    turns = np.flatnonzero((np.diff(follows) == 1) & (frames[1:] == 1) & (frames[:-1] == 1)) + 1
    cosine[turns] = (unit[turns] * unit[turns - 1]).sum(axis=1).clip(-1.0, 1.0)
    steps = ordered.loc[follows, ["sequence", "track", "frame", "image", "object"]].reset_index(drop=True)
    steps["frames"] = frames
    steps[f"step_{units.length}"] = length
    steps[f"speed_{units.speed}"] = length / (frames * units.per_frame)
    steps["direction_deg"] = np.degrees(np.arctan2(-unit[:, 0], unit[:, 1]))
    steps["turning_cosine"] = cosine
    return steps


def measure_tracks(
    linked: pd.DataFrame,
    *,
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
) -> pd.DataFrame:
    """Measure each track.

    Args:
        linked: As `link_cells` returns it.
        pixel_size_um: Side of a pixel, or its height and width; None measures in pixels.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.

    Returns:
        One row per track, ordered by sequence and track, lengths in um or px, times in min or frames, by their names:

        * `sequence`, `track`, `parent` (0 for none), `daughters` (0, or 2 where it ends in a division);
        * `begin`, `end` (frames), `frames` in which it is seen, `gaps` (breaks) and `missing_frames` in them;
        * `duration_…`, from begin to end;
        * `path_length_…`, the sum of its steps, and `displacement_…` and `max_distance_…`, how far the last and the
          farthest cell lie from the first;
        * `mean_speed_…`, `median_speed_…`, `max_speed_…` of its steps, nan without one;
        * `straightness`, displacement / path length (0 to 1), nan where it does not move. It falls with the number
          of frames: compare tracks of like duration only;
        * `mean_turning_cosine`, 1 for a straight way, 0 for a random walk, nan where there are no turns;
        * `row_px`, `column_px`, the mean place.
    """
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    ordered = linked.sort_values([*_KEYS, "frame"], ignore_index=True)
    places = units.places(ordered)
    ordered = ordered.assign(_row=places[:, 0], _column=places[:, 1])
    first = ordered.groupby(_KEYS, sort=True)[["_row", "_column"]].transform("first").to_numpy()
    ordered["_far"] = np.hypot(*(places - first).T)
    tracks = ordered.groupby(_KEYS, sort=True).agg(
        parent=("parent", "first"), begin=("frame", "min"), end=("frame", "max"), frames=("frame", "size"),
        displacement=("_far", "last"), max_distance=("_far", "max"),
        row_px=("row_px", "mean"), column_px=("column_px", "mean"),
    )  # fmt: skip
    steps = measure_steps(linked, pixel_size_um=pixel_size_um, frame_interval_min=frame_interval_min)
    return _table(tracks.join(_sum_up(steps, units)), units)


def _sum_up(steps: pd.DataFrame, units: TrackUnits) -> pd.DataFrame:
    speed = f"speed_{units.speed}"
    steps = steps.assign(_gap=steps["frames"] > 1)
    return steps.groupby(_KEYS, sort=True).agg(
        path=(f"step_{units.length}", "sum"), mean=(speed, "mean"), median=(speed, "median"), max=(speed, "max"),
        mean_turning_cosine=("turning_cosine", "mean"), gaps=("_gap", "sum"),
    )  # fmt: skip


def _table(tracks: pd.DataFrame, units: TrackUnits) -> pd.DataFrame:
    daughters = tracks[tracks["parent"] > 0].reset_index().groupby(["sequence", "parent"]).size()
    keys = tracks.index
    path = tracks["path"].fillna(0.0).to_numpy(np.float64)
    far = tracks["displacement"].to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        straightness = np.where(path > 0, np.minimum(far / path, 1.0), np.nan)
    passed = (tracks["end"] - tracks["begin"]).to_numpy(np.int64)
    columns = {
        "sequence": keys.get_level_values("sequence").astype("str"),
        "track": keys.get_level_values("track").astype("int64"),
        "parent": tracks["parent"].to_numpy(np.int64),
        "daughters": daughters.reindex(keys).fillna(0).to_numpy(np.int64) if len(daughters) else 0,
        "begin": tracks["begin"].to_numpy(np.int64),
        "end": tracks["end"].to_numpy(np.int64),
        "frames": tracks["frames"].to_numpy(np.int64),
        "gaps": tracks["gaps"].fillna(0).to_numpy(np.int64),
        "missing_frames": passed + 1 - tracks["frames"].to_numpy(np.int64),
        f"duration_{units.time}": passed * units.per_frame,
        f"path_length_{units.length}": path,
        f"displacement_{units.length}": far,
        f"max_distance_{units.length}": tracks["max_distance"].to_numpy(np.float64),
        **{f"{name}_speed_{units.speed}": tracks[name].to_numpy(np.float64) for name in ("mean", "median", "max")},
        "straightness": straightness,
        "mean_turning_cosine": tracks["mean_turning_cosine"].to_numpy(np.float64),
        "row_px": tracks["row_px"].to_numpy(np.float64),
        "column_px": tracks["column_px"].to_numpy(np.float64),
    }
    return pd.DataFrame(columns, index=range(len(tracks)))


def shape_over_time(linked: pd.DataFrame, morphology: pd.DataFrame) -> pd.DataFrame:
    """Put what was measured of each cell's shape beside its track.

    Args:
        linked: As `link_cells` returns it.
        morphology: One row per cell; columns `image`, `object` and measures.

    Returns:
        One row per cell of `linked`, ordered by sequence, track and frame: its columns, `age_frames` since its track
        began, and the columns of `morphology` that it has not already; nan for cells that were not measured.

    Raises:
        ValueError: `morphology` has no column `image` or `object`, or several rows for a cell.
    """
    keys = ["image", "object"]
    missing = [name for name in keys if name not in morphology]
    if missing:
        raise ValueError(f"`morphology` must have the columns image and object; {' and '.join(missing)} is missing.")
    if morphology.duplicated(keys).any():
        twice = morphology.loc[morphology.duplicated(keys), keys].iloc[0]
        raise ValueError(
            f"`morphology` must have one row per cell, got several for {twice['image']!r} {twice['object']}."
        )
    new = [name for name in morphology if name in keys or name not in linked]
    joined = linked.merge(morphology[new], on=keys, how="left").sort_values([*_KEYS, "frame"], ignore_index=True)
    age = joined["frame"] - joined.groupby(_KEYS, sort=False)["frame"].transform("min")
    joined.insert(len(linked.columns), "age_frames", age.astype("int64"))
    return joined
