"""Small images with known cells, as masks and as boxes, for the tests of evaluation and choosing."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from cell_pipelines.analysis.evaluation.pairing import Pairing, pair
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.schema import AnnotationSet

SIZE = (40, 60)  # height, width
Box = tuple[int, int, int, int]
#: Category, box as x_min, y_min, x_max, y_max, score.
Cell = tuple[str, Box, float]


def _build(
    images: Mapping[str, Sequence[Cell]],
    kind: str,
    *,
    categories: Sequence[str] = ("cell",),
    scores: bool = True,
    split: str = "val",
) -> AnnotationSet:
    """Return rectangles as objects of a kind: box, mask, polygon or point."""
    builder = AnnotationBuilder(categories)
    for name, cells in images.items():
        row = builder.add_image(name, height=SIZE[0], width=SIZE[1], split=split)
        for category, box, score in cells:
            _add(builder, row, category, box, kind, score if scores else None)
    return builder.build()


def _pairing(
    truth: Mapping[str, Sequence[Cell]],
    found: Mapping[str, Sequence[Cell]],
    kinds: tuple[str, str] = ("mask", "mask"),
    categories: Sequence[str] = ("cell",),
) -> Pairing:
    """Return truth and predictions of the validation split."""
    sets = (
        _build(truth, kinds[0], categories=categories, scores=False),
        _build(found, kinds[1], categories=categories),
    )
    return pair(*sets, "val")


@pytest.fixture
def build() -> Callable[..., AnnotationSet]:
    """Return what makes a set of rectangles."""
    return _build


@pytest.fixture
def pairing() -> Callable[..., Pairing]:
    """Return what puts the truth and predictions of the validation split side by side."""
    return _pairing


def _add(
    builder: AnnotationBuilder, row: int, category: str, box: tuple[int, ...], kind: str, score: float | None
) -> None:
    left, top, right, bottom = box
    if kind == "mask":
        mask = np.zeros(SIZE, dtype=bool)
        mask[top:bottom, left:right] = True
        builder.add_object(row, category, "mask", box, counts=mask_to_run_lengths(mask), score=score)
    elif kind == "polygon":
        ring = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)
        builder.add_polygon(row, category, [ring], score=score)
    elif kind == "point":
        midpoint = ((left + right) / 2, (top + bottom) / 2)
        builder.add_object(row, category, "point", (*midpoint, *midpoint), score=score)
    else:
        builder.add_box(row, category, box, score=score)
