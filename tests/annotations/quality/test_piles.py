"""Small hostile files: tangled outlines and piles of objects are listed, where comparing them would never end."""

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.quality.piles import MOST_IN_A_PILE
from cell_pipelines.annotations.quality.problems import QualityLimits, find_quality_problems
from cell_pipelines.annotations.reshaping import reshape

SIZE = 1000


def field():
    builder = AnnotationBuilder(("cell",))
    return builder, builder.add_image("a.png", width=SIZE, height=SIZE)


def square(x, y, side):
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], float)


def circle(count, times):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.tile(np.stack([500 + 400 * np.cos(angle), 500 + 400 * np.sin(angle)], axis=1), (times, 1))


TANGLES = {
    "points in no order": lambda: [np.random.default_rng(0).uniform(0, SIZE, (5_000, 2))],
    "a square traced again and again": lambda: [np.tile(square(100, 100, 800), (2_000, 1))],
    "a circle traced again and again": lambda: [circle(100, 60)],
    "there and back again": lambda: [np.tile([[100, 100], [900, 800], [500, 900.0]], (3_000, 1))],
    "a star of many points": lambda: [circle(2_001, 1)[np.arange(2_001) * 1_000 % 2_001]],
    "rings that all cross": lambda: [square(5 * n, 3 * n, 500) for n in range(100)],
    "the same ring again and again": lambda: [square(100, 100, 800)] * 2_000,
}


@pytest.mark.parametrize("name", TANGLES)
def test_a_tangled_outline_is_listed_and_not_computed(name) -> None:
    builder, row = field()
    builder.add_polygon(row, "cell", [square(10, 10, 50)])
    builder.add_polygon(row, "cell", TANGLES[name]())
    builder.add_polygon(row, "cell", [square(12, 10, 50)])
    problems = find_quality_problems(builder.build())
    found = problems[problems["objects"] == "1"]
    assert found["kind"].tolist() == ["self_intersecting"]
    assert "more than 300 times" in found["sentence"].iloc[0]
    assert ("duplicate" in set(problems["kind"])) or ("overlap" in set(problems["kind"]))


@pytest.mark.parametrize("count", [30, 500, 50_000])
def test_an_outline_with_a_few_crossings_is_still_computed(count: int) -> None:
    builder, row = field()
    outline = circle(count, 1)
    outline[[3, 4]] = outline[[4, 3]]
    builder.add_polygon(row, "cell", [outline])
    problems = find_quality_problems(builder.build())
    assert problems["kind"].tolist() == ["self_intersecting"]
    assert " at (" in problems["sentence"][0]


@pytest.mark.parametrize("name", TANGLES)
def test_a_tangled_outline_can_still_be_drawn_and_has_a_point(name) -> None:
    builder, row = field()
    builder.add_polygon(row, "cell", TANGLES[name]())
    annotations = builder.build()
    for kind in ("mask", "point"):
        assert reshape(annotations, {"polygon": kind})[0].n_objects == 1


@pytest.mark.parametrize("shape", ["boxes", "polygons", "points"])
def test_a_pile_of_objects_is_listed_and_only_its_first_are_compared(shape: str) -> None:
    builder, row = field()
    places = np.random.default_rng(0).uniform(0, 2, (3_000, 2)) + [400.1, 300.1]
    for x, y in places:
        if shape == "points":
            builder.add_object(row, "cell", "point", (x, y, x, y))
        elif shape == "boxes":
            builder.add_box(row, "cell", (x, y, x + 80, y + 80))
        else:
            builder.add_polygon(row, "cell", [square(x, y, 80)])
    problems = find_quality_problems(builder.build(), limits=QualityLimits(point_px=3))
    among = problems["sentence"].str.contains("objects of its size in one place")
    assert among.sum() > 3_000 - 10 * MOST_IN_A_PILE
    assert problems["objects"].str.split(", ").str[-1].nunique() == 2_999  # all but the first


def test_a_crowded_field_is_no_pile() -> None:
    builder, row = field()
    for x, y in np.random.default_rng(0).uniform(0, SIZE - 30, (4_000, 2)):
        builder.add_box(row, "cell", (x, y, x + 30, y + 30))
    problems = find_quality_problems(builder.build())
    assert not problems["sentence"].str.contains("in one place").any()
