"""Counts and cells as plain values that a page shows."""

import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.reshaping import reshape
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.app.counting import Count
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.workflows.counting import count_columns


def describe_cells(cells: AnnotationSet) -> dict[str, Any]:
    """Return the cells of one image as plain values.

    Returns:
        ``width`` and ``height`` of the image in pixels, ``total``, ``classes`` (name, colour, count), and ``cells``:
        class, score, area in px², and outline as rings of x and y in pixel edges. Points have a box of no area.
    """
    image = cells.images.to_pylist()[0]
    counts = cells.counts()[0]
    classes = [
        {"name": name, "colour": to_hex(category_colour(number)), "count": int(counts[number])}
        for number, name in enumerate(cells.categories)
    ]
    areas = object_areas(cells)
    found = [
        {"class": int(category), "score": None if np.isnan(score) else round(float(score), 4),
         "area": round(float(area), 1), "rings": rings}
        for category, score, area, rings in zip(cells.category, cells.scores, areas, outlines(cells), strict=True)
    ]  # fmt: skip
    return {
        "width": image["width"], "height": image["height"], "total": cells.n_objects,
        "classes": classes, "cells": found,
    }  # fmt: skip


def outlines(cells: AnnotationSet) -> list[list[dict[str, list[float]]]]:
    """Return the outline of each object as rings, each with its ``x`` and ``y`` in pixel edges."""
    shown, _ = reshape(cells, {name: name for name in GEOMETRIES} | {"mask": "polygon"})
    box = [GEOMETRIES.index(name) for name in ("box", "point")]
    rows = zip(shown.objects["geometry"].to_pylist(), shown.objects["rings"].to_pylist(), shown.boxes, strict=True)
    return [[_box_ring(edges)] if geometry in box else _rings(rings) for geometry, rings, edges in rows]


def _rings(rings: Sequence[Sequence[float]] | None) -> list[dict[str, list[float]]]:
    return [{"x": list(ring[0::2]), "y": list(ring[1::2])} for ring in rings or ()]


def _box_ring(edges: np.ndarray) -> dict[str, list[float]]:
    x_min, y_min, x_max, y_max = (float(edge) for edge in edges)
    return {"x": [x_min, x_max, x_max, x_min], "y": [y_min, y_min, y_max, y_max]}


def describe_counts(count: Count) -> dict[str, Any]:
    """Return the counts of a job as plain values.

    Returns:
        ``summary`` in a sentence, ``columns`` and ``rows`` of the table that a person reads, ``notes`` about the
        intervals, ``interval_level`` of their coverage, ``folders`` with the total of each folder where there are
        several, ``names`` of the images that were read, ``settings`` and ``thresholds``. An end of an interval that is
        not finite is None.
    """
    result = count.result()
    table = result.shown_table()
    notes = list(dict.fromkeys(note for note in result.table["interval_note"].dropna() if note))
    return {
        "summary": repr(result).splitlines()[0],
        "total": int(result.table["total"].sum()),
        "columns": list(table.columns),
        "rows": [[_plain(value) for value in row] for row in table.itertuples(index=False)],
        "notes": notes,
        "interval_level": _plain(result.table["interval_level"].max()),
        "folders": _by_folder(result.table, list(count_columns(result.annotations).values())),
        "names": count.names,
        "settings": count.settings.model_dump(),
        "thresholds": {name: one.score for name, one in count.model.thresholds.classes.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _by_folder(table: pd.DataFrame, classes: list[str]) -> list[dict[str, Any]]:
    """Return images and cells of each folder; nothing where all images lie in one."""
    read = table[table["error"] == ""]
    folders = read["image"].map(lambda name: PurePosixPath(name).parent.as_posix())
    if folders.nunique() < 2:
        return []
    sums = read.groupby(folders)[[*classes, "total"]].sum().astype(int)
    sums.insert(0, "images", folders.value_counts())
    rows = sums.rename_axis("folder").reset_index().to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
