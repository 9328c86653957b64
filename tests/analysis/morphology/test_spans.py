"""The pixels of cells: every cell in full, and only outlines are taken."""

import numpy as np
import pytest

from cell_pipelines.analysis.morphology.spans import find_spans
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.schema import AnnotationSet


def square(low: float, high: float) -> np.ndarray:
    return np.array([[low, low], [high, low], [high, high], [low, high]], dtype=float)


def test_spans_cover_the_pixels_of_each_cell(labels, to_cells) -> None:
    spans = find_spans(to_cells(labels))
    drawn = np.zeros_like(labels)
    for cell, value in enumerate(np.unique(labels[labels > 0])):
        for piece in range(spans.starts[cell], spans.starts[cell + 1]):
            drawn[spans.top[piece] : spans.bottom[piece], spans.column[piece]] += value
    assert (drawn == labels).all()


def test_cells_that_lie_over_each_other_are_there_in_full_in_their_order() -> None:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", height=20, width=20)
    mask = np.zeros((20, 20), dtype=bool)
    mask[:5] = True
    builder.add_polygon(row, "cell", [square(2, 12)])
    builder.add_object(row, "cell", "mask", (0, 0, 20, 5), counts=mask_to_run_lengths(mask))
    builder.add_polygon(row, "cell", [square(2, 12)])
    builder.add_polygon(row, "cell", [square(2, 12), square(4, 6)])
    builder.add_polygon(row, "cell", [square(15, 40)])
    builder.add_polygon(row, "cell", [square(3.6, 4.4)])
    spans = find_spans(builder.build())
    pixels = [int((spans.bottom - spans.top)[a:b].sum()) for a, b in zip(spans.starts, spans.starts[1:], strict=False)]
    assert pixels == [100, 100, 100, 96, 25, 0]


def test_polygons_have_the_pixels_of_the_drawn_labels() -> None:
    rng = np.random.default_rng(0)
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", height=50, width=60)
    builder.add_polygon(row, "cell", [rng.uniform(0, 50, (9, 2))])
    cells = builder.build()
    spans = find_spans(cells)
    assert (spans.bottom - spans.top).sum() == objects_to_labels(cells)[0].sum() > 0


@pytest.mark.parametrize("kind", ["box", "point"])
def test_boxes_and_points_are_refused_in_one_sentence(kind: str) -> None:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", height=20, width=20)
    builder.add_polygon(row, "cell", [square(2, 12)])
    builder.add_object(row, "cell", kind, (1, 1, 4, 4))
    with pytest.raises(ValueError, match=f"must have outlines .* for morphology, got 1 of kind {kind} in a.png"):
        find_spans(builder.build())


def test_other_than_one_image_and_masks_larger_than_it_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold one image, got 0"):
        find_spans(AnnotationSet.empty())
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", height=2, width=2)
    builder.add_object(row, "cell", "mask", (0, 0, 3, 3), counts=np.array([0, 9], np.uint32))
    with pytest.raises(ValueError, match="masks must have 4 pixels"):
        find_spans(builder.build())
