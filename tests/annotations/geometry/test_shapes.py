"""Areas and shared areas of real shapes agree with drawing them pixel by pixel, whatever the shape."""

from itertools import product

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.geometry.shapes import Shapes, iou_of, near_pairs
from cell_pipelines.annotations.schema import OBJECT_SCHEMA, AnnotationSet

HEIGHT, WIDTH = 23, 31
Mask = NDArray[np.bool_]


def rectangle_ring(x_min: float, y_min: float, x_max: float, y_max: float) -> NDArray[np.float64]:
    return np.array([[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]], dtype=float)


def drawn(rectangles: list[tuple[int, int, int, int]]) -> Mask:
    """Rectangles by the even-odd rule, pixel by pixel."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for x_min, y_min, x_max, y_max in rectangles:
        mask[y_min:y_max, x_min:x_max] ^= True
    return mask


def shapes_of(annotations: AnnotationSet) -> Shapes:
    return Shapes.from_objects(annotations.objects, np.full(annotations.n_objects, HEIGHT))


corners = st.tuples(st.integers(0, WIDTH - 2), st.integers(0, HEIGHT - 2), st.integers(1, 9), st.integers(1, 9)).map(
    lambda c: (c[0], c[1], min(c[0] + c[2], WIDTH), min(c[1] + c[3], HEIGHT))
)
things = st.lists(
    st.tuples(st.sampled_from(["box", "polygon", "mask"]), st.lists(corners, min_size=1, max_size=4)), max_size=6
)


def built(objects: list[tuple[str, list[tuple[int, int, int, int]]]]) -> tuple[AnnotationSet, list[Mask]]:
    builder, masks = AnnotationBuilder(["cell"]), []
    builder.add_image("a.png", width=WIDTH, height=HEIGHT)
    for geometry, rectangles in objects:
        if geometry == "box":
            builder.add_box(0, "cell", rectangles[0])
            masks.append(drawn(rectangles[:1]))
            continue
        masks.append(drawn(rectangles))
        if geometry == "polygon":
            builder.add_polygon(0, "cell", [rectangle_ring(*r) for r in rectangles])
        else:
            builder.add_object(0, "cell", "mask", mask_box(masks[-1]), counts=mask_to_run_lengths(masks[-1]))
    return builder.build(), masks


@settings(max_examples=50, deadline=None)
@given(things)
def test_areas_and_shared_areas_are_those_of_the_pixels(
    objects: list[tuple[str, list[tuple[int, int, int, int]]]],
) -> None:
    annotations, masks = built(objects)
    shapes = shapes_of(annotations)
    assert shapes.areas == pytest.approx([mask.sum() for mask in masks])
    pairs = np.array(list(product(range(len(masks)), repeat=2)), dtype=np.int64).reshape(-1, 2)
    shared = shapes.shared_areas(pairs[:, 0], pairs[:, 1])
    assert shared == pytest.approx([(masks[a] & masks[b]).sum() for a, b in pairs])


def test_a_hole_an_island_and_a_piece_are_distinguished() -> None:
    rings = [(0, 0, 12, 12), (2, 2, 10, 10), (4, 4, 8, 8), (20, 0, 22, 2)]
    annotations, (mask,) = built([("polygon", rings)])
    assert shapes_of(annotations).areas[0] == 12**2 - 8**2 + 4**2 + 2**2 == mask.sum()


def test_a_ring_given_twice_fills_nothing() -> None:
    annotations, _ = built([("polygon", [(0, 0, 9, 9), (0, 0, 9, 9)])])
    assert shapes_of(annotations).areas[0] == 0


def test_a_figure_of_eight_counts_both_halves_and_a_line_nothing() -> None:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", width=20, height=20)
    builder.add_polygon(row, "cell", [np.array([[0, 0], [10, 10], [10, 0], [0, 10]], float)])
    builder.add_polygon(row, "cell", [np.array([[0, 0], [10, 0], [5, 0]], float)])
    assert shapes_of(builder.build()).areas.tolist() == [50.0, 0.0]


def test_rings_that_are_none_leave_an_object_without_area() -> None:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", width=20, height=20)
    builder.add_object(row, "cell", "polygon", (0, 0, 4, 4), rings=[np.array([0.0, 0, 4, 4])])
    builder.add_object(row, "cell", "polygon", (0, 0, 4, 4), rings=[np.array([0.0, 0, np.nan, 4, 4, 4])])
    builder.add_object(row, "cell", "polygon", (0, 0, 4, 4))
    builder.add_object(row, "cell", "mask", (0, 0, 4, 4))
    builder.add_object(row, "cell", "point", (2, 2, 2, 2))
    builder.add_box(row, "cell", (0, 0, 4, 4))
    shapes = shapes_of(builder.build())
    assert shapes.areas.tolist() == [0, 0, 0, 0, 0, 16]
    assert not shapes.shared_areas(np.arange(5), np.full(5, 5)).any()


def test_no_objects_have_no_shapes() -> None:
    shapes = Shapes.from_objects(OBJECT_SCHEMA.empty_table(), np.empty(0, np.int64))
    assert len(shapes) == shapes.areas.size == 0
    none = np.empty(0, np.int64)
    assert shapes.shared_areas(none, none).size == 0
    assert not list(near_pairs(shapes.boxes, none))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(1, 4))
def test_near_pairs_are_all_that_overlap_each_once_and_never_of_two_images(
    seed: int, count: int, n_images: int
) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(-5, 50, (count, 2))
    boxes = np.hstack([low, low + rng.uniform(0, 20, (count, 2))])
    images = rng.integers(0, n_images, count)
    found = [np.stack(pair, axis=1) for pair in near_pairs(boxes, images)]
    pairs = {tuple(pair) for part in found for pair in part.tolist()}
    assert sum(map(len, found)) == len(pairs)
    shapely_boxes = shapely.box(*boxes.T)
    expected = {
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if images[i] == images[j] and shapely.intersects(shapely_boxes[i], shapely_boxes[j])
    }
    assert pairs == expected
    across = {tuple(pair) for part in near_pairs(boxes, images, boxes, images) for pair in np.stack(part, 1).tolist()}
    assert across == expected | {(j, i) for i, j in expected} | {(i, i) for i in range(count)}


def test_the_iou_of_nothing_is_0() -> None:
    assert iou_of(np.array([0.0, 2.0]), np.array([0.0, 4.0]), np.array([0.0, 2.0])).tolist() == [0.0, 0.5]
