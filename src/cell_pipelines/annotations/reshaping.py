"""One geometry turned into another: polygons to masks, masks to their exact outlines, anything to its box or centre."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.even_odd import fill_even_odd, to_linear_rings, to_raw_polygons
from cell_pipelines.annotations.geometry.label_images import binary_to_labels, labels_to_objects, objects_to_labels
from cell_pipelines.annotations.geometry.outlines import all_run_lengths_to_rings
from cell_pipelines.annotations.geometry.rasterising import polygons_to_run_lengths
from cell_pipelines.annotations.geometry.rings import join_rings, ring_depths
from cell_pipelines.annotations.schema import GEOMETRIES, OBJECT_SCHEMA, AnnotationSet, box_array, with_object_columns
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.typing import FloatArray, IntArray

Ragged = TypeVar("Ragged", Rings, RunLengths)
_SIDES = ("x_min", "y_min", "x_max", "y_max")


def reshape(annotations: AnnotationSet, targets: Mapping[str, str]) -> tuple[AnnotationSet, npt.NDArray[np.bool_]]:
    """Return the set with every geometry turned into its target, in the same order.

    A polygon becomes the mask of the pixels whose centres it covers; a mask becomes its outline along the pixels'
    edges, which gives the same mask again; anything becomes its box, or the point at its centre of mass.

    Args:
        annotations: What to change.
        targets: Geometry to be had for each geometry that occurs.

    Returns:
        The set, and which objects (N,) cover no pixel centre, so that their mask is empty.
    """
    codes = annotations.objects["geometry"].to_numpy()
    if all(targets.get(GEOMETRIES[code]) == GEOMETRIES[code] for code in np.unique(codes)):
        return annotations, np.zeros(annotations.n_objects, np.bool_)
    pieces: list[pa.Table] = []
    order: list[IntArray] = []
    for source, target in targets.items():
        rows = np.flatnonzero(codes == GEOMETRIES.index(source))
        if rows.size:
            part = annotations.objects.take(rows)
            pieces.append(part if source == target else _turned(part, annotations, (source, target)))
            order.append(rows)
    back = np.argsort(np.concatenate(order), kind="stable")
    reshaped = replace(annotations, objects=pa.concat_tables(pieces).take(back))
    empty = (reshaped.boxes[:, 2] <= reshaped.boxes[:, 0]) & (
        reshaped.objects["geometry"].to_numpy() == GEOMETRIES.index("mask")
    )
    return reshaped, empty


def _turned(objects: pa.Table, annotations: AnnotationSet, change: tuple[str, str]) -> pa.Table:
    turns: dict[tuple[str, str], Callable[[pa.Table, AnnotationSet], Mapping[str, Any]]] = {
        ("box", "polygon"): lambda part, _: {"rings": _frames(part).to_arrow()},
        ("box", "mask"): lambda part, whole: _masks(_frames(part), part, whole),
        ("polygon", "mask"): lambda part, whole: _masks(Rings.from_arrow(part["rings"]), part, whole),
        ("mask", "polygon"): _outlines,
    }
    source, target = change
    if target == "point":
        columns: Mapping[str, Any] = _points(objects, annotations, source)
    else:
        columns = turns[change](objects, annotations) if change in turns else {}
    code = np.full(objects.num_rows, GEOMETRIES.index(target), np.int8)
    nothing = {name: pa.nulls(objects.num_rows, OBJECT_SCHEMA.field(name).type) for name in ("rings", "counts")}
    return with_object_columns(objects, **{**nothing, **columns, "geometry": code})


def _frames(objects: pa.Table) -> Rings:
    """Return boxes as rings of their four corners."""
    corners = box_array(objects)[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    count = objects.num_rows
    return Rings(corners, np.arange(0, 4 * count + 1, 4), np.arange(count + 1))


def _outlines(objects: pa.Table, annotations: AnnotationSet) -> Mapping[str, Any]:
    runs = RunLengths.from_arrow(objects["counts"])
    heights = _sizes(annotations)[objects["image"].to_numpy(), 1]
    traced: list[Rings] = []
    order: list[IntArray] = []
    for height, rows in _groups(heights):
        traced.append(all_run_lengths_to_rings(_taken(runs, rows), height))
        order.append(rows)
    column = pa.concat_arrays([rings.to_arrow() for rings in traced])
    return {"rings": column if len(order) == 1 else column.take(pa.array(np.argsort(np.concatenate(order))))}


def _masks(rings: Rings, objects: pa.Table, annotations: AnnotationSet) -> Mapping[str, Any]:
    """Return the columns of the masks of rings, drawn image by image."""
    sizes = _sizes(annotations)
    drawn: list[RunLengths] = []
    boxes = np.zeros((objects.num_rows, 4))
    order: list[IntArray] = []
    for image, rows in _groups(objects["image"].to_numpy()):
        width, height = sizes[image].tolist()
        values, starts, boxes[rows] = polygons_to_run_lengths(_taken(rings, rows), height, width)
        drawn.append(RunLengths(values, starts))
        order.append(rows)
    column = pa.concat_arrays([runs.to_arrow() for runs in drawn]).take(pa.array(np.argsort(np.concatenate(order))))
    return {"counts": column, **dict(zip(_SIDES, np.ascontiguousarray(boxes.T), strict=True))}


def _taken(ragged: Ragged, rows: IntArray) -> Ragged:
    if rows[-1] - rows[0] == len(rows) - 1:
        return ragged.take(int(rows[0]), int(rows[-1]) + 1)
    return type(ragged).from_lists([ragged.of(int(row)) for row in rows])


def _groups(keys: npt.NDArray[Any]) -> Iterator[tuple[int, IntArray]]:
    """Yield each value that occurs with the rows where it does."""
    order = np.argsort(keys, kind="stable")
    values, first = np.unique(keys[order], return_index=True)
    yield from zip(values.tolist(), np.split(order, first[1:]), strict=True)


def _points(objects: pa.Table, annotations: AnnotationSet, source: str) -> Mapping[str, Any]:
    boxes = box_array(objects)
    points = (boxes[:, :2] + boxes[:, 2:]) / 2
    if source == "polygon":
        points = _ring_centres(Rings.from_arrow(objects["rings"]))
    elif source == "mask":
        heights = _sizes(annotations)[objects["image"].to_numpy(), 1]
        runs = RunLengths.from_arrow(objects["counts"])
        points = np.array([_mask_centre(runs.of(i), int(heights[i])) for i in range(len(runs))]).reshape(-1, 2)
    return dict(zip(_SIDES, np.ascontiguousarray(np.tile(points, 2).T), strict=True))


def _mask_centre(counts: npt.NDArray[np.uint32], height: int) -> tuple[float, float]:
    ends = np.cumsum(counts.astype(np.int64))
    pixels = np.concatenate([np.arange(a, b) for a, b in zip(ends[0::2], ends[1::2], strict=False)])
    columns, rows = np.divmod(pixels, height)
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def _ring_centres(rings: Rings) -> FloatArray:
    """Return the centre of mass of the area that each object's rings fill, shape (N, 2); of its box without area."""
    from shapely import area, centroid, get_coordinates

    shapes = fill_even_odd(to_raw_polygons(*to_linear_rings(rings), len(rings)))
    boxes = rings.boxes()
    centres: FloatArray = (boxes[:, :2] + boxes[:, 2:]) / 2
    filled = np.flatnonzero(area(shapes) > 0)
    centres[filled] = get_coordinates(centroid(shapes[filled]))
    return centres


def _sizes(annotations: AnnotationSet) -> IntArray:
    columns = [annotations.images[name].to_numpy().astype(np.int64) for name in ("width", "height")]
    return np.stack(columns, axis=1)


def join_rings_of(
    annotations: AnnotationSet, *, holes: bool, pieces: bool
) -> tuple[AnnotationSet, npt.NDArray[np.bool_]]:
    """Return the set with the rings of an object joined to one where it has `holes` or `pieces` to be joined."""
    rings = Rings.from_arrow(annotations.objects["rings"])
    several = np.diff(rings.object_starts) > 1
    if not (holes or pieces) or not several.any():
        return annotations, np.zeros(annotations.n_objects, np.bool_)
    for row in np.flatnonzero(several).tolist():
        is_hole = ring_depths(rings.of(row)) % 2 == 1
        several[row] = (holes and is_hole.any()) or (pieces and (~is_hole).sum() > 1)
    joined = [[join_rings(rings.of(i))] if several[i] else rings.of(i) for i in range(len(rings))]
    column = Rings.from_lists(joined).to_arrow()
    return replace(annotations, objects=with_object_columns(annotations.objects, rings=column)), several


def share_out_pixels(
    annotations: AnnotationSet,
) -> tuple[AnnotationSet, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give each pixel to the first object that claims it; all objects are masks.

    Returns:
        The set without the objects of which nothing is left, the pixels each object lost (N,), and which are left (N,).
    """
    hidden = np.zeros(annotations.n_objects, np.int64)
    left = np.ones(annotations.n_objects, np.bool_)
    changed: dict[int, tuple[FloatArray, npt.NDArray[np.uint32]]] = {}
    for one, rows in zip(iterate_images(annotations), annotations.rows_by_image(), strict=True):
        labels, lost = objects_to_labels(one)
        hidden[rows] = lost
        if lost.any():
            ids, boxes, counts = labels_to_objects(labels)
            left[rows] = np.isin(np.arange(1, len(rows) + 1), ids)
            changed.update({int(rows[i - 1]): (b, c) for i, b, c in zip(ids, boxes, counts, strict=True)})
    if not changed and left.all():
        return annotations, hidden, left
    runs = RunLengths.from_arrow(annotations.objects["counts"])
    counts = [changed[row][1] if row in changed else runs.of(row) for row in range(len(runs))]
    boxes = annotations.boxes
    for row, (box, _) in changed.items():
        boxes[row] = box
    columns = {"counts": RunLengths.from_lists(counts).to_arrow(), **dict(zip(_SIDES, boxes.T.copy(), strict=True))}
    objects = with_object_columns(annotations.objects, **columns).filter(pa.array(left))
    return replace(annotations, objects=objects), hidden, left


def merge_touching(annotations: AnnotationSet) -> AnnotationSet:
    """Return the 4-connected pieces of all objects of an image together as its objects, masks without any mark."""
    builder = AnnotationBuilder(annotations.categories)
    for one in iterate_images(annotations):
        record = one.images.to_pylist()[0]
        row = builder.add_image(**record)
        labels = binary_to_labels(objects_to_labels(one)[0] > 0, 4)
        _, boxes, counts = labels_to_objects(labels)
        for box, runs in zip(boxes.tolist(), counts, strict=True):
            builder.add_object(row, annotations.categories[0], "mask", box, counts=runs)
    return builder.build()
