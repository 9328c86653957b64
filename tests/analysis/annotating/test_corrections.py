"""Every change that a person makes is told for what it is, and every object is told of exactly once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from cell_pipelines.analysis.annotating.correction_matching import CorrectionRules
from cell_pipelines.analysis.annotating.correction_tables import CHANGES
from cell_pipelines.analysis.annotating.corrections import Corrections, compare_corrections
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.schema import AnnotationSet

SIZE = 100
Square = tuple[int, int, int]


def add(builder: AnnotationBuilder, row: int, geometry: str, square: Square, category: str = "cell") -> None:
    x, y, side = square
    box = (x, y, x + side, y + side)
    if geometry == "box":
        builder.add_box(row, category, box)
    elif geometry == "polygon":
        builder.add_polygon(row, category, [np.array([box[:2], (box[2], y), box[2:], (x, box[3])], float)])
    elif geometry == "mask":
        mask = np.zeros((SIZE, SIZE), bool)
        mask[y : y + side, x : x + side] = True
        builder.add_object(row, category, "mask", mask_box(mask), counts=mask_to_run_lengths(mask))
    else:
        builder.add_object(row, category, "point", (x, y, x, y))


def field(*squares: Square, geometry: str = "box", category: str = "cell", name: str = "a.png") -> AnnotationSet:
    builder = AnnotationBuilder()
    row = builder.add_image(name, width=SIZE, height=SIZE)
    for square in squares:
        add(builder, row, geometry, square, category)
    return builder.build()


def changes_of(corrections: Corrections) -> list[tuple[str, int | None, int | None]]:
    columns = corrections.objects[["change", "proposed", "corrected"]].astype(object)
    return [tuple(None if pd.isna(v) else v for v in row) for row in columns.itertuples(index=False)]


AREAS = ("box", "polygon", "mask")


@pytest.mark.parametrize("proposed", AREAS)
@pytest.mark.parametrize("corrected", AREAS)
def test_changes_are_told_whatever_the_geometry(proposed: str, corrected: str) -> None:
    before = field((0, 0, 20), (40, 0, 20), (80, 80, 10), geometry=proposed)
    after = field((42, 0, 20), (0, 0, 20), (0, 80, 10), geometry=corrected)
    found = compare_corrections(before, after)
    assert changes_of(found) == [("added", None, 2), ("kept", 0, 1), ("reshaped", 1, 0), ("removed", 2, None)]
    assert found.objects["iou"].tolist()[1:3] == pytest.approx([1, 18 / 22])
    (image,) = found.images.to_dict("records")
    assert (image["precision"], image["recall"]) == (2 / 3, 2 / 3)
    assert image["mean_iou"] == pytest.approx((1 + 18 / 22) / 2)


@pytest.mark.parametrize("geometry", AREAS)
def test_one_cut_into_several_and_several_made_one_mirror_each_other(geometry: str) -> None:
    whole = field((0, 0, 40), (60, 60, 20), geometry=geometry)
    pieces = field((0, 0, 20), (20, 0, 20), (0, 20, 20), (60, 60, 20), geometry=geometry)
    assert changes_of(compare_corrections(whole, pieces)) == [
        ("split", 0, 0), ("split", 0, 1), ("split", 0, 2), ("kept", 1, 3),
    ]  # fmt: skip
    merged = compare_corrections(pieces, whole)
    assert changes_of(merged) == [("merged", 0, 0), ("merged", 1, 0), ("merged", 2, 0), ("kept", 3, 1)]
    (image,) = merged.images.to_dict("records")
    assert (image["merged"], image["proposed"], image["corrected"]) == (1, 4, 2)
    assert (image["precision"], image["recall"]) == (1 / 4, 1 / 2)


def test_a_cut_is_one_though_the_larger_piece_would_match_the_whole() -> None:
    builder, after = AnnotationBuilder(), AnnotationBuilder()
    for one in (builder, after):
        one.add_image("a.png", width=SIZE, height=SIZE)
    builder.add_box(0, "cell", (0, 0, 100, 10))
    after.add_box(0, "cell", (0, 0, 70, 10))
    after.add_box(0, "cell", (70, 0, 100, 10))
    assert changes_of(compare_corrections(builder.build(), after.build())) == [("split", 0, 0), ("split", 0, 1)]


def test_a_cell_added_inside_another_is_no_cut() -> None:
    before = field((0, 0, 40))
    assert changes_of(compare_corrections(before, field((0, 0, 40), (5, 5, 10)))) == [
        ("added", None, 1),
        ("kept", 0, 0),
    ]
    assert changes_of(compare_corrections(before, field((0, 0, 36), (5, 5, 10)))) == [
        ("added", None, 1), ("reshaped", 0, 0),
    ]  # fmt: skip


def test_two_specks_in_a_removed_object_are_no_cut() -> None:
    found = compare_corrections(field((0, 0, 40)), field((0, 0, 5), (20, 20, 5)))
    assert changes_of(found) == [("added", None, 0), ("added", None, 1), ("removed", 0, None)]


def test_nested_objects_that_are_left_alone_are_kept() -> None:
    nested = field((0, 0, 40), (5, 5, 10), (25, 5, 10))
    assert {change for change, *_ in changes_of(compare_corrections(nested, nested))} == {"kept"}


def test_another_class_is_a_change_and_of_equal_shapes_that_of_one_class_is_matched() -> None:
    found = compare_corrections(field((0, 0, 20)), field((1, 0, 20), category="debris"))
    assert changes_of(found) == [("reclassified", 0, 0)]
    assert found.objects[["proposed_category", "corrected_category"]].to_numpy().tolist() == [["cell", "debris"]]
    assert found.images["precision"][0] == 0
    builder = AnnotationBuilder(("debris", "cell"))
    row = builder.add_image("a.png", width=SIZE, height=SIZE)
    for category in ("debris", "cell"):
        builder.add_box(row, category, (0, 0, 20, 20))
    assert changes_of(compare_corrections(field((0, 0, 20)), builder.build())) == [("added", None, 0), ("kept", 0, 1)]


def test_points_are_matched_by_their_distance_and_never_with_areas() -> None:
    before = field((10, 10, 0), (50, 50, 0), (90, 90, 0), geometry="point")
    after = field((10, 10, 0), (53, 54, 0), (70, 90, 0), geometry="point")
    found = compare_corrections(before, after)
    assert changes_of(found) == [("added", None, 2), ("kept", 0, 0), ("reshaped", 1, 1), ("removed", 2, None)]
    assert found.objects["distance_px"].tolist()[1:3] == [0, 5]
    assert found.objects["iou"].isna().all()
    assert np.isnan(found.images["mean_iou"][0])
    assert changes_of(compare_corrections(before, after, rules=CorrectionRules(matched_px=4)))[1][0] == "added"
    areas = field((5, 5, 10))
    assert [c for c, *_ in changes_of(compare_corrections(field((10, 10, 0), geometry="point"), areas))] == [
        "added", "removed",
    ]  # fmt: skip


def test_a_box_without_area_that_is_left_alone_is_kept() -> None:
    flat = field((10, 10, 0))
    assert changes_of(compare_corrections(flat, flat)) == [("kept", 0, 0)]


def test_ignored_regions_are_left_out() -> None:
    builder = AnnotationBuilder()
    builder.add_box(builder.add_image("a.png", width=SIZE, height=SIZE), "cell", (0, 0, 50, 50), crowd=True)
    found = compare_corrections(builder.build(), field((0, 0, 20)))
    assert changes_of(found) == [("added", None, 0)]
    assert found.images["proposed"].tolist() == [0]


def test_images_of_one_side_only_are_named_and_not_compared() -> None:
    builder = AnnotationBuilder()
    for name in ("a.png", "unseen.png"):
        builder.add_box(builder.add_image(name, width=SIZE, height=SIZE), "cell", (0, 0, 20, 20))
    found = compare_corrections(builder.build(), field((0, 0, 20)))
    assert found.left_out == ("unseen.png",)
    assert found.images["image"].tolist() == ["a.png"]
    with pytest.raises(ValueError, match="images in common"):
        compare_corrections(builder.build(), field((0, 0, 20), name="other.png"))


def test_an_image_of_two_sizes_is_an_error() -> None:
    builder = AnnotationBuilder()
    builder.add_image("a.png", width=7, height=7)
    with pytest.raises(ValueError, match=r"a\.png must have one size"):
        compare_corrections(field(), builder.build())


def test_nothing_proposed_and_nothing_left_is_fine() -> None:
    for found in (
        compare_corrections(AnnotationSet.empty(), AnnotationSet.empty()),
        compare_corrections(field(), field()),
    ):
        assert found.objects.empty
        total = found.total().iloc[0]
        assert total[["proposed", "corrected", *CHANGES]].sum() == 0
        assert np.isnan(total["precision"])
    missed = compare_corrections(field(), field((0, 0, 9))).images.iloc[0]
    assert np.isnan(missed["precision"])
    assert missed["recall"] == 0


places, sides = st.integers(0, 60), st.integers(1, 40)
geometries, classes = st.sampled_from([*AREAS, "point"]), st.sampled_from(["cell", "debris"])
squares = st.lists(st.tuples(st.integers(0, 2), geometries, places, places, sides, classes), max_size=14)
