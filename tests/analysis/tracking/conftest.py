"""Tracks from numbers, and cells from label images, for the tests of tracking."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import AnnotationSet

Labels = Sequence[NDArray[np.integer]]


def _cells(images: Labels, frames: Sequence[int] | None = None) -> tuple[AnnotationSet, pd.DataFrame]:
    """Return label images as masks that keep their value as the attribute `label`, and what is known of the images."""
    builder = AnnotationBuilder(["cell"])
    for number, labels in enumerate(images):
        row = builder.add_image(f"t{number:03d}.png", height=labels.shape[0], width=labels.shape[1])
        for value, box, counts in zip(*labels_to_objects(labels), strict=True):
            builder.add_object(row, "cell", "mask", box, counts=counts, attributes={"label": int(value)})
    cells = builder.build()
    numbers = list(range(len(images))) if frames is None else list(frames)
    return cells, pd.DataFrame({"image": pd.Series(cells.names, dtype="str"), "frame": numbers})


def _tracks(
    paths: dict[int, Sequence[tuple[int, float, float]]], parents: dict[int, int] | None = None
) -> pd.DataFrame:
    """Return tracks given as frame, row and column of their cells."""
    rows = [
        ("a", frame, f"t{frame:03d}.png", track, row, column, 100.0, track, (parents or {}).get(track, 0))
        for track, path in paths.items()
        for frame, row, column in path
    ]
    names = ["sequence", "frame", "image", "object", "row_px", "column_px", "area_px2", "track", "parent"]
    whole = dict.fromkeys(("frame", "object", "track", "parent"), "int64")
    table = pd.DataFrame(rows, columns=names)
    return table.astype(
        {"sequence": "str", "image": "str", "row_px": float, "column_px": float, "area_px2": float, **whole}
    )


@pytest.fixture
def make_cells() -> Callable[..., tuple[AnnotationSet, pd.DataFrame]]:
    """Return what makes cells of label images."""
    return _cells


@pytest.fixture
def make_tracks() -> Callable[..., pd.DataFrame]:
    """Return what makes tracks of numbers."""
    return _tracks
