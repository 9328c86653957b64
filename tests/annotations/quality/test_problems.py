"""Every injected error of a set of annotations is listed, and a tidy set has no findings."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.quality.problems import QualityLimits, find_quality_problems
from cell_pipelines.annotations.quality.table import COLUMNS
from cell_pipelines.annotations.schema import AnnotationSet

SIZE = 200


def square(x: float, y: float, side: float = 10.0) -> tuple[float, float, float, float]:
    return x, y, x + side, y + side


def ring(*vertices: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(vertices, dtype=float)


def square_ring(x: float, y: float, side: float = 10.0) -> NDArray[np.float64]:
    return ring((x, y), (x + side, y), (x + side, y + side), (x, y + side))


class Field:
    """One image of a builder, filled object by object."""

    def __init__(self, *categories: str) -> None:
        self.builder = AnnotationBuilder(categories or ("cell",))
        self.row = self.builder.add_image("a.png", width=SIZE, height=SIZE)

    def box(self, *box: float, category: str = "cell", crowd: bool = False) -> "Field":
        self.builder.add_box(self.row, category, box, crowd=crowd)
        return self

    def polygon(self, *rings: NDArray[np.float64], category: str = "cell") -> "Field":
        self.builder.add_polygon(self.row, category, rings)
        return self

    def mask(self, *squares: tuple[int, int, int], size: int = SIZE, category: str = "cell") -> "Field":
        mask = np.zeros((size, size), bool)
        for x, y, side in squares:
            mask[y : y + side, x : x + side] = True
        counts = mask_to_run_lengths(mask)
        self.builder.add_object(self.row, category, "mask", mask_box(mask), counts=counts)
        return self

    def point(self, x: float, y: float, category: str = "cell") -> "Field":
        self.builder.add_object(self.row, category, "point", (x, y, x, y))
        return self

    def problems(self, **limits: float) -> pd.DataFrame:
        return find_quality_problems(self.builder.build(), limits=QualityLimits(**limits))


def listed(problems: pd.DataFrame) -> list[tuple[str, str]]:
    return list(problems[["kind", "objects"]].itertuples(index=False, name=None))


@pytest.fixture
def tidy() -> Field:
    """Objects of every geometry, none of them wrong."""
    field = Field().box(*square(0, 0)).box(*square(190, 190)).box(*square(10, 0))
    field.polygon(square_ring(30, 30, 20), square_ring(35, 35, 5), square_ring(60, 30))
    return field.mask((100, 100, 12), (120, 100, 3)).point(5, 100).point(8, 100)


def test_a_tidy_set_has_no_findings_but_all_columns(tidy: Field) -> None:
    problems = tidy.problems()
    assert problems.empty
    assert tuple(problems.columns) == COLUMNS


def test_nothing_at_all_is_fine() -> None:
    assert find_quality_problems(AnnotationSet.empty()).empty
    assert find_quality_problems(AnnotationSet.empty(("cell",)))["kind"].tolist() == ["unused_class"]


def test_what_is_given_twice_is_a_duplicate_of_the_first_whatever_its_geometry(tidy: Field) -> None:
    for _ in range(2):
        tidy.box(*square(0.004, 0)).polygon(square_ring(30, 30, 20), square_ring(35, 35, 5), square_ring(60, 30))
        tidy.mask((100, 100, 12), (120, 100, 3)).point(5, 100.004)
    duplicates = ["0, 7", "3, 8", "4, 9", "0, 11", "3, 12", "4, 13"]
    points = ["5, 10", "5, 14"]
    expected = [("duplicate", pair) for pair in duplicates] + [("same_point", pair) for pair in points]
    assert listed(tidy.problems()) == expected


def test_nearly_the_same_is_a_duplicate_within_a_class_and_an_overlap_between_two() -> None:
    found = (
        Field("cell", "debris")
        .box(*square(0, 0, 100))
        .box(*square(0.5, 0, 100))
        .box(*square(0, 0.5, 100), category="debris")
    )
    problems = found.problems()
    assert listed(problems) == [("duplicate", "0, 1"), ("overlap", "0, 2")]
    assert problems["value"].tolist() == pytest.approx([99.5 / 100.5, 0.995])
    assert "of another class" in problems["sentence"][1]
    assert "debris (row 2)" in problems["sentence"][1]
    assert listed(found.problems(across_classes=False)) == [("duplicate", "0, 1")]


def test_boxes_that_overlap_are_evaluated_as_boxes_and_polygons_by_what_they_cover() -> None:
    triangle, opposite = ring((0, 0), (50, 0), (0, 50)), ring((50, 51), (50, 1), (1, 50))
    assert Field().polygon(triangle).polygon(opposite).problems().empty
    assert listed(Field().box(0, 0, 50, 50).box(1, 1, 50, 51).problems(duplicate_iou=0.99)) == [("overlap", "0, 1")]


def test_a_small_object_within_a_large_one_is_an_overlap_unless_it_lies_in_a_hole() -> None:
    around = square_ring(0, 0, 100), square_ring(20, 20, 60)
    any_size = {"min_median_share": 0.0}
    assert Field().polygon(*around).polygon(square_ring(30, 30)).problems(**any_size).empty
    assert Field().polygon(*around).mask((30, 30, 10)).problems(**any_size).empty
    assert Field().polygon(*around).box(*square(30, 30)).problems(**any_size).empty
    inside = [
        Field().polygon(*around).mask((5, 30, 10)),
        Field().polygon(*around).box(*square(5, 30)),
        Field().mask((0, 0, 100)).mask((30, 30, 10)),
        Field().mask((0, 0, 100)).box(*square(30, 30)),
    ]
    for field in inside:
        assert listed(field.problems(**any_size)) == [("overlap", "0, 1")]


def test_a_heap_of_objects_is_listed_once_an_object_with_the_worst() -> None:
    heap = Field()
    for shift in (0, 12, 14):
        heap.box(*square(shift, 0, 50))
    problems = heap.problems()
    assert listed(problems) == [("overlap", "0, 1"), ("overlap", "1, 2")]
    assert "1 more" in problems["sentence"][1]


def test_ignored_regions_may_cover_what_they_like() -> None:
    assert Field().box(*square(0, 0, 100), crowd=True).box(*square(10, 10)).problems(min_median_share=0).empty


def test_objects_of_two_images_never_clash() -> None:
    builder = AnnotationBuilder(("cell",))
    for name in ("a.png", "b.png"):
        builder.add_box(builder.add_image(name, width=SIZE, height=SIZE), "cell", square(0, 0))
    assert find_quality_problems(builder.build()).empty


def test_points_of_two_classes_may_share_a_place() -> None:
    field = Field("cell", "dead").point(5, 5).point(5.5, 5).point(5, 5, "dead").point(80, 80, "dead")
    problems = field.problems()
    assert listed(problems) == [("same_point", "0, 1")]
    assert problems["value"].tolist() == [0.5]
    assert field.problems(point_px=0.4).empty


@pytest.mark.parametrize(
    ("box", "side", "depth"),
    [
        ((-3, 0, 9, 9), "left", 3),
        ((0, -2, 9, 9), "top", 2),
        ((190, 0, 201, 9), "right", 1),
        ((0, 190, 9, 204.5), "bottom", 4.5),
    ],
)
def test_objects_that_reach_out_of_the_image_are_listed_with_the_side(
    box: tuple[float, ...], side: str, depth: float
) -> None:
    problems = (
        Field()
        .box(*box)
        .polygon(ring((box[0], box[1]), (box[2], box[1]), (box[2], box[3])))
        .problems(overlap_share=1, overlap_iou=1)
    )
    assert listed(problems) == [("outside", "0"), ("outside", "1")]
    assert problems["value"].tolist() == [depth, depth]
    assert problems["sentence"].str.contains(f"{depth:g} at the {side}").all()


def test_points_may_lie_on_the_border_but_not_beyond() -> None:
    assert listed(Field().point(0, SIZE).point(50, SIZE + 1).problems()) == [("outside", "1")]


@pytest.mark.parametrize(
    ("rings", "kind"),
    [
        ([ring((0, 0), (20, 20), (20, 0), (0, 20))], "self_intersecting"),
        ([square_ring(50, 50, 30), ring((55, 55), (65, 65), (65, 55), (55, 65))], "self_intersecting"),
        ([ring((0, 0), (20, 0), (10, 0))], "self_intersecting"),
        ([ring((0, 0), (10, 10), (20, 0), (20, 20), (10, 10), (0, 20))], "self_touching"),
        ([square_ring(0, 0, 20), square_ring(15, 5, 10)], "crossing_rings"),
        ([square_ring(0, 0, 20), square_ring(0, 0, 20)], "crossing_rings"),
    ],
)  # fmt: skip
def test_outlines_that_cross_are_listed_with_the_place(rings: list[NDArray[np.float64]], kind: str) -> None:
    problems = Field().polygon(*rings).problems(min_area=0)
    assert listed(problems) == [(kind, "0")]
    assert " at (" in problems["sentence"][0]


@pytest.mark.parametrize(
    "rings",
    [
        [square_ring(0, 0, 30), square_ring(5, 5, 20), square_ring(10, 10, 5)],
        [square_ring(5, 5, 20), square_ring(0, 0, 30)],
        [square_ring(0, 0, 30), square_ring(50, 0), square_ring(0, 50)],
    ],
)
def test_islands_pieces_and_a_hole_named_first_are_nothing_wrong(rings: list[NDArray[np.float64]]) -> None:
    assert Field().polygon(*rings).problems().empty


def test_tiny_objects_are_those_below_the_limit_or_far_below_their_class() -> None:
    field = Field("cell", "speck")
    for place in range(5):
        field.box(*square(30 * place, 0, 20)).box(*square(30 * place, 60, 4), category="speck")
    field.box(*square(0, 100, 4)).box(*square(50, 100, 1), category="speck").point(100, 100).mask((150, 150, 4))
    problems = field.problems()
    assert listed(problems) == [("tiny", "10"), ("tiny", "11"), ("tiny", "13")]
    assert problems["value"].tolist() == [16, 1, 16]
    assert "median" in problems["sentence"][0]
    assert "at least 4" in problems["sentence"][1]


def test_masks_without_a_pixel_or_of_another_image_are_listed() -> None:
    field = Field().mask().mask((1, 1, 5)).mask((20, 1, 5), size=100)
    problems = field.problems()
    assert listed(problems) == [("empty_mask", "0"), ("mask_size", "2")]
    assert problems["value"].tolist() == [0, 10_000]
    assert "200x200" in problems["sentence"][1]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e308, -1e300])
def test_numbers_that_are_no_coordinates_are_listed_and_disturb_nothing_else(wrong: float) -> None:
    field = Field().box(0, 0, wrong, 10).point(wrong, 5).box(*square(50, 50)).box(*square(50, 50))
    field.builder.add_object(0, "cell", "polygon", (0, 0, wrong, 5), rings=[np.array([0, 0, wrong, 0, 5, 5.0])])
    field.builder.add_object(0, "cell", "polygon", (0, 0, 5, 5), rings=[np.array([0, 0, 5.0, 5])])
    field.builder.add_object(0, "cell", "polygon", (0, 0, 5, 5))
    problems = field.problems()
    broken = problems[problems["kind"] == "broken_shape"]
    assert broken["objects"].tolist() == ["0", "1", "4", "5", "6"]
    assert ("duplicate", "2, 3") in listed(problems)


def test_boxes_turned_inside_out_are_tiny() -> None:
    assert listed(Field().box(50, 50, 40, 60).problems()) == [("tiny", "0")]
