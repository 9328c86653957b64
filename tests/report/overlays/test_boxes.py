"""Overlays draw each kind of box in its colour, and leave the image they are given alone."""

import numpy as np
import pytest

from cell_pipelines.report.overlays.boxes import contact_sheet, overlay_matches
from cell_pipelines.report.overlays.display import to_display
from cell_pipelines.report.palette import FALSE_POSITIVE, MISSED, TRUE_POSITIVE, category_colour

NO_BOXES = np.zeros((0, 4))
NO_FLAGS = np.zeros(0, dtype=bool)


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
    drawn = overlay_matches(image, NO_BOXES, NO_BOXES, found=NO_FLAGS, correct=NO_FLAGS)
    assert (drawn[:420, :500] == to_display(image)).all()
    assert drawn.dtype == np.uint8


def test_nothing_that_comes_in_is_changed(image: np.ndarray) -> None:
    boxes, categories, flags = np.array([[5.0, 5, 80, 60]]), np.array([0]), np.array([False])
    before = image.copy()
    overlay_matches(image, boxes, boxes, found=flags, correct=flags)
    contact_sheet([(image, boxes, categories)], ["a"])
    assert (image == before).all()
    assert boxes.tolist() == [[5, 5, 80, 60]]


def test_boxes_of_a_small_image_are_enlarged_with_it() -> None:
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    box = np.array([[10.0, 20, 30, 40]])
    drawn = overlay_matches(image, box, box, found=np.array([True]), correct=np.array([True]))
    assert tuple(drawn[80, 40]) == TRUE_POSITIVE
    assert tuple(drawn[159, 119]) == TRUE_POSITIVE
    assert tuple(drawn[120, 80]) == (0, 0, 0)


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
    samples = [(image, np.array([[5.0, 5, 80, 60]]), np.array([0]))]
    assert (contact_sheet(samples, ["a"]) == contact_sheet(samples, ["a"])).all()


def test_what_does_not_fit_together_is_refused_in_a_sentence(image: np.ndarray) -> None:
    box = np.array([[0.0, 0, 10, 10]])
    with pytest.raises(ValueError, match="`found` must have shape"):
        overlay_matches(image, box, box, found=NO_FLAGS, correct=np.array([True]))
    with pytest.raises(TypeError, match="`correct` must have dtype bool"):
        overlay_matches(image, box, box, found=np.array([True]), correct=np.array([1]))
    with pytest.raises(ValueError, match=r"below the number of `names` \(1\), got 3"):
        contact_sheet([(image, box, np.array([3]))], ["a"])
    with pytest.raises(ValueError, match="`boxes` must be finite"):
        contact_sheet([(image, box * np.nan, np.array([0]))], ["a"])
    with pytest.raises(ValueError, match="`columns` must be at least 1"):
        contact_sheet([], ["a"], columns=0)
