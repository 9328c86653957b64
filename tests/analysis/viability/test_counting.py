"""Counting living and dead cells: nothing is lost, and matching finds the truth of simulated fields."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from cell_pipelines.analysis.viability.counting import CELL_COLUMNS, FIELD_COLUMNS, count_field, count_viability
from cell_pipelines.analysis.viability.rules import ViabilityRules
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_images
from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead

CHANNELS = ViabilityRules(dead="red", nuclei="blue")
CLASSES = ViabilityRules(dead="dead", living="live")


def build(images: dict[str, dict[str, list[tuple[float, float]]]], **columns: float) -> AnnotationSet:
    """Return boxes of 10 px around the (x, y) of each category."""
    builder = AnnotationBuilder(("blue", "red", "debris", "live", "dead"))
    for name, categories in images.items():
        row = builder.add_image(name, width=200, height=100, **columns)
        for category, places in categories.items():
            for x, y in places:
                builder.add_box(row, category, (x - 5, y - 5, x + 5, y + 5))
    return builder.build()


def field_facts(*names: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"image": list(names), "field": [name.split("_")[0] for name in names], **columns})


def assert_consistent(numbers: pd.Series, cells: pd.DataFrame) -> None:
    """Check that the rows of cells give the numbers of the field."""
    times = cells["status"].value_counts()
    count = {name: int(times.get(name, 0)) for name in ("live", "dead", "dead_stain", "dead_without_nucleus")}
    assert numbers["live"] == count["live"]
    assert numbers["dead"] == count["dead"] + count["dead_without_nucleus"]
    assert numbers["total"] == numbers["live"] + numbers["dead"]
    assert numbers["not_counted"] == len(cells) - sum(count.values())
    if not pd.isna(numbers["nuclei"]):
        assert numbers["nuclei"] == count["live"] + count["dead"]
        assert numbers["matched"] == count["dead"] == count["dead_stain"]
        assert numbers["dead_seen"] == count["dead_stain"] + count["dead_without_nucleus"]
        assert numbers["unmatched_dead"] == count["dead_without_nucleus"]


@pytest.mark.parametrize("seed", range(4))
def test_matched_cells_of_simulated_fields_are_the_true_pairs(seed: int) -> None:
    field = simulate_live_dead(LiveDeadScene(cells=40, dead_fraction=0.4), seed)
    builder = AnnotationBuilder(("blue", "red"))
    for name, labels in (("blue", field.blue_labels), ("red", field.red_labels)):
        row = builder.add_image(f"{name}.png", width=320, height=320)
        for box, counts in zip(*labels_to_objects(labels)[1:], strict=True):
            builder.add_object(row, name, "mask", box, counts=counts)
    numbers, cells = count_field(builder.build(), CHANNELS)
    found = cells[cells["category"] == "red"]
    assert found["nucleus_object"].to_list() == (field.red_nucleus - 1).tolist()
    assert found["distance_px"].max() < 4
    assert (numbers["live"], numbers["dead"]) == (int((~field.dead).sum()), int(field.dead.sum()))
    nuclei = cells[cells["category"] == "blue"]
    assert ((nuclei["status"] == "dead").to_numpy() == field.dead).all()
    assert_consistent(pd.Series(numbers), cells)


def test_a_dead_cell_without_a_nucleus_is_a_cell_all_the_same() -> None:
    cells = build({
        "a_blue": {"blue": [(20, 20), (60, 20), (100, 20)]}, "a_red": {"red": [(22, 20), (150, 80)], "debris": [(9, 9)]}
    })  # fmt: skip
    fields, table = count_viability(cells, field_facts("a_blue", "a_red"), CHANNELS)
    row = fields.iloc[0]
    wanted = {"nuclei": 3, "dead_seen": 2, "matched": 1, "unmatched_dead": 1, "live": 2, "dead": 2, "total": 4}
    assert row[list(wanted)].to_dict() == wanted
    assert row["viability_percent"] == 50
    assert row["ratio_viability_percent"] == pytest.approx(100 / 3)
    assert row["mean_distance_px"] == 2
    assert row["max_distance_px"] == pytest.approx(np.sqrt(100 / np.pi))
    low, high = proportion_confint(2, 4, method="wilson")
    assert [row["viability_low_percent"], row["viability_high_percent"]] == pytest.approx([100 * low, 100 * high])
    assert table["status"].tolist() == ["dead", "live", "live", "dead_stain", "dead_without_nucleus", "other_category"]
    assert_consistent(row, table)


def test_the_ratio_may_be_negative_and_viability_is_not() -> None:
    cells = build({"a_b": {"blue": [(20, 20)]}, "a_r": {"red": [(90, 20), (120, 20), (150, 80)]}})
    numbers, _ = count_field(cells, CHANNELS)
    assert (numbers["ratio_viability_percent"], numbers["viability_percent"]) == (-200, 25)


def test_matching_is_optimal_not_nearest_first() -> None:
    cells = build({"a_b": {"blue": [(20, 20), (30, 20)]}, "a_r": {"red": [(24, 20), (13, 20)]}})
    numbers, table = count_field(cells, ViabilityRules(dead="red", nuclei="blue", max_distance_px=7))
    assert numbers["matched"] == 2
    assert table["nucleus_object"].tolist()[2:] == [1, 0]


@pytest.mark.parametrize(("um", "matched"), [(1.9, 0), (2.1, 1)])
def test_a_distance_in_um_counts_with_the_pixel_size(um: float, matched: int) -> None:
    cells = build({"a_b": {"blue": [(20, 20)]}, "a_r": {"red": [(24, 20)]}}, pixel_height_um=0.5, pixel_width_um=0.5)
    numbers, _ = count_field(cells, ViabilityRules(dead="red", nuclei="blue", max_distance_um=um))
    assert numbers["matched"] == matched


def test_pixels_that_are_not_square_are_scaled() -> None:
    images = {"a_b": {"blue": [(20, 20), (80, 20)]}, "a_r": {"red": [(24, 20), (80, 24)]}}
    cells = build(images, pixel_height_um=2.0, pixel_width_um=0.5)
    numbers, table = count_field(cells, ViabilityRules(dead="red", nuclei="blue", max_distance_um=3.0))
    assert table["status"].tolist() == ["dead", "live", "dead_stain", "dead_without_nucleus"]
    assert numbers["max_distance_px"] == pytest.approx(3.0)
    assert numbers["mean_distance_px"] == pytest.approx(2.0)  # 4 px of 0.5 um are 2 um, or 2 square pixels of 1 um


def test_two_classes_give_the_same_tables() -> None:
    cells = build(
        {"a_1": {"live": [(20, 20), (50, 50)], "dead": [(90, 20)]}, "a_2": {"live": [(5, 5)], "red": [(9, 9)]}}
    )
    fields, table = count_viability(cells, field_facts("a_1", "a_2", condition="x", dose=2.0), CLASSES)
    assert list(fields.columns) == list(FIELD_COLUMNS)
    row = fields.iloc[0]
    assert (row["live"], row["dead"], row["not_counted"], row["condition"], row["dose"]) == (3, 1, 1, "x", 2.0)
    assert fields[["nuclei", "dead_seen", "matched", "unmatched_dead"]].isna().all(axis=None)
    assert_consistent(row, table)


def test_ignored_regions_and_cells_of_the_other_channel_are_told_not_counted() -> None:
    builder = AnnotationBuilder(("blue", "red"))
    blue, red = (builder.add_image(name, width=90, height=90) for name in ("b", "r"))
    for row, category, crowd in (
        (blue, "blue", False),
        (blue, "blue", True),
        (blue, "red", False),
        (red, "red", False),
    ):
        builder.add_box(row, category, (10, 10, 20, 20), crowd=crowd)
    facts = pd.DataFrame({"image": ["r", "b"], "field": "f", "channel": ["red", "blue"]})
    fields, table = count_viability(builder.build(), facts, CHANNELS)
    assert table["status"].tolist() == ["dead", "crowd", "other_channel", "dead_stain"]
    assert fields.loc[0, "not_counted"] == 2
    assert_consistent(fields.iloc[0], table)


def test_zero_cells_are_a_row_without_viability() -> None:
    for images, rules in (({"a_b": {}, "a_r": {}}, CHANNELS), ({"a_b": {}}, CLASSES), ({"a_b": {}}, CHANNELS)):
        fields, table = count_viability(build(images), field_facts(*images), rules)
        assert fields.loc[0, ["live", "dead", "total"]].tolist() == [0, 0, 0]
        assert np.isnan(fields.loc[0, "viability_percent"])
        assert table.empty


def test_zero_dead_and_zero_live_cells_have_intervals() -> None:
    cells = build({"a_1": {"live": [(20, 20)] * 9}, "b_1": {"dead": [(20, 20)] * 9}})
    fields, _ = count_viability(cells, field_facts("a_1", "b_1"), CLASSES)
    assert fields["viability_percent"].tolist() == [100, 0]
    assert fields["viability_high_percent"].tolist()[0] == 100
    assert 60 < fields["viability_low_percent"].tolist()[0] < 100


def test_no_images_give_empty_tables_of_the_same_columns() -> None:
    empty = AnnotationSet.empty(("blue", "red"))
    fields, table = count_viability(empty, pd.DataFrame({"image": []}), CHANNELS)
    assert fields.dtypes.astype(str).to_dict() == FIELD_COLUMNS
    assert table.dtypes.astype(str).to_dict() == CELL_COLUMNS


def test_the_order_of_images_and_facts_does_not_matter() -> None:
    images = {f"f{i}_{c}": {c: [(20 * j + 9, 20) for j in range(i + 1)]} for i in range(3) for c in ("red", "blue")}
    cells = build(images)
    facts = field_facts(*images, series="s", time=1.0)
    first, _ = count_viability(cells, facts, CHANNELS)
    turned, _ = count_viability(
        select_images(cells, [5, 4, 3, 2, 1, 0]), facts.sample(frac=1, random_state=0), CHANNELS
    )
    columns = [name for name in FIELD_COLUMNS if name != "images"]
    pd.testing.assert_frame_equal(first[columns], turned.iloc[::-1].reset_index(drop=True)[columns])
    assert len(list(iterate_images(cells))) == 6
