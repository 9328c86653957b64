"""Outlines lie on the borders of their cells, in the colour of what became of them, and strips show every model."""

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.report.figures.montage import busiest_window, join_panels, panel_strip, score_panels
from cell_pipelines.report.overlays.display import to_display
from cell_pipelines.report.overlays.drawing import Pen
from cell_pipelines.report.overlays.instances import draw_objects, overlay_instances
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.report.palette import FALSE_POSITIVE, MISSED, TRUE_POSITIVE, category_colour

NO_FLAGS = np.zeros(0, dtype=bool)
RED = Pen((255, 0, 0))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, (420, 500), dtype=np.uint8)


def labels_of(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (420, 500)) -> np.ndarray:
    labels = np.zeros(shape, dtype=np.int32)
    for number, (left, top, right, bottom) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return labels


def objects(kind: str, *boxes: tuple[int, int, int, int], shape: tuple[int, int] = (420, 500)) -> AnnotationSet:
    builder = AnnotationBuilder(("cell",))
    row = builder.add_image("a.png", height=shape[0], width=shape[1])
    for left, top, right, bottom in boxes:
        mask = np.zeros(shape, dtype=bool)
        mask[top:bottom, left:right] = True
        counts = mask_to_run_lengths(mask) if kind == "mask" else None
        builder.add_object(row, "cell", kind, (left, top, right, bottom), counts=counts, score=0.5)
    return builder.build()


def test_each_kind_has_its_colour_on_the_border_of_its_cell(image: np.ndarray) -> None:
    true, found = labels_of((50, 50, 90, 100), (200, 200, 260, 250)), labels_of((52, 48, 92, 98), (300, 60, 350, 110))
    flags = np.array([True, False])
    drawn = overlay_instances(image, true, found, found=flags, correct=flags)
    assert tuple(drawn[48, 70]) == TRUE_POSITIVE
    assert tuple(drawn[80, 300]) == FALSE_POSITIVE
    assert (drawn[200:250, 200:260] == MISSED).all(axis=2).any()
    assert not (drawn[70:90, 50] == TRUE_POSITIVE).all(axis=1).any(), "a found cell is shown by its prediction"
    assert (drawn[65:85, 65:80] == to_display(image)[65:85, 65:80]).all(), "the cell itself stays visible"


def test_a_missed_cell_is_dashed_and_a_false_one_is_crossed(image: np.ndarray) -> None:
    labels, none = labels_of((100, 100, 200, 200)), np.zeros((420, 500), np.int32)
    missed = overlay_instances(image, labels, none, found=np.array([False]), correct=NO_FLAGS)
    share = (missed[100, 105:195] == MISSED).all(axis=1).mean()
    assert 0.2 < share < 0.8
    false = overlay_instances(image, none, labels, found=NO_FLAGS, correct=np.array([False]))
    assert (false[90:99, 200:206] == FALSE_POSITIVE).all(axis=2).any(), "an arm of the cross, outside the cell"


def test_without_cells_the_image_is_shown_as_it_is(image: np.ndarray) -> None:
    none = np.zeros((420, 500), np.int32)
    drawn = overlay_instances(image, none, none, found=NO_FLAGS, correct=NO_FLAGS)
    assert (drawn[:420, :500] == to_display(image)).all()
    assert (draw_objects(to_display(image), objects("mask")) == to_display(image)).all()


def test_a_small_image_is_enlarged_and_nothing_given_is_changed() -> None:
    image, labels = np.full((40, 50, 3), 100, np.uint8), labels_of((10, 10, 20, 20), shape=(40, 50))
    copies = image.copy(), labels.copy()
    drawn = overlay_instances(image, labels, labels, found=np.array([True]), correct=np.array([True]))
    assert drawn.shape[1] >= 400
    assert tuple(drawn[80, 120]) == TRUE_POSITIVE
    assert (image == copies[0]).all()
    assert (labels == copies[1]).all()


def test_holes_are_outlined_and_labels_without_a_pen_are_not() -> None:
    labels = labels_of((10, 10, 40, 40), (50, 10, 60, 20), shape=(60, 80))
    labels[20:30, 20:30] = 0
    canvas = np.full((60, 80, 3), 90, np.uint8)
    drawn = draw_outlines(canvas, labels, [RED, None], width=1)
    red = (drawn == RED.colour).all(axis=2)
    assert red[10, 10:40].all()
    assert red[19, 21:29].all()
    assert (drawn[5:25, 45:] == 90).all()
    assert (draw_outlines(canvas, labels, [], width=2) == canvas).all()


def test_what_does_not_fit_is_refused(image: np.ndarray) -> None:
    labels = labels_of((10, 10, 20, 20))
    with pytest.raises(ValueError, match="`found` must have shape"):
        overlay_instances(image, labels, labels, found=NO_FLAGS, correct=np.array([True]))
    with pytest.raises(ValueError, match="`labels` must have the image's height"):
        overlay_instances(image, labels, labels[:-1], found=np.array([True]), correct=np.array([True]))
    with pytest.raises(ValueError, match="'a model' must hold one image of the size"):
        panel_strip(image, objects("mask"), {"a model": objects("box", shape=(10, 10))})


def test_a_strip_shows_the_image_the_truth_and_every_model(image: np.ndarray) -> None:
    cell = (60, 60, 90, 100)
    given = {
        "a network": objects("mask", cell),
        "a detector": objects("box", cell),
        "a counter": objects("point", cell),
    }
    strip = panel_strip(image, objects("mask", cell), given, side=200, columns=5)
    assert strip.shape[1] == 5 * 400 + 4 * 8
    blue = (strip == category_colour(0)).all(axis=2)
    assert [bool(blue[:, x : x + 400].any()) for x in range(0, 5 * 408, 408)] == [False, True, True, True, True]
    assert panel_strip(image, objects("mask"), {}, side=64).dtype == np.uint8


@pytest.mark.parametrize("side", [16, 420, 1000])
def test_scores_become_panels_of_any_window(image: np.ndarray, side: int) -> None:
    scores = np.random.default_rng(1).random((420, 500)).astype(np.float32)
    labels = labels_of((300, 300, 340, 350))
    four, three = score_panels(image, scores, labels, labels, side=side), score_panels(image, scores, labels, side=side)
    assert four.shape[1] > three.shape[1]
    empty = score_panels(image, scores * 0, labels * 0, labels * 0, side=side)
    assert empty.shape == four.shape
    with pytest.raises(ValueError, match="`scores` must have"):
        score_panels(image, scores[:10], labels)


def test_the_window_holds_the_most_cells() -> None:
    crowd = np.array([[x, y, x + 4, y + 4] for x in (300, 320, 340) for y in (200, 220)], dtype=float)
    boxes = np.concatenate([crowd, [[10, 10, 14, 14]]])
    top, left, height, width = busiest_window((420, 500), boxes, 100)
    assert (height, width) == (100, 100)
    assert left <= 300
    assert left + width >= 344
    assert top <= 200
    assert top + height >= 224
    assert busiest_window((420, 500), np.zeros((0, 4)), 100) == (160, 200, 100, 100)
    assert busiest_window((30, 40), boxes, 100) == (0, 0, 30, 40)


def test_panels_are_laid_out_in_rows() -> None:
    panel = np.zeros((50, 400, 3), np.uint8)
    assert join_panels([(panel, "a")] * 3, columns=2).shape[1] == 808
    with pytest.raises(ValueError, match="must be at least 1"):
        join_panels([], columns=2)


def test_a_large_enough_window_has_an_enlarged_detail_below(image: np.ndarray) -> None:
    given = image, objects("mask", (50, 50, 90, 100)), {"a model": objects("mask", (52, 48, 92, 98))}
    plain, detailed = (panel_strip(*given, detail=detail) for detail in (0, 100))
    assert detailed.shape[1] == plain.shape[1]
    assert detailed.shape[0] > 1.8 * plain.shape[0]
    assert panel_strip(*given, detail=210).shape == plain.shape, "more than half of the window"
