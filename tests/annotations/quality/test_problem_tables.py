"""Images and classes have their findings, and the tables are in order."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.quality.problems import QualityLimits, find_quality_problems
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images

from .test_problems import SIZE, Field, listed, square, square_ring


@pytest.fixture
def tidy() -> Field:
    """Objects of every geometry, none of them wrong."""
    field = Field().box(*square(0, 0)).box(*square(190, 190)).box(*square(10, 0))
    field.polygon(square_ring(30, 30, 20), square_ring(35, 35, 5), square_ring(60, 30))
    return field.mask((100, 100, 12), (120, 100, 3)).point(5, 100).point(8, 100)


def test_images_without_objects_are_listed() -> None:
    builder = AnnotationBuilder(("cell",))
    for name in ("b.png", "a.png"):
        builder.add_image(name, width=SIZE, height=SIZE)
    problems = find_quality_problems(builder.build())
    assert problems[["kind", "image"]].to_numpy().tolist() == [
        ["empty_image", "b.png"], ["empty_image", "a.png"], ["unused_class", ""],
    ]  # fmt: skip


def test_rare_and_unused_classes_are_listed() -> None:
    field = Field("cell", "rare", "never")
    for place in range(11):
        field.point(10 * place, 5)
    field.point(50, 50, "rare")
    problems = field.problems()
    assert problems[["kind", "category"]].to_numpy().tolist() == [
        ["unused_class", "never"],
        ["class_imbalance", "rare"],
    ]
    assert problems["value"][1] == pytest.approx(1 / 11)
    assert listed(field.problems(class_ratio=0.05)) == [("unused_class", "")]


def test_findings_do_not_depend_on_how_images_are_put_into_chunks(
    make_annotations: Callable[..., AnnotationSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = make_annotations(3, geometries=("box", "polygon", "mask", "point"))
    whole = find_quality_problems(annotations)
    monkeypatch.setattr("cell_pipelines.annotations.quality.problems._OBJECTS_AT_ONCE", 1)
    monkeypatch.setattr("cell_pipelines.annotations.geometry.shapes._MOST_CANDIDATES", 1)
    pd.testing.assert_frame_equal(find_quality_problems(annotations), whole)


def test_findings_of_an_image_do_not_depend_on_the_order_of_objects_of_others(
    make_annotations: Callable[..., AnnotationSet],
) -> None:
    annotations = make_annotations(4, geometries=("box", "polygon", "mask"))
    order = np.argsort(-annotations.image_index, kind="stable")
    turned = AnnotationSet(annotations.images, annotations.objects.take(pa.array(order)), annotations.categories)
    columns = ["kind", "image", "category", "value"]
    pd.testing.assert_frame_equal(find_quality_problems(annotations)[columns], find_quality_problems(turned)[columns])


def test_the_set_is_not_changed(make_annotations: Callable[..., AnnotationSet]) -> None:
    annotations = make_annotations(5, geometries=("box", "polygon", "mask", "point"))
    before = annotations.fingerprint()
    find_quality_problems(annotations)
    find_quality_problems(select_images(annotations, [0]))
    assert annotations.fingerprint() == before


def test_limits_outside_their_range_are_all_named() -> None:
    with pytest.raises(
        ValueError, match=r"`min_area` must be 0 or more, got -1.*`overlap_iou` must be at most 1, got 2"
    ):
        QualityLimits(min_area=-1, overlap_iou=2)
    with pytest.raises(ValueError, match="nan"):
        QualityLimits(class_ratio=float("nan"))
