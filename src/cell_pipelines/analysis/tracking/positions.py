"""Tabulate the positions of cells in a time-lapse, from which they are linked, and the true tracks."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import Side
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

_log = logging.getLogger(__name__)

#: Columns of `cell_positions` and their dtypes.
POSITION_COLUMNS: Final = {
    "sequence": "str", "frame": "int64", "image": "str", "object": "int64",
    "row_px": "float64", "column_px": "float64", "area_px2": "float64",
}  # fmt: skip
#: What `link_cells` and `true_tracks` add.
TRACK_COLUMNS: Final = {"track": "int64", "parent": "int64"}

_ONLY_SEQUENCE: Final = "all"
_LEAST_STEPS: Final = 2


def cell_positions(cells: AnnotationSet, facts: pd.DataFrame) -> pd.DataFrame:
    """Return where and how large each cell is, one row per cell, ordered by sequence, frame and object.

    Ignored regions, which stand for many cells, are left out and counted in the log.

    Args:
        cells: The cells of all frames.
        facts: One row per image; columns `image`, `frame` and, where there are several time-lapses, `sequence`.

    Returns:
        Columns as `POSITION_COLUMNS` says. `object` is the cell's place among the objects of its image, from 0, as
        `select_images` orders them. `row_px` and `column_px` are the centroid of a mask or polygon, else the centre
        of the box, with pixel centres at whole numbers; `area_px2` is nan for a point.

    Raises:
        ValueError: As `frames_of` says.
    """
    frames = frames_of(cells, facts).set_index("image")
    tables = [_one_image(one, frames) for one in iterate_images(cells)]
    table = pd.concat([_typed({}), *tables], ignore_index=True)
    return table.sort_values(["sequence", "frame", "object"], ignore_index=True)


def frames_of(cells: AnnotationSet, facts: pd.DataFrame) -> pd.DataFrame:
    """Return the sequence and frame of each image, also of those without cells.

    Returns:
        Columns `image`, `sequence` (``all`` where `facts` tell none) and `frame` (int64), one row per image of `cells`.
        Frames that go in steps, such as 0, 10, 20, are numbered 0, 1, 2, which the log says; one that is left out
        stays a gap.

    Raises:
        ValueError: An image has no frame, or one that is no whole number; some images have a sequence and some have
            none; or two images of a sequence have the same frame.
    """
    if "frame" not in facts:
        raise ValueError(
            "the images must have a `frame`, the number of each in its time-lapse; what is known of them is "
            f"{', '.join(map(str, facts.columns)) or 'nothing'}. Name it in `image_pattern` or in a table."
        )
    if facts["image"].duplicated().any():
        twice = facts["image"][facts["image"].duplicated()].iloc[0]
        raise ValueError(f"`facts` must have one row per image, got several for {twice!r}.")
    told = facts.set_index("image").reindex(cells.names)
    table = pd.DataFrame(
        {"image": pd.Series(cells.names, dtype="str"), "sequence": _sequences(told), "frame": _frames(told)}
    )
    twice_told = table[table.duplicated(["sequence", "frame"], keep=False)].sort_values(["sequence", "frame"])
    if len(twice_told):
        first, second = (twice_told.iloc[row] for row in (0, 1))
        raise ValueError(
            f"each frame of a sequence must be one image, got {first['image']!r} and {second['image']!r} for frame "
            f"{first['frame']} of sequence {first['sequence']!r}: give them different sequences or frames."
        )
    return table.assign(frame=_without_steps(table))


def _without_steps(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return consecutive frame numbers where every sequence goes by a common step, else those given."""
    frame = table["frame"].to_numpy(dtype=np.int64)
    steps = table.sort_values(["sequence", "frame"]).groupby("sequence")["frame"].diff().dropna().to_numpy(np.int64)
    step = int(np.gcd.reduce(steps)) if steps.size else 1
    # One difference alone, or few that are a whole step, may as well be frames that are missing.
    if step < 2 or steps.size < _LEAST_STEPS or np.mean(steps == step) < 0.5:
        return frame
    _log.warning("frames go in steps of %d; they are numbered one by one instead.", step)
    first = table.groupby("sequence")["frame"].transform("min").to_numpy(dtype=np.int64)
    return np.asarray((frame - first % step) // step)


def _frames(told: pd.DataFrame) -> npt.NDArray[np.int64]:
    numbers = pd.to_numeric(told["frame"], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(numbers) | (numbers != np.rint(numbers)) | (np.abs(numbers) > 2**53)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"`frame` must be a whole number for every image, got {told['frame'].iloc[row]} for {told.index[row]!r}"
            f" ({int(wrong.sum())} of {len(told)} images)."
        )
    return numbers.astype(np.int64)


def _sequences(told: pd.DataFrame) -> npt.NDArray[Any]:
    if "sequence" not in told or told["sequence"].isna().all():
        return np.full(len(told), _ONLY_SEQUENCE, dtype=object)
    missing = told["sequence"].isna().to_numpy()
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise ValueError(f"`sequence` must be given for every image or for none, got none for {told.index[row]!r}.")
    return told["sequence"].astype(str).to_numpy(dtype=object)


def _one_image(one: AnnotationSet, frames: pd.DataFrame) -> pd.DataFrame:
    side, crowd = Side(one), one.crowd
    if crowd.any():
        _log.info("%s: %d ignored regions are no single cells and have no track.", one.names[0], int(crowd.sum()))
    rows, columns = side.centroids[~crowd].T
    fact = frames.loc[one.names[0]]
    return _typed(
        {
            "sequence": fact["sequence"], "frame": fact["frame"], "image": one.names[0],
            "object": np.flatnonzero(~crowd), "row_px": rows, "column_px": columns, "area_px2": side.areas[~crowd],
        }
    )  # fmt: skip


def _typed(columns: dict[str, Any]) -> pd.DataFrame:
    """Return a table of `POSITION_COLUMNS`, empty without `columns`."""
    count = len(columns.get("object", ()))
    filled = {name: columns.get(name, []) for name in POSITION_COLUMNS}
    return pd.DataFrame(filled, index=range(count)).astype(POSITION_COLUMNS)


def true_tracks(
    cells: AnnotationSet, facts: pd.DataFrame, attribute: str = "label", *, lineage: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the tracks that the cells' attributes name, in the form of `link_cells`.

    Args:
        cells: True cells whose `attributes` hold the number of their track, as reading label images gives it.
        facts: As for `cell_positions`.
        attribute: Name of the attribute.
        lineage: Columns `track` and `parent` (0 for none) and, for several time-lapses, `sequence`; None knows no
            divisions.

    Returns:
        As `link_cells`, with the track numbers of the source.

    Raises:
        ValueError: A cell has no such attribute, it is no whole number above 0, two cells of one image have the
            same, or a parent is not over when its daughter begins.
    """
    table = cell_positions(cells, facts)
    numbers = _track_numbers(cells, attribute)
    keys = pd.MultiIndex.from_frame(table[["image", "object"]])
    table["track"] = numbers.reindex(keys).to_numpy(dtype=np.int64)
    twice = table[table.duplicated(["image", "track"])]
    if len(twice):
        raise ValueError(
            f"a track must have one cell per frame, got several of track {twice['track'].iloc[0]} in "
            f"{twice['image'].iloc[0]!r}."
        )
    table["parent"] = _parents(table, lineage)
    check_lineage(table)
    return table.astype(TRACK_COLUMNS)


def _track_numbers(cells: AnnotationSet, attribute: str) -> pd.Series[Any]:
    numbers: dict[tuple[str, int], int] = {}
    for one in iterate_images(cells):
        texts = one.objects["attributes"].to_pylist()
        for place, (text, crowd) in enumerate(zip(texts, one.crowd.tolist(), strict=True)):
            if not crowd:
                numbers[one.names[0], place] = _track_number(text, attribute, one.names[0])
    if not numbers:
        return pd.Series([], index=pd.MultiIndex.from_arrays([[], []]), dtype="int64")
    return pd.Series(numbers)


def _track_number(text: str | None, attribute: str, image: str) -> int:
    value: Any = (json.loads(text) if text else {}).get(attribute)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not (number == np.rint(number) and 0 < number < 2**53):
        raise ValueError(f"{image}: the attribute {attribute!r} must be a track's number above 0, got {value!r}.")
    return int(number)


def _parents(table: pd.DataFrame, lineage: pd.DataFrame | None) -> npt.NDArray[np.int64]:
    if lineage is None or lineage.empty:
        return np.zeros(len(table), dtype=np.int64)
    on = ["sequence", "track"] if "sequence" in lineage else ["track"]
    found = table[on].merge(lineage[[*on, "parent"]], on=on, how="left", validate="many_to_one")
    return found["parent"].fillna(0).to_numpy(dtype=np.int64)


def check_lineage(linked: pd.DataFrame) -> None:
    """Raise an error unless every parent is a track that ends before its daughters begin.

    Args:
        linked: Columns `sequence`, `frame`, `track` and `parent`.

    Raises:
        ValueError: A parent is unknown or ends too late, or a track has several parents.
    """
    tracks = linked.groupby(["sequence", "track"], sort=False).agg(
        begin=("frame", "min"), end=("frame", "max"), parent=("parent", "first"), parents=("parent", "nunique")
    )
    doubtful = tracks[(tracks["parent"] > 0) | (tracks["parents"] > 1)].reset_index()
    ends = tracks["end"].to_dict()
    columns = (doubtful[name].tolist() for name in ("sequence", "track", "begin", "parent", "parents"))
    for sequence, track, begin, parent, parents in zip(*columns, strict=True):
        if parents > 1 or ends.get((sequence, parent), begin) >= begin:
            raise ValueError(
                f"the parent of track {track} (sequence {sequence!r}, from frame {begin}) must be one track that ends "
                f"before it, got track {parent}."
            )
