"""The score that is usual for a network is measured on validation images at their true scale."""

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.pipelines.segmentation.nodes import _usual_score

SCORES = {"a": 0.9, "b": 0.6, "c": 0.7, "d": 0.1}


class Predictor:
    def __init__(self, path):
        assert path.name == "m.pt"

    def mean_score(self, image, diameter_px):
        SEEN[image] = diameter_px
        return SCORES[image]


SEEN: dict[str, float] = {}


@pytest.fixture(autouse=True)
def predictor(monkeypatch):
    SEEN.clear()
    monkeypatch.setattr("cell_pipelines.inference.segmentation.SegmentationPredictor", Predictor)


def annotations(sides):
    """Return one square cell and a larger one of another class per image; `sides` by name and split."""
    builder = AnnotationBuilder(["cell", "debris"])
    for (name, split), side in sides.items():
        image = builder.add_image(name, width=100, height=100, split=split)
        for place, (category, length) in enumerate((("cell", side), ("debris", 3 * side), ("debris", 3 * side))):
            if length:
                corner = 5 + 30 * place
                ring = np.array([[0, 0], [length, 0], [length, length], [0, length]], float) + [corner, 20]
                builder.add_polygon(image, category, [ring])
    return builder.build()


def test_it_is_the_median_of_the_validation_images_at_the_diameter_of_the_classes_that_are_learnt(tmp_path):
    found = annotations({("a", "val"): 8, ("b", "val"): 6, ("c", "val"): 4, ("d", "train"): 8})
    images = {name: (lambda name=name: name) for name in SCORES}
    assert _usual_score(tmp_path / "m.pt", found, images, ("cell",)) == 0.7
    assert pytest.approx({name: 2 * np.sqrt(side**2 / np.pi) for name, side in (("a", 8), ("b", 6), ("c", 4))}) == SEEN


def test_it_is_not_known_without_a_cell_in_validation(tmp_path):
    found = annotations({("a", "val"): 0, ("d", "train"): 8})
    assert _usual_score(tmp_path / "m.pt", found, {"a": lambda: "a"}, ("cell",)) is None
