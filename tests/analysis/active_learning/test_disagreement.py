import numpy as np
import pytest

from cell_pipelines.analysis.active_learning.disagreement import agreement, count_spread, disagreement, turned_back
from cell_pipelines.analysis.active_learning.overlaps import find_overlaps, with_extent
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels
from cell_pipelines.metrics.instances import match_instances

BOXES = [(2, 2, 12, 12), (20, 2, 30, 12), (40, 20, 52, 34)]


def boxes(build, cells, category="cell"):
    return build({"a": [(category, box, 0.9) for box in cells]}, "box")


def test_a_model_agrees_with_itself_and_order_does_not_matter(build):
    one, other = boxes(build, BOXES), boxes(build, BOXES[:1])
    assert agreement(one, one) == 1
    assert agreement(one, other) == agreement(other, one) == pytest.approx(2 * 1 / 4)


def test_two_empty_images_agree_and_an_empty_and_a_full_one_do_not(build):
    empty = boxes(build, [])
    assert agreement(empty, empty) == 1
    assert agreement(empty, boxes(build, BOXES)) == 0


def test_cells_of_another_class_are_not_agreed_upon(build):
    categories = ("live", "dead")
    one = build({"a": [("live", BOXES[0], 0.9)]}, "mask", categories=categories)
    other = build({"a": [("dead", BOXES[0], 0.9)]}, "mask", categories=categories)
    assert agreement(one, other) == 0


def test_outlines_and_frames_of_one_cell_agree(build):
    cells = {"a": [("cell", box, 0.9) for box in BOXES]}
    assert agreement(build(cells, "mask"), build(cells, "box")) == 1


def random_masks(seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros((40, 60), np.int32)
    for number in range(1, 9):
        row, column, height, width = rng.integers((0, 0, 4, 4), (34, 54, 14, 14))
        labels[row : row + height, column : column + width] = number
    builder = AnnotationBuilder(["cell"])
    image = builder.add_image("a", width=60, height=40)
    ids, found, counts = labels_to_objects(labels)
    for box, runs in zip(found, counts, strict=True):
        builder.add_object(image, "cell", "mask", box, counts=runs, score=0.9)
    assert len(ids) == len(found)
    return builder.build()


@pytest.mark.parametrize("seed", range(6))
def test_the_f1_of_masks_is_that_of_the_evaluation(seed):
    one, other = random_masks(seed), random_masks(seed + 100)
    labels = [objects_to_labels(side)[0] for side in (one, other)]
    for iou in (0.1, 0.5):
        expected = match_instances(*labels, thresholds=(iou,)).f1[0]
        assert agreement(one, other, iou=iou) == pytest.approx(expected)


def test_disagreement_is_the_mean_over_pairs_of_models(build):
    full, half, none = (boxes(build, BOXES[:count]) for count in (2, 1, 0))
    expected = np.mean([1 - 2 / 3, 1, 1])
    assert disagreement({"a": full, "b": half, "c": none}) == pytest.approx(expected)
    assert np.isnan(disagreement({"a": full}))


def test_counts_spread_by_their_standard_deviation():
    assert count_spread([4, 4, 4]) == 0
    assert count_spread([0, 0]) == 0
    assert count_spread([8, 12]) == pytest.approx(np.std([8, 12], ddof=1) / 11)
    assert np.isnan(count_spread([3]))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_cells_of_a_turned_image_come_back(turns, mirrored):
    labels = objects_to_labels(random_masks(3))[0]
    turned = np.rot90(labels[:, ::-1] if mirrored else labels, turns)
    builder = AnnotationBuilder(["cell"])
    image = builder.add_image("a", width=turned.shape[1], height=turned.shape[0])
    ids, found, _ = labels_to_objects(np.ascontiguousarray(turned))
    for box in found:
        builder.add_box(image, "cell", box, score=0.5)
    back = turned_back(builder.build(), labels.shape, turns=turns, mirrored=mirrored)
    expected = labels_to_objects(labels)
    assert np.array_equal(ids, expected[0])
    assert np.array_equal(back.boxes, expected[1])
    assert (back.images["height"][0].as_py(), back.images["width"][0].as_py()) == labels.shape


def test_points_share_an_area_only_with_an_extent(build):
    points, cells = build({"a": [("cell", BOXES[0], 0.9)]}, "point"), boxes(build, BOXES)
    assert len(find_overlaps(points, cells).iou) == 0
    grown = with_extent(points, 10.0)
    assert np.array_equal(grown.boxes, [BOXES[0]])
    assert find_overlaps(grown, cells).iou.tolist() == [1.0]
    assert with_extent(cells, 10.0) is cells


def test_shares_tell_a_small_object_in_a_large_one(build):
    pairs = find_overlaps(boxes(build, [(0, 0, 10, 10)]), boxes(build, [(0, 0, 5, 10)]))
    assert (pairs.iou[0], pairs.first_share[0], pairs.second_share[0]) == (0.5, 0.5, 1.0)


def test_several_images_are_refused(build):
    two = build({"a": [], "b": []}, "box")
    with pytest.raises(ValueError, match="one image"):
        find_overlaps(two, two)
