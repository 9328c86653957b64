"""Matching is one-to-one, greedy by score and equal to COCO's, exact ties included."""

import contextlib
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cell_pipelines.metrics.matching import box_iou, match_boxes

NO_BOXES = np.zeros((0, 4))
THREE_CELLS = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], dtype=float)


def match_by_loops(iou: NDArray[np.float64], scores: NDArray[np.float64], threshold: float) -> list[int]:
    """Match as COCO's ``evaluateImg`` reads: every free cell in turn, a later one replaces an equal one."""
    taken: dict[int, int] = {}
    for prediction in sorted(range(len(scores)), key=lambda row: -scores[row]):
        best, best_iou = -1, min(threshold, 1 - 1e-10)
        for cell in range(iou.shape[1]):
            if cell not in taken.values() and iou[prediction, cell] >= best_iou:
                best, best_iou = cell, iou[prediction, cell]
        if best >= 0:
            taken[prediction] = best
    return [taken.get(prediction, -1) for prediction in range(len(scores))]


def match_by_pycocotools(scene, image: int, category: int, threshold: float) -> list[int]:
    """Give pycocotools' matches of one image and category, in the order of the predictions."""
    true = np.flatnonzero((scene.true_image == image) & (scene.true_category == category))
    rows = np.flatnonzero((scene.image == image) & (scene.category == category))
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for boxes, scores in ((scene.true_boxes[true], None), (scene.boxes[rows], scene.scores[rows])):
            side = COCO()
            side.dataset = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": []}
            for row, (x, y, x_max, y_max) in enumerate(boxes.tolist()):
                box = {"id": row + 1, "image_id": 1, "category_id": 1, "iscrowd": 0}
                box |= {"bbox": [x, y, x_max - x, y_max - y], "area": (x_max - x) * (y_max - y)}
                side.dataset["annotations"].append(box | ({} if scores is None else {"score": scores[row]}))
            side.createIndex()
            sides.append(side)
        evaluator = COCOeval(*sides, "bbox")
        evaluator.params.iouThrs = np.array([threshold])
        evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluator.evaluate()
    result = evaluator.evalImgs[0]
    if result is None:
        return []
    matches = dict(zip(result["dtIds"], result["dtMatches"][0], strict=True))
    return [int(matches[row + 1]) - 1 for row in range(len(rows))]


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (5, 0), (30, 40)])
def test_iou_equals_that_of_pycocotools(shape: tuple[int, int], make_scene) -> None:
    scene = make_scene(0)
    a, b = scene.boxes[: shape[0]], scene.true_boxes[: shape[1]]
    iou = box_iou(a, b)
    assert iou.shape == shape
    if iou.size:
        a_xywh, b_xywh = (np.hstack([c[:, :2], c[:, 2:] - c[:, :2]]) for c in (a, b))
        np.testing.assert_allclose(iou, coco_mask.iou(a_xywh, b_xywh, [0] * len(b)), atol=1e-12)


def test_iou_of_half_a_cell_a_touching_cell_and_a_box_without_area() -> None:
    cell = np.array([[0.0, 0.0, 10.0, 10.0]])
    others = np.array([[0, 0, 10, 5], [10, 0, 20, 10], [5, 5, 5, 5]], dtype=float)
    assert box_iou(cell, others).tolist() == [[0.5, 0, 0]]
    assert box_iou(others[2:], others[2:]).tolist() == [[0]]


def test_iou_does_not_change_its_arguments(make_scene) -> None:
    boxes = make_scene(0).boxes
    before = boxes.copy()
    box_iou(boxes, boxes)
    np.testing.assert_array_equal(boxes, before)


def test_three_cells_counted_by_hand() -> None:
    """One cell found exactly, one shifted by 2 of 10 pixels (IoU 8/12), one missed, one spurious."""
    predicted = np.array([[22, 0, 32, 10], [0, 0, 10, 10], [70, 0, 80, 10]], dtype=float)
    matching = match_boxes(THREE_CELLS, predicted, np.array([0.5, 0.9, 0.8]))
    assert matching.true_index.tolist() == [1, 0, -1]
    np.testing.assert_allclose(matching.iou, [8 / 12, 1, 0])
    assert (matching.tp, matching.fp, matching.fn) == (2, 1, 1)


def test_two_predictions_cannot_find_one_cell_and_the_surer_one_has_it() -> None:
    shifted = THREE_CELLS[:1] + [1, 0, 1, 0]
    matching = match_boxes(THREE_CELLS[:1], np.vstack([THREE_CELLS[:1], shifted]), np.array([0.6, 0.7]))
    assert matching.true_index.tolist() == [-1, 0]


def test_of_equal_scores_the_earlier_row_and_of_equal_ious_the_later_cell_is_taken() -> None:
    twins = np.repeat(THREE_CELLS[:1], 2, axis=0)
    matching = match_boxes(twins, np.repeat(THREE_CELLS[:1], 3, axis=0), np.full(3, 0.5))
    assert matching.true_index.tolist() == [1, 0, -1]


def test_an_iou_exactly_at_the_threshold_counts() -> None:
    half = np.array([[0.0, 0.0, 10.0, 5.0]])
    assert match_boxes(THREE_CELLS, half, np.array([0.9]), iou_threshold=0.5).tp == 1
    assert match_boxes(THREE_CELLS, THREE_CELLS, np.full(3, 0.9), iou_threshold=1.0).tp == 3


@pytest.mark.parametrize(("n_true", "n_predicted"), [(0, 0), (3, 0), (0, 3)])
def test_images_without_cells_or_predictions_match_nothing(n_true: int, n_predicted: int) -> None:
    matching = match_boxes(THREE_CELLS[:n_true], THREE_CELLS[:n_predicted], np.full(n_predicted, 0.5))
    assert (matching.tp, matching.fp, matching.fn) == (0, n_predicted, n_true)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("seed", range(5))
def test_matching_equals_a_plain_loop(seed: int, threshold: float, make_scene) -> None:
    scene = make_scene(seed)
    matching = match_boxes(scene.true_boxes, scene.boxes, scene.scores, iou_threshold=threshold)
    loops = match_by_loops(box_iou(scene.boxes, scene.true_boxes), scene.scores, threshold)
    assert matching.true_index.tolist() == loops
    found = matching.true_index[matching.is_true_positive]
    assert len(set(found.tolist())) == found.size == matching.tp


@pytest.mark.parametrize("threshold", [0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_matching_each_category_equals_pycocotools(seed: int, threshold: float, make_scene) -> None:
    scene = make_scene(seed)
    for image in range(scene.n_images):
        true, rows = scene.true_image == image, scene.image == image
        true_categories, categories = scene.true_category[true], scene.category[rows]
        for category in range(scene.n_categories):
            own = categories == category
            matching = match_boxes(
                scene.true_boxes[true][true_categories == category],
                scene.boxes[rows][own],
                scene.scores[rows][own],
                iou_threshold=threshold,
            )
            assert matching.true_index.tolist() == list(match_by_pycocotools(scene, image, category, threshold))


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    scores = np.full(3, 0.5)
    with pytest.raises(ValueError, match=r"`iou_threshold` must lie in \(0, 1\], got 0"):
        match_boxes(THREE_CELLS, THREE_CELLS, scores, iou_threshold=0)
    with pytest.raises(ValueError, match=r"`scores` must have shape \(3,\)"):
        match_boxes(THREE_CELLS, THREE_CELLS, scores[:2])
