"""What is said of images and classes, and the tables as a whole."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.quality.problems import QualityLimits, find_quality_problems, quality_summary
from cell_pipelines.annotations.quality.table import KINDS
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images

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


def test_images_without_objects_and_without_labels_are_told_apart() -> None:
    builder = AnnotationBuilder(("cell",))
    for name in ("b.png", "a.png", "c.png"):
        builder.add_image(name, width=SIZE, height=SIZE)
    problems = find_quality_problems(builder.build(), unlabelled=["c.png", "never seen.png"])
    assert problems[["kind", "image"]].to_numpy().tolist() == [
        ["empty_image", "b.png"], ["empty_image", "a.png"],
        ["unlabelled_image", "c.png"], ["unlabelled_image", "never seen.png"], ["unused_class", ""],
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


def test_the_summary_counts_every_kind_and_says_what_it_means(tidy: Field) -> None:
    tidy.box(*square(0, 0)).box(*square(0, 0))
    summary = quality_summary(tidy.problems()).set_index("kind")
    assert summary.index.tolist() == list(KINDS)
    assert summary.loc["duplicate", ["findings", "images"]].tolist() == [2, 1]
    assert summary["findings"].sum() == 2
    assert summary["meaning"].tolist() == list(KINDS.values())


def test_limits_outside_their_range_are_all_named() -> None:
    with pytest.raises(
        ValueError, match=r"`min_area` must be 0 or more, got -1.*`overlap_iou` must be at most 1, got 2"
    ):
        QualityLimits(min_area=-1, overlap_iou=2)
    with pytest.raises(ValueError, match="nan"):
        QualityLimits(class_ratio=float("nan"))
