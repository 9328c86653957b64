"""Shapes of a file that are pieces of one object, joined."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.objects.shapes import Shape, mask_shape
from cell_pipelines.annotations.geometry.rasterising import rings_to_mask, rings_to_run_lengths
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_area, run_lengths_to_mask
from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class Piece:
    """A shape of a file with what is said of it.

    Attributes:
        entry: Where it stands in the file.
        label: Class name.
        group: What pieces of one object share; None for a shape by itself.
        shape: The shape.
        score: In [0, 1], or None.
        attributes: What is said of it besides.
        even_odd: Where pieces of the group overlap, that is outside; else it is inside.
    """

    entry: str
    label: str
    group: int | str | None
    shape: Shape
    score: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    even_odd: bool = False


def join_pieces(pieces: Sequence[Piece], size: tuple[int, int]) -> Iterator[Piece]:
    """Yield the objects: polygons and masks of one label and group joined, in the place of the first of them.

    A shape that is alone in its group, or is a box or point, keeps the group as its attribute ``group_id``.

    Args:
        pieces: In the order of the file.
        size: Width and height of the image.
    """
    members: dict[Hashable, list[Piece]] = {}
    for position, piece in enumerate(pieces):
        joins = piece.group is not None and piece.shape.geometry in ("polygon", "mask")
        members.setdefault((piece.label, piece.group) if joins else position, []).append(piece)
    for parts in members.values():
        attributes: dict[str, Any] = {}
        for part in reversed(parts):
            attributes |= part.attributes
        if len(parts) > 1:
            yield replace(parts[0], shape=_join(parts, size), attributes=attributes)
        else:
            grouped = {} if parts[0].group is None else {"group_id": parts[0].group}
            yield replace(parts[0], attributes=attributes | grouped)


def _join(parts: Sequence[Piece], size: tuple[int, int]) -> Shape:
    shapes = [part.shape for part in parts]
    rings = [ring for shape in shapes for ring in shape.rings if len(ring) >= 3]
    drawn_only = all(shape.geometry == "polygon" for shape in shapes)
    if drawn_only and (all(part.even_odd for part in parts) or not overlap(rings, size)):
        changes = dict.fromkeys(shape.change for shape in shapes if shape.change)
        return Shape("polygon", rings=tuple(rings), change=" ".join(changes))
    width, height = size
    mask = np.zeros((height, width), dtype=np.bool_)
    for shape in shapes:
        if shape.counts is not None:
            mask |= run_lengths_to_mask(shape.counts, height, width)
    for ring in rings:
        mask |= rings_to_mask([_near(ring, size)], height, width)
    drawn = f"{len(rings)} polygons drawn into one mask with the pieces that they overlap or belong to."
    return replace(mask_shape(mask, (0, 0), size), change=drawn if rings else "")


def overlap(rings: Sequence[FloatArray], size: tuple[int, int]) -> bool:
    """Say whether any rings share a pixel, so that the even-odd rule would leave it out."""
    width, height = size
    near = [_near(ring, size) for ring in rings]
    alone = sum(run_lengths_area(rings_to_run_lengths([ring], height, width)) for ring in near)
    return alone != run_lengths_area(rings_to_run_lengths(near, height, width))


def _near(ring: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return a ring whose vertices lie no further out than an image's size, so that drawing stays cheap."""
    limits = np.array(size, dtype=np.float64)
    near: FloatArray = np.clip(ring, -limits, 2 * limits)
    return near
