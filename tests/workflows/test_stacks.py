"""Slices of one file become a stack, whichever of them were counted."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.reading import ImageFile, ImageSelection
from cell_pipelines.workflows.stacks import describe_stacks, link_stacks


@pytest.fixture
def images(tmp_path):
    tifffile.imwrite(tmp_path / "stack.ome.tif", np.zeros((6, 20, 30), np.uint8), ome=True, metadata={"axes": "ZYX"})
    return {f"stack.ome.tif/z{z:04d}": ImageFile(tmp_path / "stack.ome.tif", ImageSelection(z=z)) for z in range(6)}


def one_cell_in(names):
    builder = AnnotationBuilder(["cell"])
    for name in names:
        builder.add_box(builder.add_image(name, width=30, height=20), "cell", (5, 5, 12, 14))
    return builder.build()


def test_the_slices_of_a_file_are_one_stack(images):
    stacks = link_stacks(one_cell_in(images), images)
    assert stacks.table[["stack", "slices", "objects"]].to_numpy().tolist() == [["stack.ome.tif", 6, 1]]
    assert len(describe_stacks(stacks)) == 2 and "µm³" in describe_stacks(stacks)[1]


def test_objects_end_before_a_slice_that_was_not_counted_and_it_is_said(images):
    stacks = link_stacks(one_cell_in([name for name in images if not name.endswith("z0002")]), images)
    assert stacks.table[["stack", "slices", "objects"]].to_numpy().tolist() == [["stack.ome.tif", 5, 2]]
    assert stacks.objects[["first_slice", "last_slice"]].to_numpy().tolist() == [[0, 1], [3, 5]]
    assert "1 slice could not be read or was left out; objects end there." in describe_stacks(stacks)


def test_images_that_are_no_slices_are_no_stack(images):
    plane = {"stack.ome.tif": images["stack.ome.tif/z0003"], "a.png": ImageFile(Path("a.png"))}
    assert link_stacks(one_cell_in(plane), plane) is None
    assert link_stacks(one_cell_in(["a.png"]), images) is None
