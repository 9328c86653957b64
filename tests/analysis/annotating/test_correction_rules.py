"""Corrections of any sets, and the rules by which they are told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.annotating.correction_matching import CorrectionRules
from cell_pipelines.analysis.annotating.correction_tables import CHANGES
from cell_pipelines.analysis.annotating.corrections import compare_corrections
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet

from .test_corrections import AREAS, SIZE, add, squares

places, sides = st.integers(0, 60), st.integers(1, 40)


geometries, classes = st.sampled_from([*AREAS, "point"]), st.sampled_from(["cell", "debris"])


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
        patch.setattr("cell_pipelines.analysis.annotating.corrections._OBJECTS_AT_ONCE", 1)
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
