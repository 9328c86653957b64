"""The columnar set: what it refuses, what it counts, and a fingerprint of its content alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder, from_boxes
from cell_pipelines.annotations.schema import IMAGE_SCHEMA, OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import concatenate, select_images, select_objects
from cell_pipelines.annotations.storage import read_parquet, write_parquet

SETS = Callable[..., AnnotationSet]


def test_an_empty_set_has_columns_of_no_rows() -> None:
    empty = AnnotationSet.empty(("a", "b"))
    assert (empty.n_images, empty.n_objects, empty.names) == (0, 0, [])
    assert empty.boxes.shape == (0, 4)
    assert empty.counts().shape == (0, 2)
    assert AnnotationSet.empty().counts().shape == (0, 0)
    assert empty.scores.dtype == np.float32
    assert empty.rows_by_image() == []


def test_counts_and_rows_equal_a_count_by_hand(make_annotations: SETS) -> None:
    for seed in range(5):
        annotations = make_annotations(seed)
        by_hand = np.zeros((annotations.n_images, len(annotations.categories)), int)
        for image, category in zip(annotations.image_index, annotations.category, strict=True):
            by_hand[image, category] += 1
        np.testing.assert_array_equal(annotations.counts(), by_hand)
        rows = annotations.rows_by_image()
        assert [r.tolist() for r in rows] == [
            np.flatnonzero(annotations.image_index == i).tolist() for i in range(annotations.n_images)
        ]


def test_ground_truth_has_no_scores_and_a_prediction_has(make_annotations: SETS) -> None:
    assert np.isnan(make_annotations(0).scores).all()
    assert not np.isnan(make_annotations(0, scores=True).scores).any()


@pytest.mark.parametrize(("image", "category"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_objects_of_no_image_or_no_category_are_refused(image: int, category: int) -> None:
    images = pa.Table.from_pylist([{"name": "a.png", "width": 9, "height": 9}], schema=IMAGE_SCHEMA)
    with pytest.raises(ValueError, match=r"of an object must lie in 0\.\.0"):
        from_boxes(images, ["cell"], np.array([image]), np.zeros((1, 4)), np.array([category]))


def test_repeated_names_and_categories_and_missing_values_are_refused() -> None:
    images = pa.Table.from_pylist([{"name": "a.png", "width": 9, "height": 9}] * 2, schema=IMAGE_SCHEMA)
    with pytest.raises(ValueError, match="some names come twice"):
        AnnotationSet(images, OBJECT_SCHEMA.empty_table(), ("cell",))
    with pytest.raises(ValueError, match="`categories` must differ"):
        AnnotationSet.empty(("cell", "cell"))
    objects = pa.Table.from_pylist([{"image": 0}], schema=pa.schema([f.with_nullable(True) for f in OBJECT_SCHEMA]))
    with pytest.raises(ValueError, match="null"):
        AnnotationSet(images.slice(0, 1), objects, ("cell",))


def test_a_fingerprint_tells_of_the_content_and_of_nothing_else(make_annotations: SETS, tmp_path: Path) -> None:
    for seed in range(4):
        annotations = make_annotations(seed, geometries=("box", "polygon", "mask"), scores=bool(seed % 2))
        same = [
            make_annotations(seed, geometries=("box", "polygon", "mask"), scores=bool(seed % 2)),
            select_images(annotations, range(annotations.n_images)),
            select_objects(annotations, np.ones(annotations.n_objects, bool)),
            concatenate([select_images(annotations, [i]) for i in range(annotations.n_images)]),
            annotations.with_image_column("split", ["train"] * annotations.n_images),
            annotations.with_image_column("group", ["a"] * annotations.n_images),
        ]
        write_parquet(annotations, tmp_path / str(seed))
        same.append(read_parquet(tmp_path / str(seed)))
        assert {s.fingerprint() for s in same} == {annotations.fingerprint()}


def test_a_fingerprint_changes_with_any_pixel_name_box_or_category(make_annotations: SETS) -> None:
    annotations = make_annotations(1)
    hashes = annotations.images["sha256"].to_pylist()
    others = [
        make_annotations(2),
        annotations.with_image_column("sha256", ["other", *hashes[1:]]),
        annotations.with_image_column("name", [f"x{name}" for name in annotations.names]),
        select_objects(annotations, np.arange(annotations.n_objects) > 0),
        AnnotationSet(annotations.images, annotations.objects, annotations.categories[::-1]),
    ]
    assert len({annotations.fingerprint(), *(o.fingerprint() for o in others)}) == len(others) + 1


def test_a_column_is_replaced_in_a_new_set(make_annotations: SETS) -> None:
    annotations = make_annotations(0)
    changed = annotations.with_image_column("group", [f"g{i}" for i in range(annotations.n_images)])
    assert annotations.images["group"].null_count == annotations.n_images
    assert changed.images["group"].to_pylist()[1] == "g1"


def test_a_builder_sorts_categories_as_people_count() -> None:
    builder = AnnotationBuilder(sort_categories=True)
    row = builder.add_image("a.png", width=9, height=9)
    for name in ("class_10", "b", "class_2", "class_01", "class_1", "B"):
        builder.add_box(row, name, (0, 0, 1, 1))
    annotations = builder.build()
    assert annotations.categories == ("B", "b", "class_01", "class_1", "class_2", "class_10")
    assert [annotations.categories[c] for c in annotations.category] == [
        "class_10", "b", "class_2", "class_01", "class_1", "B"
    ]  # fmt: skip


def test_a_builder_without_anything_gives_the_empty_set() -> None:
    assert AnnotationBuilder(["cell"], sort_categories=True).build().categories == ("cell",)
    with pytest.raises(ValueError, match="must differ"):
        AnnotationBuilder(["cell", "cell"])


def test_arrays_of_boxes_make_the_set_that_the_builder_makes(make_annotations: SETS) -> None:
    for scores in (False, True):
        made = make_annotations(3, scores=scores)
        again = from_boxes(
            made.images, made.categories, made.image_index, made.boxes, made.category, made.scores if scores else None
        )
        assert again.fingerprint() == made.fingerprint()
    nothing = np.zeros(0, np.int64)
    assert from_boxes(made.images, made.categories, nothing, np.zeros((0, 4)), nothing).n_objects == 0


def test_parquet_gives_back_everything(make_annotations: SETS, tmp_path: Path) -> None:
    for annotations in (make_annotations(5, geometries=("box", "polygon", "mask")), AnnotationSet.empty(("é", "b"))):
        write_parquet(annotations, tmp_path / "set")
        again = read_parquet(tmp_path / "set")
        assert again.images.equals(annotations.images)
        assert again.objects.equals(annotations.objects)
        assert again.categories == annotations.categories
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]
