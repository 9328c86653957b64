import pytest

from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.thresholds import Thresholds


def build(categories, images, *, scores=False):
    """Images by name: split and list of (category, box)."""
    builder = AnnotationBuilder(categories)
    for name, (split, objects) in images.items():
        row = builder.add_image(name, width=100, height=100, split=split)
        for i, (category, box) in enumerate(objects):
            builder.add_box(row, category, box, score=1 - i / 10 if scores else None)
    return builder.build()


CELL, OTHER = (10, 10, 20, 20), (50, 50, 60, 70)
TRUTH = build(
    ("cell", "debris"),
    {"a.png": ("test", [("cell", CELL), ("debris", OTHER)]), "b.png": ("val", []), "c.png": ("test", [])},
)


def test_images_and_classes_are_brought_into_the_order_of_the_truth():
    found = build(
        ("debris", "cell"),
        {"c.png": (None, [("cell", OTHER)]), "a.png": (None, [("debris", OTHER), ("cell", CELL)])},
        scores=True,
    )
    pairing = pair(TRUTH, found, "test")
    first, second = pairing.pairs()
    assert (first.name, second.name) == ("a.png", "c.png")
    assert first.predictions.category.tolist() == [1, 0]
    assert first.predictions.boxes.tolist() == [list(OTHER), list(CELL)]
    assert (second.truth.n_objects, second.predictions.n_objects) == (0, 1)


def test_thresholds_are_by_class():
    found = build(
        ("cell", "debris"), {"a.png": (None, [("cell", CELL), ("debris", OTHER)]), "c.png": (None, [])}, scores=True
    )
    image = next(pair(TRUTH, found, "test").pairs())
    for thresholds, kept in (({"cell": 0.5, "debris": 0.95}, [0]), ({"cell": 1.0, "debris": 0.85}, [0, 1])):
        accepted = image.filter_by_score(Thresholds.from_plain(thresholds))
        assert accepted.predictions.category.tolist() == kept


def test_an_image_without_prediction_is_named():
    found = build(("cell",), {"a.png": (None, [])}, scores=True)
    with pytest.raises(ValueError, match=r"c\.png"):
        pair(TRUTH, found, "test")


def test_a_split_without_images_is_an_error():
    with pytest.raises(ValueError, match="'train'"):
        pair(TRUTH, TRUTH, "train")


def test_a_model_of_other_classes_is_an_error():
    found = build(("nucleus",), {"a.png": (None, []), "c.png": (None, [])}, scores=True)
    with pytest.raises(ValueError, match="nucleus"):
        pair(TRUTH, found, "test")


def test_nothing_true_and_nothing_found_is_fine():
    empty = build(("cell",), {"a.png": ("test", [])})
    (image,) = pair(empty, empty, "test").pairs()
    assert (image.truth.n_objects, image.predictions.n_objects) == (0, 0)
