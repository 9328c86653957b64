"""Average precision equals pycocotools' with the same limit, and no number of cells is too many."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cell_pipelines.metrics.detection import AveragePrecision, DetectionTable, measure_average_precision

NO_ROWS = DetectionTable(np.array([]), np.array([]), np.zeros((0, 4)), np.array([]))


def tables_of(scene) -> tuple[DetectionTable, DetectionTable]:
    """Give a scene as truth and predictions."""
    truth = DetectionTable(scene.true_image, scene.true_category, scene.true_boxes, crowd=scene.crowd)
    return truth, DetectionTable(scene.image, scene.category, scene.boxes, scene.scores)


def measure(scene) -> AveragePrecision:
    """Measure a scene."""
    truth, predictions = tables_of(scene)
    return measure_average_precision(truth, predictions, n_images=scene.n_images, n_categories=scene.n_categories)


def precision_by_pycocotools(truth, predictions, n_images: int, n_categories: int, *, max_dets: int):
    """Give pycocotools' precision table (10, 101, C), -1 where a category has no truth."""
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for table in (truth, predictions):
            side = COCO()
            side.dataset = {
                "images": [{"id": image} for image in range(n_images)],
                "categories": [{"id": category} for category in range(n_categories)],
                "annotations": [],
            }
            for row, (x, y, x_max, y_max) in enumerate(table.boxes.tolist()):
                box = {"id": row + 1, "bbox": [x, y, x_max - x, y_max - y], "area": (x_max - x) * (y_max - y)}
                box |= {"image_id": int(table.image[row]), "category_id": int(table.category[row])}
                box["iscrowd"] = 0 if table.crowd is None else int(table.crowd[row])
                box["score"] = 0.0 if table.scores is None else float(table.scores[row])
                side.dataset["annotations"].append(box)
            side.createIndex()
            sides.append(side)
        evaluator = COCOeval(*sides, "bbox")
        evaluator.params.maxDets = [1, 10, max_dets]
        evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator.eval["precision"][:, :, :, 0, 2]


def crowded_image(n_cells: int) -> tuple[DetectionTable, DetectionTable]:
    """One image with cells on a grid, all of them predicted exactly, with falling scores."""
    row, column = np.divmod(np.arange(n_cells), 50)
    corner = np.stack([column, row], axis=1) * 20.0
    boxes, zeros = np.hstack([corner, corner + 12.0]), np.zeros(n_cells, dtype=np.int64)
    return (
        DetectionTable(zeros, zeros, boxes),
        DetectionTable(zeros, zeros, boxes, np.linspace(1, 0.1, n_cells)),
    )


@pytest.mark.parametrize("crowd", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_that_of_pycocotools(seed: int, crowd: float, make_scene) -> None:
    scene = make_scene(seed, crowd=crowd)
    expected = precision_by_pycocotools(*tables_of(scene), scene.n_images, 4, max_dets=1000)
    expected = np.where(expected < 0, np.nan, expected)
    result = measure(scene)
    np.testing.assert_allclose(result.precision, expected, atol=1e-6)
    np.testing.assert_allclose(result.ap50, expected[0].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(result.ap50_95, expected.mean(axis=(0, 1)), atol=1e-6)
    assert np.isnan(result.ap50_95).tolist() == [False, False, False, True]


def test_the_overall_value_is_the_mean_over_categories_with_truth(make_scene) -> None:
    result = measure(make_scene(3))
    assert result.mean_ap50 == pytest.approx(result.ap50[:3].mean())
    assert result.mean_ap50_95 == pytest.approx(result.ap50_95[:3].mean())


def test_all_of_1500_cells_in_one_image_count_where_the_default_stops_at_100() -> None:
    truth, predictions = crowded_image(1500)
    default = precision_by_pycocotools(truth, predictions, 1, 1, max_dets=100)
    result = measure_average_precision(truth, predictions, n_images=1, n_categories=1)
    assert default[0].mean() < 0.1
    assert result.mean_ap50 == pytest.approx(1)
    assert result.mean_ap50_95 == pytest.approx(1)


def test_three_cells_counted_by_hand() -> None:
    """Ranked: right, spurious, right, and one cell missed.

    Recall reaches 1/3 with precision 1 (levels 0 to 0.33) and 2/3 with precision 2/3 (levels 0.34 to 0.66).
    """
    cells = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], dtype=float)
    zeros = np.zeros(3, dtype=np.int64)
    predicted = np.array([[0, 0, 10, 10], [70, 0, 80, 10], [20, 0, 30, 10]], dtype=float)
    result = measure_average_precision(
        DetectionTable(zeros, zeros, cells),
        DetectionTable(zeros, zeros, predicted, np.array([0.9, 0.8, 0.7])),
        n_images=1,
        n_categories=1,
    )
    assert result.mean_ap50 == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)


def test_the_order_of_the_rows_makes_no_difference_without_tied_scores(make_scene) -> None:
    scene = make_scene(2)
    truth, predictions = tables_of(scene)
    rng = np.random.default_rng(0)
    untied = rng.permutation(scene.scores.size) / scene.scores.size
    rows = rng.permutation(scene.scores.size)
    tables = (
        DetectionTable(predictions.image, predictions.category, predictions.boxes, untied),
        DetectionTable(predictions.image[rows], predictions.category[rows], predictions.boxes[rows], untied[rows]),
    )
    first, second = (measure_average_precision(truth, t, n_images=7, n_categories=4) for t in tables)
    np.testing.assert_array_equal(first.precision, second.precision)


def test_no_boxes_at_all_measure_nothing() -> None:
    result = measure_average_precision(NO_ROWS, NO_ROWS, n_images=2, n_categories=3)
    assert np.isnan(result.ap50).all()
    assert result.ap50.shape == (3,)
    assert np.isnan(result.mean_ap50) and np.isnan(result.mean_ap50_95)


def test_cells_that_are_all_missed_give_zero_and_predictions_without_cells_give_nan() -> None:
    truth, predictions = crowded_image(4)
    missed = measure_average_precision(truth, NO_ROWS, n_images=1, n_categories=1)
    assert (missed.mean_ap50, missed.mean_ap50_95) == (0, 0)
    spurious = measure_average_precision(NO_ROWS, predictions, n_images=1, n_categories=1)
    assert np.isnan(spurious.mean_ap50)


def test_a_category_with_nothing_but_a_crowd_has_no_truth() -> None:
    truth, predictions = crowded_image(1)
    crowd = DetectionTable(truth.image, truth.category, truth.boxes, crowd=np.array([True]))
    result = measure_average_precision(crowd, predictions, n_images=1, n_categories=1)
    assert np.isnan(result.mean_ap50)


def test_nothing_is_printed_and_no_table_is_changed(make_scene, capfd: pytest.CaptureFixture[str]) -> None:
    scene = make_scene(0)
    before = scene.boxes.copy(), scene.true_boxes.copy()
    measure(scene)
    np.testing.assert_array_equal(scene.boxes, before[0])
    np.testing.assert_array_equal(scene.true_boxes, before[1])
    assert capfd.readouterr() == ("", "")


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    truth, predictions = crowded_image(2)
    with pytest.raises(ValueError, match="`predictions` must have scores"):
        measure_average_precision(truth, truth, n_images=1, n_categories=1)
    with pytest.raises(ValueError, match=r"`truth.image` must be below `n_images` \(0\), got 0"):
        measure_average_precision(truth, predictions, n_images=0, n_categories=1)
    with pytest.raises(ValueError, match=r"`truth.category` must be below `n_categories` \(0\), got 0"):
        measure_average_precision(truth, predictions, n_images=1, n_categories=0)
    with pytest.raises(ValueError, match=r"`image` must have shape \(2,\)"):
        DetectionTable(truth.image[:1], truth.category, truth.boxes)
