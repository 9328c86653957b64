"""Objects in three dimensions: the cells of a stack's slices, each counted as an image, linked from slice to slice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

import pandas as pd

from cell_pipelines.analysis.slice_linking import link_slices, tabulate_stack
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import ImageFile


@dataclass(frozen=True, eq=False)
class Stacks:
    """Objects in stacks.

    Attributes:
        objects: One row per object: `stack`, and the columns of `analysis.slice_linking.tabulate_stack`.
        slices: How many slices of each stack were counted, by its name.
        missing: How many slices of all stacks were not counted.
        cells: How many cells its slices have together, by its name.
    """

    objects: pd.DataFrame
    slices: Mapping[str, int]
    missing: int
    cells: Mapping[str, int]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per stack: slices, cells in all of them, objects, and their mean number of slices."""
        rows = []
        for stack, slices in self.slices.items():
            own = self.objects[self.objects["stack"] == stack]
            rows.append(
                {
                    "stack": stack, "slices": slices, "cells_in_slices": self.cells[stack], "objects": len(own),
                    "slices_per_object": own["slices"].mean(), "mean_volume_um3": own["volume_um3"].mean(),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def link_stacks(cells: AnnotationSet, images: Mapping[str, ImageFile]) -> Stacks | None:
    """Link the cells of slices that lie in one file; None where no image is a slice of a stack.

    Args:
        cells: The cells of the images that were counted.
        images: The images by name, of which slices were chosen by ``z: each``.
    """
    names = {name: row for row, name in enumerate(cells.names)}
    stacks: dict[tuple[object, ...], list[tuple[int, str]]] = {}
    for name, file in images.items():
        z = file.selection.z
        if isinstance(z, int) and PurePosixPath(name).name == f"z{z:04d}":
            stacks.setdefault((file.path, replace(file.selection, z=None)), []).append((z, name))
    tables, slices, counts = list[pd.DataFrame](), dict[str, int](), dict[str, int]()
    sizes, missing = cells.counts().sum(axis=1), 0
    for planes in stacks.values():
        rows = {z: names[name] for z, name in planes if name in names}
        missing += len(planes) - len(rows)
        if not rows:
            continue
        first = cells.names[min(rows.values())]
        stack = PurePosixPath(first).parent.as_posix()
        table = tabulate_stack(cells, rows, link_slices(cells, rows), z_step_um=images[first].info().z_step_um)
        tables.append(table.assign(stack=stack)[["stack", *table.columns]])
        slices[stack], counts[stack] = len(rows), int(sizes[list(rows.values())].sum())
    return Stacks(pd.concat(tables, ignore_index=True), slices, missing, counts) if tables else None


def describe_stacks(stacks: Stacks) -> list[str]:
    """Return in sentences how objects were linked, and what their numbers leave open."""
    said = [
        "Cells of neighbouring slices are one object where they overlap most with each other, and at least half of the "
        "smaller one lies in the other. An object that a slice misses is counted as two, and two that lie above each "
        "other without a slice between them as one. Counts of objects have no intervals."
    ]
    if stacks.missing:
        be = "slice could not be read or was" if stacks.missing == 1 else "slices could not be read or were"
        said.append(f"{stacks.missing} {be} left out; objects end there.")
    if stacks.objects["volume_um3"].isna().any():
        said.append("Volumes in µm³ are given where the size of a pixel and the distance of slices are known.")
    return said


def shown_stacks(stacks: Stacks) -> pd.DataFrame:
    """Return the columns that a person reads: volumes where they are known."""
    table = stacks.table.round({"slices_per_object": 1, "mean_volume_um3": 1})
    return table if table["mean_volume_um3"].notna().any() else table.drop(columns="mean_volume_um3")
