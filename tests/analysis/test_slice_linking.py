"""Stacks of known spheres: cells of slices are linked to the objects that they are cut from."""

import numpy as np
import pytest

from cell_pipelines.analysis.slice_linking import link_slices, tabulate_stack
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects

SPHERES = [(10, 12, 12, 7), (11, 30, 40, 9), (24, 13, 14, 6), (18, 40, 15, 5)]  # z, row, column, radius
SHAPE = (32, 55, 60)
EVERY = {depth: depth for depth in range(SHAPE[0])}


def spheres():
    z, rows, columns = np.indices(SHAPE)
    volume = np.zeros(SHAPE, np.int32)
    for number, (depth, row, column, radius) in enumerate(SPHERES, start=1):
        volume[(z - depth) ** 2 + (rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return volume


def as_slices(volume, *, kind=lambda number: "cell", masks=True, **columns):
    """Return each slice as an image with its cells, and the number of the object of each cell."""
    builder, numbers = AnnotationBuilder(["cell", "other"]), []
    for depth, labels in enumerate(volume):
        image = builder.add_image(f"a.tif/z{depth:04d}", height=SHAPE[1], width=SHAPE[2], **columns)
        ids, boxes, counts = labels_to_objects(labels)
        for number, box, mask in zip(ids.tolist(), boxes, counts, strict=True):
            builder.add_object(image, kind(number), "mask" if masks else "box", box, counts=mask if masks else None)
            numbers.append(number)
    return builder.build(), np.array(numbers)


@pytest.mark.parametrize("masks", [True, False])
def test_each_sphere_is_one_object(masks):
    cells, numbers = as_slices(spheres(), masks=masks)
    objects = link_slices(cells, EVERY)
    assert objects.max() == len(SPHERES)
    pairs = set(zip(numbers.tolist(), objects.tolist(), strict=True))
    assert len(pairs) == len(SPHERES)


def test_objects_have_the_voxels_centroid_and_volume_of_their_sphere():
    volume = spheres()
    cells, numbers = as_slices(volume, pixel_height_um=0.5, pixel_width_um=0.4)
    objects = link_slices(cells, EVERY)
    table = tabulate_stack(cells, EVERY, objects, z_step_um=2.0).set_index("object")
    for number, (depth, row, column, radius) in enumerate(SPHERES, start=1):
        found = table.loc[objects[numbers == number][0]]
        voxels = (volume == number).sum()
        assert found["voxels"] == voxels and found["volume_um3"] == pytest.approx(voxels * 0.5 * 0.4 * 2)
        assert (found["first_slice"], found["last_slice"]) == (depth - radius, depth + radius)
        assert found["slices"] == 2 * radius + 1 and found["height_um"] == 2 * (2 * radius + 1)
        places = found[["center_slice", "center_y_px", "center_x_px"]].tolist()
        assert places == pytest.approx([depth, row + 0.5, column + 0.5])


def test_without_sides_of_a_voxel_volumes_are_not_known():
    cells, _ = as_slices(spheres())
    table = tabulate_stack(cells, EVERY, link_slices(cells, EVERY), z_step_um=None)
    assert table[["volume_um3", "height_um"]].isna().all(axis=None)


def test_cells_of_slices_apart_are_not_linked():
    volume = spheres()
    cells, _ = as_slices(volume)
    missing = {depth: row for depth, row in EVERY.items() if depth != 10}
    assert link_slices(cells, missing).max() == len(SPHERES) + 2  # a slice that was not counted ends objects
    table = tabulate_stack(cells, missing, link_slices(cells, missing))
    assert (table["last_slice"] == 9).sum() == (table["first_slice"] == 11).sum() == 2
    volume[10] = 0
    cells, _ = as_slices(volume)
    assert link_slices(cells, EVERY).max() == len(SPHERES) + 2  # a slice without cells ends objects
    every_second = np.where(np.arange(SHAPE[0])[:, None, None] % 2, spheres(), 0)
    apart, _ = as_slices(every_second)
    assert link_slices(apart, EVERY).max() == apart.n_objects


def test_cells_of_two_classes_are_two_objects():
    volume = np.zeros(SHAPE, np.int32)
    volume[0, 5:25, 5:25], volume[1, 5:25, 5:25] = 1, 2
    cells, _ = as_slices(volume[:2], kind={1: "cell", 2: "other"}.get)
    assert link_slices(cells, {0: 0, 1: 1}).tolist() == [1, 2]


def test_of_two_cells_over_one_the_one_that_overlaps_most_is_linked():
    volume = np.zeros(SHAPE, np.int32)
    volume[0, 5:25, 5:25] = 1
    volume[1, 5:25, 5:19], volume[1, 5:25, 19:25] = 1, 2
    cells, _ = as_slices(volume[:2])
    assert link_slices(cells, {0: 0, 1: 1}).tolist() == [1, 1, 2]
    volume[1] = 0
    volume[1, 15:35, 19:25] = 2
    cells, _ = as_slices(volume[:2])
    assert link_slices(cells, {0: 0, 1: 1}).tolist() == [1, 1]  # half of the smaller one lies in the other
    assert link_slices(cells, {0: 0, 1: 1}, least_share=0.51).tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"`least_share` must lie in \(0, 1\], got 0"):
        link_slices(cells, {0: 0, 1: 1}, least_share=0)


def test_an_empty_stack_has_no_objects():
    cells, _ = as_slices(np.zeros(SHAPE, np.int32))
    objects = link_slices(cells, EVERY)
    assert objects.shape == (0,) and tabulate_stack(cells, EVERY, objects).empty
