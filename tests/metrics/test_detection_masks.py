"""Average precision of masks equals pycocotools' with the same limit, and equals that of boxes for full boxes."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cell_pipelines.metrics.detection import DetectionTable, measure_average_precision

SHAPE = (130, 130)


def with_masks(table: DetectionTable, *, round_off: bool) -> DetectionTable:
    """Fill every box, rounded to pixels of the image, with a mask; leave out a corner of it if asked to."""
    boxes = np.maximum(np.ceil(table.boxes), 0).astype(int)
    masks = []
    for x, y, x_max, y_max in boxes.tolist():
        mask = np.zeros(SHAPE, dtype=np.uint8, order="F")
        mask[y:y_max, x:x_max] = 1
        if round_off:
            mask[y : y + 3, x : x + 4] = 0
        masks.append(coco_mask.encode(mask))
    return replace(table, boxes=boxes.astype(float), masks=masks)


def tables_of(scene, *, round_off: bool) -> tuple[DetectionTable, DetectionTable]:
    """Give a scene as truth and predictions with masks."""
    truth = DetectionTable(scene.true_image, scene.true_category, scene.true_boxes, crowd=scene.crowd)
    predictions = DetectionTable(scene.image, scene.category, scene.boxes, scene.scores)
    return with_masks(truth, round_off=round_off), with_masks(predictions, round_off=round_off)


def precision_by_pycocotools(truth: DetectionTable, predictions: DetectionTable, scene) -> np.ndarray:
    """Give pycocotools' precision table (10, 101, C), nan where a category has no truth."""
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for table in (truth, predictions):
            side = COCO()
            side.dataset = {
                "images": [{"id": i, "height": SHAPE[0], "width": SHAPE[1]} for i in range(scene.n_images)],
                "categories": [{"id": category} for category in range(scene.n_categories)],
                "annotations": [
                    {
                        "id": row + 1,
                        "image_id": int(table.image[row]),
                        "category_id": int(table.category[row]),
                        "segmentation": mask,
                        "area": float(coco_mask.area(mask)),
                        "iscrowd": 0 if table.crowd is None else int(table.crowd[row]),
                        "score": 0.0 if table.scores is None else float(table.scores[row]),
                    }
                    for row, mask in enumerate(table.masks)
                ],
            }
            side.createIndex()
            sides.append(side)
        evaluator = COCOeval(*sides, "segm")
        evaluator.params.maxDets = [1, 10, 1000]
        evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluator.evaluate()
        evaluator.accumulate()
    precision = evaluator.eval["precision"][:, :, :, 0, 2]
    return np.where(precision < 0, np.nan, precision)


@pytest.mark.parametrize("crowd", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(2))
def test_average_precision_of_masks_equals_that_of_pycocotools(seed: int, crowd: float, make_scene) -> None:
    scene = make_scene(seed, crowd=crowd)
    tables = tables_of(scene, round_off=True)
    result = measure_average_precision(*tables, n_images=scene.n_images, n_categories=4, by="masks")
    np.testing.assert_allclose(result.precision, precision_by_pycocotools(*tables, scene), atol=1e-6)


def test_masks_that_fill_their_boxes_give_what_boxes_give(make_scene) -> None:
    scene = make_scene(3)
    tables = tables_of(scene, round_off=False)
    by_masks, by_boxes = (
        measure_average_precision(*tables, n_images=scene.n_images, n_categories=4, by=by) for by in ("masks", "boxes")
    )
    np.testing.assert_allclose(by_masks.precision, by_boxes.precision, atol=1e-6)


def test_no_masks_at_all_measure_nothing_and_missing_ones_are_asked_for(make_scene) -> None:
    nothing = DetectionTable(np.array([]), np.array([]), np.zeros((0, 4)), np.array([]), masks=[])
    result = measure_average_precision(nothing, nothing, n_images=2, n_categories=1, by="masks")
    assert np.isnan(result.mean_ap50)
    with pytest.raises(ValueError, match="`truth` must have masks to be compared by masks"):
        measure_average_precision(replace(nothing, masks=None), nothing, n_images=2, n_categories=1, by="masks")
    with pytest.raises(ValueError, match="`masks` must be 0, one a row, got 1"):
        replace(nothing, masks=[{}])
