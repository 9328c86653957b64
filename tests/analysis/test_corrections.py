"""Every change that a person makes is told for what it is, and every object is told of exactly once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.correction_matching import CorrectionRules
from cell_pipelines.analysis.correction_tables import CHANGES
from cell_pipelines.analysis.corrections import Corrections, compare_corrections
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


def test_crowds_are_left_out() -> None:
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


def several(objects: list[tuple[int, str, int, int, int, str]]) -> AnnotationSet:
    builder = AnnotationBuilder()
    for number in range(3):
        builder.add_image(f"{number}.png", width=SIZE, height=SIZE)
    for image, geometry, x, y, side, category in objects:
        add(builder, image, geometry, (x, y, side), category)
    return builder.build()


@settings(max_examples=25, deadline=None)
@given(squares, squares)
def test_every_object_is_told_of_once_and_the_counts_add_up(before: list[tuple], after: list[tuple]) -> None:
    one, other = several(before), several(after)
    found = compare_corrections(one, other)
    told = found.objects
    pieces = {"split": "proposed", "merged": "corrected"}
    for change, repeated in pieces.items():
        assert (told[told["change"] == change].groupby(repeated).size() >= 2).all()
    for side, annotations, whole in (("proposed", one, "split"), ("corrected", other, "merged")):
        rows = told[side].dropna()
        assert sorted(set(rows)) == list(range(annotations.n_objects))
        once = told[told["change"] != whole][side].dropna()
        assert once.is_unique
    total = found.total().iloc[0]
    rows = told["change"].value_counts().reindex(CHANGES).fillna(0)
    alike = total["kept"] + total["reshaped"] + total["reclassified"]
    assert total["proposed"] == alike + total["removed"] + total["split"] + rows["merged"] == one.n_objects
    assert total["corrected"] == alike + total["added"] + total["merged"] + rows["split"] == other.n_objects
    assert found.images["proposed"].tolist() == np.bincount(one.image_index, minlength=3).tolist()


@settings(max_examples=10, deadline=None)
@given(squares, squares)
def test_images_in_chunks_give_the_same(before: list[tuple], after: list[tuple]) -> None:
    one, other = several(before), several(after)
    whole = compare_corrections(one, other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cell_pipelines.analysis.corrections._OBJECTS_AT_ONCE", 1)
        parts = compare_corrections(one, other)
    pd.testing.assert_frame_equal(parts.objects, whole.objects)
    pd.testing.assert_frame_equal(parts.images, whole.images)


@settings(max_examples=10, deadline=None)
@given(squares)
def test_what_is_left_alone_is_kept(objects: list[tuple]) -> None:
    annotations = several(objects)
    found = compare_corrections(annotations, annotations)
    assert set(found.objects["change"]) <= {"kept"}
    assert found.total()["kept"].tolist() == [annotations.n_objects]


@pytest.mark.parametrize(
    "wrong", [{"matched_iou": 0}, {"matched_iou": 0.9, "same_iou": 0.8}, {"part_share": 2}, {"same_px": 20}]
)
def test_rules_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        CorrectionRules(**wrong)


def test_the_rules_name_everything_that_is_wrong_at_once() -> None:
    with pytest.raises(ValueError, match=r"`matched_iou`.*`part_share`.*`same_px`"):
        CorrectionRules(matched_iou=0, part_share=0, same_px=-1)


def test_ten_thousand_objects_in_one_image_are_compared_without_a_table_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    builders = AnnotationBuilder(), AnnotationBuilder()
    for builder in builders:
        builder.add_image("a.png", width=10_000, height=10_000)
    for x, y in rng.uniform(0, 9_900, (10_000, 2)).tolist():
        builders[0].add_box(0, "cell", (x, y, x + 40, y + 40))
        builders[1].add_box(0, "cell", (x + 1, y, x + 41, y + 40))
    total = compare_corrections(*(b.build() for b in builders)).total().iloc[0]
    assert total["reshaped"] > 9_000
