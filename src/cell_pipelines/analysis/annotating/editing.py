"""Change cells one by one as a person does: add, delete, redraw, split, merge, reclassify."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from shapely.ops import split as split_by_line

from cell_pipelines.failures import MistakeError

_Place = Annotated[float, Field(ge=-1e6, le=1e6)]
Points = Annotated[list[tuple[_Place, _Place]], Field(min_length=2, max_length=20_000)]
_LEAST_AREA, _DECIMALS = 1.0, 2
# Cells that lie so close together are one after they are merged.
_GAP_PX = 2.0


@dataclass(frozen=True)
class EditedCell:
    """A cell.

    Attributes:
        category: Index of its class.
        shape: Its outline with holes, x and y in pixel edges.
    """

    category: int
    shape: shapely.Polygon


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Add(_Edit):
    """Add a cell: `points` are the vertices of its outline, x and y in pixel edges."""

    kind: Literal["add"]
    points: Points
    category: Annotated[int, Field(ge=0)] = 0


class Delete(_Edit):
    """Delete the cells `ids`."""

    kind: Literal["delete"]
    ids: Annotated[list[int], Field(min_length=1)]


class Redraw(_Edit):
    """Give the cell `id` another outline."""

    kind: Literal["redraw"]
    id: int
    points: Points


class Split(_Edit):
    """Cut the cell `id` along a line through `points`."""

    kind: Literal["split"]
    id: int
    points: Points


class Merge(_Edit):
    """Make one cell of the cells `ids`, of the class of the first."""

    kind: Literal["merge"]
    ids: Annotated[list[int], Field(min_length=2)]


class Classify(_Edit):
    """Give the cells `ids` another class."""

    kind: Literal["classify"]
    ids: Annotated[list[int], Field(min_length=1)]
    category: Annotated[int, Field(ge=0)]


Edit = Annotated[Add | Delete | Redraw | Split | Merge | Classify, Field(discriminator="kind")]
EDIT: TypeAdapter[Any] = TypeAdapter(Edit)


@dataclass(frozen=True)
class Canvas:
    """Image on which cells are edited.

    Attributes:
        width: Of the image, in pixels.
        height: Of the image, in pixels.
        categories: Names of the classes.
    """

    width: int
    height: int
    categories: Sequence[str]


def apply_edit(
    cells: Mapping[int, EditedCell], edit: Any, canvas: Canvas, next_id: int
) -> tuple[frozenset[int], dict[int, EditedCell]]:
    """Return which cells go and which come by an edit.

    Args:
        cells: The cells by their number.
        edit: One of `Edit`.
        canvas: The image and its classes.
        next_id: The first number that no cell has ever had.

    Returns:
        Numbers of the cells that are no more, and the new cells by their numbers. A redrawn or reclassified cell keeps
        its number and is in both.

    Raises:
        MistakeError: A cell is not there, the class is none, or what is drawn is no cell.
    """
    ids = [edit.id] if isinstance(edit, Redraw | Split) else list(dict.fromkeys(getattr(edit, "ids", [])))
    if missing := [number for number in ids if number not in cells]:
        raise MistakeError(f"cell {missing[0]} is not there any more; somebody may have changed it meanwhile.")
    if isinstance(edit, Add | Classify) and edit.category >= len(canvas.categories):
        raise MistakeError(f"there is no class {edit.category}; classes: {', '.join(canvas.categories)}.")
    gone, came = frozenset(ids), list[EditedCell]()
    match edit:
        case Add():
            came = [EditedCell(edit.category, _outline(edit.points, canvas))]
        case Redraw():
            return gone, {edit.id: EditedCell(cells[edit.id].category, _outline(edit.points, canvas))}
        case Classify():
            return gone, {number: EditedCell(edit.category, cells[number].shape) for number in ids}
        case Split():
            cell = cells[edit.id]
            came = [EditedCell(cell.category, piece) for piece in _pieces(cell.shape, edit.points)]
        case Merge():
            came = [EditedCell(cells[ids[0]].category, _union([cells[number].shape for number in ids]))]
    return gone, dict(enumerate(came, next_id))


def _outline(points: Sequence[tuple[float, float]], canvas: Canvas) -> shapely.Polygon:
    """Return the largest piece of what was drawn that lies in the image; lines that cross are cut apart."""
    if len(points) < 3:
        raise MistakeError("a cell needs an outline of at least three points.")
    drawn = shapely.make_valid(shapely.Polygon(np.round(points, _DECIMALS))).intersection(
        shapely.box(0, 0, canvas.width, canvas.height)
    )
    return _largest(drawn, "what was drawn holds no pixel of the image; draw around the cell.")


def _largest(shape: shapely.Geometry, sentence: str) -> shapely.Polygon:
    polygons = [part for part in shapely.get_parts(shape).tolist() if isinstance(part, shapely.Polygon)]
    best = max(polygons, key=lambda part: part.area, default=None)
    if best is None or best.area < _LEAST_AREA:
        raise MistakeError(sentence)
    return best


def _pieces(shape: shapely.Polygon, points: Sequence[tuple[float, float]]) -> list[shapely.Polygon]:
    parts = list(split_by_line(shape, shapely.LineString(points)).geoms)
    pieces = [part for part in parts if isinstance(part, shapely.Polygon) and part.area >= _LEAST_AREA]
    if len(pieces) < 2:
        raise MistakeError("the line does not cut the cell apart; draw it from one side of the cell to the other.")
    return pieces


def _union(shapes: Sequence[shapely.Polygon]) -> shapely.Polygon:
    whole = shapely.union_all(shapes)
    if not isinstance(whole, shapely.Polygon):
        whole = whole.buffer(_GAP_PX / 2, join_style="mitre").buffer(-_GAP_PX / 2, join_style="mitre")
    if not isinstance(whole, shapely.Polygon):
        raise MistakeError(f"cells that are merged must touch, or lie within {_GAP_PX:.0f} pixels.")
    return whole
