"""Label images as annotations, and cells of every form."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import AnnotationSet

Labels = NDArray[np.int32]


def _to_cells(labels: NDArray[Any], pixel_size: tuple[float | None, float | None] = (None, None)) -> AnnotationSet:
    builder = AnnotationBuilder(["cell"])
    size = {"height": labels.shape[0], "width": labels.shape[1]}
    row = builder.add_image("a.png", **size, pixel_height_um=pixel_size[0], pixel_width_um=pixel_size[1])
    _, boxes, runs = labels_to_objects(labels)
    for box, counts in zip(boxes, runs, strict=True):
        builder.add_object(row, "cell", "mask", box, counts=counts)
    return builder.build()


@pytest.fixture(scope="session")
def to_cells() -> Callable[..., AnnotationSet]:
    """Return what makes annotations of a label image and a pixel size."""
    return _to_cells


@pytest.fixture(scope="session", params=["blobs", "crumbs", "scattered", "lines"])
def labels(request: pytest.FixtureRequest) -> Labels:
    """Label images of cells with bays, of crumbs with holes, of cells in pieces, and of lines."""
    rng = np.random.default_rng(3)
    if request.param == "blobs":
        return ndimage.label(ndimage.gaussian_filter(rng.normal(size=(160, 210)), 3) > 0.02)[0].astype(np.int32)
    if request.param == "crumbs":
        return ndimage.label(rng.random((40, 50)) > 0.55)[0].astype(np.int32)
    if request.param == "scattered":
        return rng.integers(0, 12, (30, 41)).astype(np.int32)
    drawn = np.zeros((40, 60), dtype=np.int32)
    drawn[3, 2:30], drawn[5:31, 4], drawn[39, 59] = 1, 2, 4
    drawn[np.arange(10, 30), np.arange(20, 40)] = 3
    drawn[np.arange(10, 30, 3), np.arange(50, 36, -2)[:7]] = 5
    return drawn
