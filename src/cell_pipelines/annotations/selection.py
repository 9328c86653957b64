"""Parts of an `AnnotationSet`: some images, some objects, one tile of each image; and sets put together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.conventions import box_areas, clip_boxes, to_rings
from cell_pipelines.annotations.geometry.rings import clip_ring, polygon_area
from cell_pipelines.annotations.geometry.windows import crop_masks
from cell_pipelines.annotations.schema import IMAGE_SCHEMA, OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.thresholds import Thresholds

# Sets that are put together at a time.
_AT_ONCE = 100
_SHAPE = ("x_min", "y_min", "x_max", "y_max", "rings", "counts")


def select_images(annotations: AnnotationSet, rows: npt.NDArray[np.int64] | Sequence[int]) -> AnnotationSet:
    """Return the images of `rows`, in that order, with their objects in the order they had."""
    chosen = np.asarray(rows, dtype=np.int64)
    position = np.full(annotations.n_images, -1, dtype=np.int32)
    position[chosen] = np.arange(len(chosen), dtype=np.int32)
    kept = np.flatnonzero(position[annotations.image_index] >= 0)
    objects = annotations.objects.take(kept)
    moved = pa.array(position[objects["image"].to_numpy()], pa.int32())
    return replace(
        annotations,
        images=annotations.images.take(chosen),
        objects=objects.set_column(0, OBJECT_SCHEMA.field(0), moved),
    )


def iterate_images(annotations: AnnotationSet) -> Iterator[AnnotationSet]:
    """Yield each image as a set of its own, in order; the cost of all together grows with the objects."""
    for row, own in enumerate(objects_by_image(annotations)):
        numbered = own.set_column(0, OBJECT_SCHEMA.field(0), pa.array(np.zeros(own.num_rows, np.int32)))
        yield replace(annotations, images=annotations.images.slice(row, 1), objects=numbered)


def object_places(annotations: AnnotationSet) -> npt.NDArray[np.int64]:
    """Return the place of each object among those of its image, from 0, shape (N,)."""
    index = annotations.image_index
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index, minlength=annotations.n_images)
    places = np.empty(len(index), dtype=np.int64)
    places[order] = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def objects_by_image(annotations: AnnotationSet) -> Iterator[pa.Table]:
    """Yield the objects of each image, in order."""
    index = annotations.image_index
    objects = annotations.objects
    if (np.diff(index) < 0).any():
        order = np.argsort(index, kind="stable")
        objects, index = objects.take(order), index[order]
    objects = objects.combine_chunks()
    for start, stop in pairwise(np.searchsorted(index, np.arange(annotations.n_images + 1)).tolist()):
        yield objects.slice(start, stop - start)


def select_split(annotations: AnnotationSet, *splits: str) -> AnnotationSet:
    """Return the images of the named splits."""
    kept = pc.is_in(annotations.images["split"], pa.array(splits)).to_numpy(zero_copy_only=False)
    return select_images(annotations, np.flatnonzero(kept))


def select_objects(annotations: AnnotationSet, kept: npt.NDArray[np.bool_]) -> AnnotationSet:
    """Return all images with only the objects where `kept` (N,) is true."""
    return replace(annotations, objects=annotations.objects.filter(pa.array(kept, pa.bool_())))


def filter_by_score(annotations: AnnotationSet, thresholds: Thresholds) -> AnnotationSet:
    """Return the objects that count as cells: those at or above their class's score threshold.

    This is the only place where scores are compared with thresholds. Decoded cells, cells without a score and classes
    without a threshold are all kept.
    """
    least = thresholds.least_scores(annotations.categories)
    scores = annotations.scores.astype(np.float64)
    return select_objects(annotations, np.isnan(scores) | (scores >= least[annotations.category]))


def concatenate(sets: Iterable[AnnotationSet]) -> AnnotationSet:
    """Put sets of different images and equal categories together, as they come.

    Sets of one image each take several times the memory of their rows, so each hundred becomes one piece.

    Raises:
        ValueError: `sets` is empty or the categories differ.
    """
    coming, n_images = iter(sets), 0
    pieces: list[tuple[pa.Table, pa.Table]] = []
    categories: dict[tuple[str, ...], None] = {}
    while batch := list(islice(coming, _AT_ONCE)):
        categories |= dict.fromkeys(one.categories for one in batch)
        offsets = n_images + np.cumsum([0, *(one.n_images for one in batch)])
        objects = [
            one.objects.set_column(0, OBJECT_SCHEMA.field(0), pa.array(one.image_index + offset, pa.int32()))
            for one, offset in zip(batch, offsets, strict=False)
        ]
        tables = pa.concat_tables([one.images for one in batch]), pa.concat_tables(objects)
        pieces.append((tables[0].combine_chunks(), tables[1].combine_chunks()))
        n_images = int(offsets[-1])
    if not pieces:
        raise ValueError("`sets` must hold at least one set, got none.")
    if len(categories) > 1:
        raise ValueError(f"`sets` must have equal categories, got {sorted(categories)}.")
    images, objects = (pa.concat_tables(tables) for tables in zip(*pieces, strict=True))
    return AnnotationSet(images, objects, *categories)


def crop(
    annotations: AnnotationSet, window: tuple[int, int, int, int], name: str, *, min_visible: float = 0.3
) -> AnnotationSet:
    """Return what is seen of a one-image set through a window.

    Args:
        annotations: One image with its objects.
        window: Row, column, height and width in pixels.
        name: Name of the image that the window becomes.
        min_visible: Least share of an object's box that must lie inside for it to be kept.

    Returns:
        One image with objects in the window's coordinates; polygons and masks are cut and their boxes drawn anew
        around what is left. An object whose box reaches into the window, but itself does not, is left out.

    Raises:
        ValueError: `annotations` holds another number of images than one.
    """
    if annotations.n_images != 1:
        raise ValueError(f"`annotations` must hold one image, got {annotations.n_images}.")
    height = int(annotations.images["height"][0].as_py())
    objects = annotations.objects.filter(pa.array(_visible(annotations.boxes, window, min_visible)))
    cuts = list(_cuts(objects, window, height))
    left = [cut is not None for cut in cuts]
    objects = _with_columns(objects.filter(pa.array(left, pa.bool_())), [cut for cut in cuts if cut is not None])
    changed = {"name": name, "height": window[2], "width": window[3], "sha256": None}
    images = pa.Table.from_pylist([{**annotations.images.to_pylist()[0], **changed}], schema=IMAGE_SCHEMA)
    return AnnotationSet(images, objects, annotations.categories)


def _visible(
    boxes: npt.NDArray[np.float64], window: tuple[int, int, int, int], min_visible: float
) -> npt.NDArray[np.bool_]:
    """Say which boxes (N, 4) lie in the window to the share asked; one without area must lie in it with its corner."""
    top, left, height, width = window
    moved = boxes - np.array([left, top, left, top])
    inside = clip_boxes(moved, width, height)
    areas, seen = box_areas(moved), box_areas(inside)
    enough = (seen > 0) & (seen >= min_visible * areas)
    flat: npt.NDArray[np.bool_] = (areas == 0) & (inside == moved).all(axis=1)
    return enough | flat


def _cuts(objects: pa.Table, window: tuple[int, int, int, int], height: int) -> Iterator[dict[str, Any] | None]:
    """Yield the columns `_SHAPE` of each object seen through the window; None where nothing of it is left."""
    masks = RunLengths.from_arrow(objects["counts"])
    cropped, boxes = crop_masks(masks, height, window)
    is_mask, is_left = np.diff(masks.starts) > 0, np.diff(cropped.starts) > 1
    for row, record in enumerate(objects.select(_SHAPE[:-1]).to_pylist()):
        if not is_mask[row]:
            yield _cut(record, window)
        else:
            yield dict(zip(_SHAPE, [*boxes[row], None, cropped.of(row)], strict=True)) if is_left[row] else None


def _cut(record: Mapping[str, Any], window: tuple[int, int, int, int]) -> dict[str, Any] | None:
    """Return the columns `_SHAPE` of a box, point or polygon in the window; None where nothing of it is left."""
    top, left, height, width = window
    if record["rings"]:
        shifted = (ring - np.array([left, top]) for ring in to_rings(record["rings"]))
        rings = [ring for ring in (clip_ring(r, width, height) for r in shifted) if polygon_area([ring]) > 0]
        if not rings:
            return None
        vertices = np.concatenate(rings)
        box = [*vertices.min(axis=0), *vertices.max(axis=0)]
        return dict(zip(_SHAPE, [*box, [ring.ravel() for ring in rings], None], strict=True))
    moved = np.array([[record[side] for side in _SHAPE[:4]]]) - np.array([left, top, left, top])
    return dict(zip(_SHAPE, [*clip_boxes(moved, width, height)[0], None, None], strict=True))


def _with_columns(objects: pa.Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    for key in _SHAPE:
        field = OBJECT_SCHEMA.field(key)
        column = pa.array([row[key] for row in rows], field.type)
        objects = objects.set_column(OBJECT_SCHEMA.get_field_index(key), field, column)
    return objects
