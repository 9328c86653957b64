"""Link the cells of a stack's slices to objects in three dimensions, by what they share with the next slice."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from cell_pipelines.analysis.object_centroids import object_centroids
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.mask_runs import MaskRuns
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

_MASK = GEOMETRIES.index("mask")


def link_slices(cells: AnnotationSet, slices: Mapping[int, int], *, least_share: float = 0.5) -> IntArray:
    """Number the objects of a stack: cells of neighbouring slices that overlap most with each other are one.

    Cells are linked where each is the other's best by intersection over union, so that an object has one cell per
    slice, and where enough of the smaller one lies in the other: the first and last slice of a round cell are small. An
    object ends where no cell shows it in a slice, and before a slice that is missing. Cellpose stitches slices by
    intersection over union alone (Stringer et al. 2021, doi:10.1038/s41592-020-01018-x).

    Args:
        cells: N cells in the slices and in other images.
        slices: Row of the image of each slice, by its depth; depths that differ by 1 are neighbours.
        least_share: Least share of the smaller cell that lies in the other, of masks, or of boxes where cells have
            none; in (0, 1].

    Returns:
        The object of each cell, from 1 in the order in which they begin; 0 for cells of other images. Shape (N,).
    """
    if not 0 < least_share <= 1:
        raise ValueError(f"`least_share` must lie in (0, 1], got {least_share}.")
    objects, rows = np.zeros(cells.n_objects, np.int64), cells.rows_by_image()
    count = 0
    for depth in sorted(slices):
        own = rows[slices[depth]]
        if (before := slices.get(depth - 1)) is not None:
            first, second = _links(cells, (before, slices[depth]), least_share)
            objects[own[second]] = objects[rows[before][first]]
        new = own[objects[own] == 0]
        objects[new] = count + 1 + np.arange(len(new))
        count += len(new)
    return objects


def _links(cells: AnnotationSet, pair: tuple[int, int], least_share: float) -> tuple[IntArray, IntArray]:
    """Return the linked cells of two slices, by their places among the cells of each."""
    both = [select_images(cells, [image]) for image in pair]
    first, second, shared, areas = _overlaps(*both)
    sizes = areas[0][first], areas[1][second]
    enough = (shared > 0) & (shared >= least_share * np.minimum(*sizes))
    enough &= both[0].category[first] == both[1].category[second]
    union = np.maximum(sizes[0] + sizes[1] - shared, 1e-12)
    first, second, ious = first[enough], second[enough], (shared / union)[enough]
    is_best = _best(first, ious) & _best(second, ious)
    return first[is_best], second[is_best]


def _best(owner: IntArray, ious: FloatArray) -> BoolArray:
    """Say which pairs are their owner's best, the first of equal ones."""
    order = np.lexsort((np.arange(len(owner)), -ious, owner))
    _, firsts = np.unique(owner[order], return_index=True)
    found = np.zeros(len(owner), bool)
    found[order[firsts]] = True
    return found


def _overlaps(one: AnnotationSet, other: AnnotationSet) -> tuple[IntArray, IntArray, FloatArray, list[FloatArray]]:
    """Return pairs of cells of two slices whose boxes meet, the area that each shares, and the areas of all cells."""
    frames = [shapely.box(*part.boxes.T) for part in (one, other)]
    first, second = shapely.STRtree(frames[1]).query(frames[0], predicate="intersects")
    shared = shapely.area(shapely.intersection(frames[0][first], frames[1][second]))
    areas = [shapely.area(part) for part in frames]
    codes = [part.objects["geometry"].to_numpy() for part in (one, other)]
    if all((part == _MASK).all() for part in codes):
        counts = [RunLengths.from_arrow(part.objects["counts"]) for part in (one, other)]
        runs = MaskRuns.from_counts(RunLengths.from_lists([c.of(row) for c in counts for row in range(len(c))]))
        shared = runs.shared_pixels(first, second + one.n_objects).astype(np.float64)
        areas = np.split(runs.areas().astype(np.float64), [one.n_objects])
    return first, second, shared, areas


def tabulate_stack(
    cells: AnnotationSet, slices: Mapping[int, int], objects: IntArray, *, z_step_um: float | None = None
) -> pd.DataFrame:
    """Return one row per object of a stack.

    Args:
        cells: N cells in the slices and in other images.
        slices: Row of the image of each slice, by its depth; at least one.
        objects: Of `link_slices`.
        z_step_um: Distance of two slices in micrometres; None where it isn't known.

    Returns:
        `object`, `category`, `first_slice` and `last_slice` by depth, `slices` between them with both, `voxels`;
        `center_x_px`, `center_y_px` and `center_slice` of its centroid, by voxels; `volume_um3` and `height_um`, NaN
        where the sides of a voxel are not all known. Voxels are areas of cells times one slice.
    """
    depths, rows = sorted(slices), cells.rows_by_image()
    chosen = select_images(cells, [slices[depth] for depth in depths])
    number = np.concatenate([objects[rows[slices[depth]]] for depth in depths])
    order = np.argsort(chosen.image_index, kind="stable")  # as `number` has them
    chosen = replace(chosen, objects=chosen.objects.take(order))
    depth = np.array(depths)[chosen.image_index]
    areas, centres = object_areas(chosen), object_centroids(chosen)
    frame = pd.DataFrame({
        "object": number, "category": np.array(chosen.categories, dtype=object)[chosen.category], "slice": depth,
        "voxels": areas, "x": (centres[:, 1] + 0.5) * areas, "y": (centres[:, 0] + 0.5) * areas, "z": depth * areas,
    })  # fmt: skip
    grouped = frame.groupby("object")
    table = pd.DataFrame({
        "category": grouped["category"].first(), "first_slice": grouped["slice"].min(),
        "last_slice": grouped["slice"].max(), "voxels": grouped["voxels"].sum(),
    })  # fmt: skip
    table.insert(3, "slices", table["last_slice"] - table["first_slice"] + 1)
    for axis, name in (("x", "center_x_px"), ("y", "center_y_px"), ("z", "center_slice")):
        table[name] = grouped[axis].sum() / table["voxels"].where(table["voxels"] > 0)
    height, width = (chosen.images[side][0].as_py() for side in ("pixel_height_um", "pixel_width_um"))
    voxel = height * width * z_step_um if height and width and z_step_um else np.nan
    table["volume_um3"] = table["voxels"] * voxel
    table["height_um"] = table["slices"] * (z_step_um or np.nan)
    return table.reset_index()
