"""Overlays draw each kind of box in its colour, and leave the image they are given alone."""

import numpy as np
import pytest

from cell_pipelines.report.overlays.boxes import contact_sheet, overlay_matches, overlay_predictions
from cell_pipelines.report.overlays.display import to_display
from cell_pipelines.report.palette import FALSE_POSITIVE, MISSED, TRUE_POSITIVE, category_colour

NO_BOXES = np.zeros((0, 4))
NO_FLAGS = np.zeros(0, dtype=bool)
NO_CATEGORIES = np.zeros(0, dtype=int)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, (420, 500), dtype=np.uint8)


def test_each_kind_has_its_colour_at_the_border_of_its_box(image: np.ndarray) -> None:
    true = np.array([[50.0, 50, 90, 100], [200, 200, 260, 250]])
    predicted = np.array([[52.0, 48, 92, 98], [300, 60, 350, 110]])
    flags = np.array([True, False])
    drawn = overlay_matches(image, true, predicted, found=flags, correct=flags)
    assert tuple(drawn[48, 52]) == TRUE_POSITIVE
    assert tuple(drawn[97, 91]) == TRUE_POSITIVE
    assert tuple(drawn[60, 300]) == FALSE_POSITIVE
    assert tuple(drawn[200, 200]) == MISSED
    assert tuple(drawn[249, 259]) == MISSED
    assert not (drawn[70, 50] == TRUE_POSITIVE).all(), "a found cell is shown by its prediction, not by the truth"


def test_without_boxes_the_image_is_shown_as_it_is(image: np.ndarray) -> None:
    for drawn in (
        overlay_matches(image, NO_BOXES, NO_BOXES, found=NO_FLAGS, correct=NO_FLAGS),
        overlay_predictions(image, NO_BOXES, NO_CATEGORIES, ["a"], scores=np.zeros(0)),
        overlay_predictions(image, NO_BOXES, NO_CATEGORIES, []),
    ):
        assert (drawn[:420, :500] == to_display(image)).all()
        assert drawn.dtype == np.uint8


def test_nothing_that_comes_in_is_changed(image: np.ndarray) -> None:
    boxes, categories, flags = np.array([[5.0, 5, 80, 60]]), np.array([0]), np.array([False])
    before = image.copy()
    overlay_matches(image, boxes, boxes, found=flags, correct=flags)
    overlay_predictions(image, boxes, categories, ["a"], scores=np.array([0.5]))
    contact_sheet([(image, boxes, categories)], ["a"])
    assert (image == before).all()
    assert boxes.tolist() == [[5, 5, 80, 60]]


def test_boxes_of_a_small_image_are_enlarged_with_it() -> None:
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    drawn = overlay_predictions(image, np.array([[10.0, 20, 30, 40]]), np.array([1]), ["a", "b"])
    assert tuple(drawn[80, 40]) == category_colour(1)
    assert tuple(drawn[159, 119]) == category_colour(1)
    assert tuple(drawn[120, 80]) == (0, 0, 0)


def test_scores_are_written_only_where_they_fit() -> None:
    image = np.zeros((420, 500), dtype=np.uint8)
    for box, is_written in (([100.0, 100, 200, 200], True), ([100, 100, 110, 200], False), ([100, 0, 200, 90], True)):
        columns = np.array([box]), np.array([0]), ["a"]
        plain = overlay_predictions(image, *columns)[:420]
        scored = overlay_predictions(image, *columns, scores=np.array([0.87]))[:420]
        assert (plain != scored).any() == is_written


def test_a_contact_sheet_has_equal_tiles_for_images_of_all_sizes() -> None:
    box, category = np.array([[0.0, 0, 10, 10]]), np.array([0])
    shapes = [(10, 10), (500, 100, 3), (30, 64), (700, 900, 3), (1, 40)]
    samples = [(np.full(shape, 60, dtype=np.uint8), box, category) for shape in shapes]
    sheet = contact_sheet(samples, ["a"], columns=3, tile=100)
    assert sheet.shape[1] == 3 * 100 + 2 * 8
    assert tuple(sheet[0, 0]) == category_colour(0), "the first image fills its tile"
    assert sheet.shape[0] > 2 * 108


def test_an_empty_contact_sheet_is_a_legend() -> None:
    assert contact_sheet([], ["a", "b"], tile=64).shape[0] < 120


def test_the_same_input_gives_the_same_pixels(image: np.ndarray) -> None:
    columns = np.array([[5.0, 5, 80, 60]]), np.array([0]), ["a"]
    assert (overlay_predictions(image, *columns) == overlay_predictions(image, *columns)).all()


def test_what_does_not_fit_together_is_refused_in_a_sentence(image: np.ndarray) -> None:
    box = np.array([[0.0, 0, 10, 10]])
    with pytest.raises(ValueError, match="`found` must have shape"):
        overlay_matches(image, box, box, found=NO_FLAGS, correct=np.array([True]))
    with pytest.raises(TypeError, match="`correct` must have dtype bool"):
        overlay_matches(image, box, box, found=np.array([True]), correct=np.array([1]))
    with pytest.raises(ValueError, match=r"below the number of `names` \(1\), got 3"):
        overlay_predictions(image, box, np.array([3]), ["a"])
    with pytest.raises(ValueError, match="`boxes` must be finite"):
        overlay_predictions(image, box * np.nan, np.array([0]), ["a"])
    with pytest.raises(ValueError, match="`columns` must be at least 1"):
        contact_sheet([], ["a"], columns=0)
