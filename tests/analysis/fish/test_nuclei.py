import numpy as np
import pytest

from cell_pipelines.analysis.fish.nuclei import label_nuclei
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels


def nuclei(*discs, size=60):
    builder = AnnotationBuilder(("whole",))
    image = builder.add_image("a.png", width=size, height=size)
    rows, columns = np.mgrid[:size, :size]
    for row, column, radius in discs:
        _, boxes, counts = labels_to_objects(
            ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.int32)
        )
        builder.add_object(image, "whole", "mask", boxes[0], counts=counts[0])
    return builder.build()


def test_nuclei_apart_are_labelled_as_they_are():
    cells = nuclei((15, 15, 8), (40, 40, 10))
    assert np.array_equal(label_nuclei(cells), objects_to_labels(cells)[0])


def test_two_equal_nuclei_share_what_both_claim_half_and_half_whoever_comes_first():
    for discs in ([(30, 20, 12), (30, 36, 12)], [(30, 36, 12), (30, 20, 12)]):
        labels = label_nuclei(nuclei(*discs))
        left, right = labels[30, 20], labels[30, 36]
        assert {left, right} == {1, 2}
        assert (labels[:, :28][labels[:, :28] > 0] == left).all() and (
            labels[:, 29:][labels[:, 29:] > 0] == right
        ).all()


def test_no_pixel_is_lost_or_won():
    cells = nuclei((30, 20, 12), (30, 36, 9), (18, 28, 10))
    assert np.array_equal(label_nuclei(cells) > 0, objects_to_labels(cells)[0] > 0)


def test_a_small_nucleus_under_a_large_one_keeps_a_place():
    labels = label_nuclei(nuclei((30, 30, 20), (30, 42, 5)))
    assert labels[30, 43] == 2 and labels[30, 30] == 1


def test_there_may_be_none():
    assert not label_nuclei(nuclei()).any()
    with pytest.raises(ValueError, match="must hold one image"):
        label_nuclei(AnnotationBuilder().build())
