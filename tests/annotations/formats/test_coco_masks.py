"""COCO: masks to the pixel and polygons to their outline, against the reference tools."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as faster_mask
from numpy.typing import NDArray
from pycocotools import mask as reference_mask
from pycocotools.coco import COCO

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.coco import read, write
from cell_pipelines.annotations.geometry.run_lengths import (
    decompress_run_lengths,
    mask_box,
    mask_to_run_lengths,
    run_lengths_to_mask,
)
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

ONE = ImageIndex([ImageRecord("a.png", 23, 17)])


def _cells() -> list[NDArray[np.bool_]]:
    """Cells in an image of 17x23 pixels: touching, with a hole, of one pixel, in pieces, at every border, all of it."""
    cells = np.zeros((9, 17, 23), bool)
    cells[0, 3:8, 2:6] = True
    cells[1, 3:8, 6:11] = True
    cells[2, 8:14, 2:8], cells[2, 10:12, 4:6] = True, False
    cells[3, 9, 20] = True
    cells[4, 0:2, 0:2], cells[4, 15:17, 21:23], cells[4, 5:9, 12:14] = True, True, True
    cells[5, :, 0] = True
    cells[6, 16, :] = True
    cells[7] = True
    cells[8, ::2, ::2] = True
    return list(cells)


def _set_of(masks: list[NDArray[np.bool_]]) -> AnnotationSet:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=23, height=17)
    for mask in masks:
        builder.add_object(row, "cell", "mask", mask_box(mask), counts=mask_to_run_lengths(mask))
    return builder.build()


def test_masks_come_back_to_the_pixel(tmp_path: Path) -> None:
    write(_set_of(_cells()), tmp_path)
    conversion = read(tmp_path, ONE)
    assert not conversion.findings
    drawn = [run_lengths_to_mask(c, 17, 23) for c in conversion.annotations.objects["counts"].to_pylist()]
    np.testing.assert_array_equal(drawn, _cells())


# Raised inside pycocotools, which is older than NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_masks_boxes_and_areas_that_are_written(tmp_path: Path) -> None:
    write(_set_of(_cells()), tmp_path)
    coco = COCO(str(tmp_path / "annotations.json"))
    annotations = coco.loadAnns(coco.getAnnIds())
    assert len(annotations) == len(_cells())
    for annotation, mask in zip(annotations, _cells(), strict=True):
        np.testing.assert_array_equal(coco.annToMask(annotation), mask)
        assert annotation["area"] == mask.sum()
        encoded = reference_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        np.testing.assert_array_equal(annotation["bbox"], reference_mask.toBbox(encoded))
    assert min(a["id"] for a in annotations) >= 1  # an evaluation takes the annotation 0 for no match


def test_polygon_areas_equal_those_of_the_drawn_polygon_within_its_outline(
    tmp_path: Path, make_annotations: Any
) -> None:
    annotations = make_annotations(4, geometries=("polygon",))
    write(annotations, tmp_path)
    for cell in json.loads((tmp_path / "annotations.json").read_text())["annotations"]:
        for ring in cell["segmentation"]:
            corners = np.array(ring).reshape(-1, 2)
            turned = np.roll(corners, -1, axis=0)
            area = abs((corners[:, 0] * turned[:, 1] - turned[:, 0] * corners[:, 1]).sum()) / 2
            drawn = reference_mask.area(reference_mask.frPyObjects([ring], 500, 700))[0]
            assert abs(area - drawn) <= np.linalg.norm(turned - corners, axis=1).sum() + 4


@pytest.mark.parametrize("library", [reference_mask, faster_mask], ids=["pycocotools", "faster_coco_eval"])
def test_compressed_run_lengths_equal_the_references(library: Any) -> None:
    rng = np.random.default_rng(0)
    masks = [*_cells(), np.zeros((17, 23), bool)]
    masks += [rng.random((int(rng.integers(1, 90)), int(rng.integers(1, 90)))) < rng.random() for _ in range(60)]
    large = np.zeros((1200, 900), bool)
    large[300:1100, 200:850] = True
    for mask in [*masks, large]:
        encoded = library.encode(np.asfortranarray(mask.astype(np.uint8)))
        text = encoded["counts"].decode() if isinstance(encoded["counts"], bytes) else encoded["counts"]
        runs = decompress_run_lengths(text)
        np.testing.assert_array_equal(runs, mask_to_run_lengths(mask))
        np.testing.assert_array_equal(run_lengths_to_mask(runs, *mask.shape), mask)


def test_compressed_masks_are_read_from_a_file(tmp_path: Path) -> None:
    encoded = (reference_mask.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in _cells())
    cells = [
        {"id": i, "image_id": 7, "category_id": 3, "segmentation": {**e, "counts": e["counts"].decode()}}
        for i, e in enumerate(encoded)
    ]
    image = {"id": 7, "file_name": "a.png"}
    content = {"images": [image], "categories": [{"id": 3, "name": "cell"}], "annotations": cells}
    (tmp_path / "data.json").write_text(json.dumps(content))
    annotations = read(tmp_path, ONE).annotations
    drawn = [run_lengths_to_mask(c, 17, 23) for c in annotations.objects["counts"].to_pylist()]
    np.testing.assert_array_equal(drawn, _cells())
    np.testing.assert_array_equal(annotations.boxes, [mask_box(mask) for mask in _cells()])
