"""Fields are distinguished, and those that lack a channel are refused by name, all at once."""

import logging

import pandas as pd
import pytest

from cell_pipelines.analysis.viability.counting import count_viability
from cell_pipelines.analysis.viability.rules import ViabilityRules, some_of
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet

RULES = ViabilityRules(dead="red", nuclei="blue")


def build(images: dict[str, tuple[int, int]], *, sizes: tuple[int, ...] = (300,)) -> AnnotationSet:
    """Return images with so many nuclei and dead cells."""
    builder = AnnotationBuilder(("blue", "red"))
    for place, (name, (blue, red)) in enumerate(images.items()):
        row = builder.add_image(name, width=sizes[place % len(sizes)], height=20)
        for category, count in (("blue", blue), ("red", red)):
            for number in range(count):
                builder.add_box(row, category, (20 * number, 0, 20 * number + 10, 10))
    return builder.build()


def facts_of(cells: AnnotationSet, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"image": cells.names, **columns})


def test_fields_of_one_name_in_two_series_are_two_fields() -> None:
    cells = build({"1b": (3, 0), "1r": (0, 1), "2b": (4, 0), "2r": (0, 2)})
    facts = facts_of(cells, field="f1", series=["s1", "s1", "s2", "s2"], dose=[0.5, 0.5, 1.0, 1.0])
    fields, table = count_viability(cells, facts, RULES)
    assert fields["field"].tolist() == ["s1/0.5/f1", "s2/1/f1"]
    assert fields["live"].tolist() == [2, 2]
    assert table["field"].nunique() == 2


def test_fields_without_a_channel_are_named_at_most_five() -> None:
    images = {"0b": (3, 0), "0r": (0, 1)} | {f"{i}b": (3, 0) for i in range(1, 8)}
    cells = build(images)
    facts = facts_of(cells, field=[name[0] for name in images])
    with pytest.raises(ValueError, match="7 of 8 fields have a single image.* 1, 2, 3, 4, 5 and 2 more"):
        count_viability(cells, facts, RULES)
    known = facts.assign(channel=[{"b": "blue", "r": "red"}[name[1]] for name in images])
    with pytest.raises(ValueError, match=r"channel blue \(nuclei\) and one of red .* 7 of 8 have not"):
        count_viability(cells, known, RULES)


@pytest.mark.parametrize("images", [{"b": (3, 0), "r": (0, 2)}, {"r": (0, 2)}])
def test_images_of_one_channel_each_are_no_fields(images: dict[str, tuple[int, int]]) -> None:
    cells = build(images)
    with pytest.raises(ValueError, match="without the other channel"):
        count_viability(cells, facts_of(cells), RULES)


def test_an_image_with_both_categories_is_a_field_of_its_own() -> None:
    cells = build({"a": (4, 1), "b": (2, 0)})
    fields, _ = count_viability(cells, facts_of(cells), RULES)
    assert fields["field"].tolist() == ["a", "b"]
    assert fields["live"].tolist() == [3, 2]


def test_no_dead_cell_in_single_images_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    cells = build({"a": (4, 0)})
    with caplog.at_level(logging.WARNING):
        fields, _ = count_viability(cells, facts_of(cells), RULES)
    assert fields.loc[0, "viability_percent"] == 100
    assert "images of dead cells are missing" in caplog.text


def test_channels_of_any_name_are_told_by_what_they_hold() -> None:
    cells = build({"1r": (1, 0), "1b": (1, 0), "1p": (0, 0), "2b": (5, 0), "2r": (0, 3), "2p": (0, 0)})
    facts = facts_of(cells, field=list("111222"), channel=["PI", "Hoechst", "phase", "Hoechst", "PI", "phase"])
    fields, table = count_viability(cells, facts, RULES)
    assert fields["live"].tolist() == [1, 2]
    assert (table["status"] == "other_channel").sum() == 1


@pytest.mark.parametrize(
    ("images", "sizes", "told"),
    [
        ({"a": (5, 0), "b": (4, 0)}, (300,), "f: two images of the same channel"),
        ({"a": (4, 0), "b": (4, 0)}, (300,), "either could be that of dead cells"),
        ({"a": (4, 0), "b": (0, 4), "c": (1, 0)}, (300,), "3 images, where one or two are expected"),
        ({"a": (4, 0), "b": (0, 4)}, (300, 200), "different size"),
    ],
)
def test_images_that_do_not_fit_each_other_are_refused(
    images: dict[str, tuple[int, int]], sizes: tuple[int, ...], told: str
) -> None:
    cells = build(images, sizes=sizes)
    with pytest.raises(ValueError, match=told):
        count_viability(cells, facts_of(cells, field="f"), RULES)


def test_a_distance_in_um_needs_a_pixel_size() -> None:
    cells = build({"a": (4, 0), "b": (0, 1)})
    with pytest.raises(ValueError, match="no pixel size"):
        count_viability(cells, facts_of(cells, field="f"), ViabilityRules("red", "blue", max_distance_um=5))


def test_facts_are_one_row_an_image() -> None:
    cells = build({"a": (4, 1)})
    with pytest.raises(ValueError, match="one row per image, more than one have a"):
        count_viability(cells, pd.DataFrame({"image": ["a", "a"]}), RULES)
    with pytest.raises(ValueError, match="column image"):
        count_viability(cells, pd.DataFrame({"name": ["a"]}), RULES)


def test_rules_are_checked() -> None:
    for given in ({}, {"nuclei": "a", "living": "b"}):
        with pytest.raises(ValueError, match="exactly one of `nuclei` and `living`"):
            ViabilityRules("dead", **given)
    with pytest.raises(ValueError, match="another category"):
        ViabilityRules("a", "a")
    with pytest.raises(ValueError, match="only one of `max_distance_px`"):
        ViabilityRules("a", "b", max_distance_px=1, max_distance_um=1)
    with pytest.raises(ValueError, match="above 0, got 0"):
        ViabilityRules("a", "b", max_distance_px=0)
    with pytest.raises(ValueError, match="categories green .`nuclei`., their categories are blue, red"):
        count_viability(build({"a": (1, 1)}), pd.DataFrame({"image": ["a"]}), ViabilityRules("red", "green"))
    assert some_of([]) == ""
