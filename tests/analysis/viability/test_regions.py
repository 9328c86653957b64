"""Viability within regions: cells and areas are those that shapely counts, for both assays."""

import numpy as np
import pandas as pd
import pytest
import shapely
from statsmodels.stats.proportion import proportion_confint

from cell_pipelines.analysis.viability.counting import count_viability
from cell_pipelines.analysis.viability.regions import REGION_COLUMNS, count_region_viability, no_regions
from cell_pipelines.analysis.viability.rules import ViabilityRules
from cell_pipelines.annotations.building import AnnotationBuilder

CHANNELS = ViabilityRules(dead="red", nuclei="blue", max_distance_px=4.0)
CLASSES = ViabilityRules(dead="dead", living="live")
WIDTH, HEIGHT = 200, 100
LEFT = [(0, 0), (100, 0), (100, 100), (0, 100)]
STAR = [(20, 5), (190, 30), (120, 50), (180, 95), (60, 60)]
WHOLE = [(0, 0), (200, 0), (200, 100), (0, 100)]


def cells_of(images, **columns):
    """Return boxes of 4 px around the (x, y) of each category, in pixel edges."""
    builder = AnnotationBuilder(("blue", "red", "live", "dead", "debris"))
    for name, categories in images.items():
        row = builder.add_image(name, width=WIDTH, height=HEIGHT, **columns)
        for category, places in categories.items():
            for x, y in places:
                builder.add_box(row, category, (x - 2, y - 2, x + 2, y + 2))
    return builder.build()


def regions_of(images):
    builder = AnnotationBuilder()
    for name, outlines in images.items():
        row = builder.add_image(name, width=WIDTH, height=HEIGHT)
        for outline in outlines:
            builder.add_polygon(row, "tumour", [np.array(outline, float)])
    return builder.build()


def counted(cells, regions, rules):
    facts = pd.DataFrame({"image": cells.names, "field": [name.split("_")[0] for name in cells.names]})
    return count_region_viability(cells, facts, count_viability(cells, facts, rules)[1], regions, rules)


def number_inside(outline, points):
    return sum(shapely.Polygon(outline).covers(shapely.Point(point)) for point in points)


def scattered(seed, count):
    """Return places of cells, whole pixels apart from each other's boxes."""
    places = [(x, y) for x in range(6, WIDTH, 12) for y in range(6, HEIGHT, 12)]
    chosen = np.random.default_rng(seed).choice(len(places), count, replace=False)
    return [places[one] for one in chosen]


@pytest.mark.parametrize("seed", range(3))
def test_a_region_counts_the_living_and_dead_cells_of_its_own_image_as_shapely_does(seed):
    places = scattered(seed, 90)
    live, dead, debris, other = places[:40], places[40:60], places[60:70], places[70:]
    cells = cells_of({"f_1.png": {"live": live, "dead": dead, "debris": debris}, "f_2.png": {"live": other}})
    table = counted(cells, regions_of({"f_1.png": [LEFT, STAR], "f_2.png": [STAR]}), CLASSES)
    expected = [[number_inside(outline, own) for own in (live, dead)] for outline in (LEFT, STAR)]
    assert table[["live", "dead"]].to_numpy().tolist() == [*expected, [number_inside(STAR, other), 0]]
    assert table["field"].tolist() == ["f"] * 3 and table["region"].tolist() == [1, 2, 1]
    assert table["image"].tolist() == ["f_1.png", "f_1.png", "f_2.png"] and set(table["class"]) == {"tumour"}
    assert table["area_px2"].tolist() == pytest.approx([shapely.Polygon(one).area for one in (LEFT, STAR, STAR)])


@pytest.mark.parametrize("seed", range(3))
def test_a_region_of_either_channel_counts_the_cells_of_the_whole_field(seed):
    places = scattered(seed, 80)
    living, stained, alone = places[:40], places[40:60], places[60:]
    cells = cells_of({
        "f_blue.png": {"blue": living + stained, "debris": [(3, 3)]},
        "f_red.png": {"red": [(x + 1, y) for x, y in stained] + alone},
        "g_blue.png": {"blue": [(50, 50)]}, "g_red.png": {},
    })  # fmt: skip
    table = counted(cells, regions_of({"f_red.png": [STAR], "f_blue.png": [STAR, LEFT]}), CHANNELS)
    expected = [
        [number_inside(outline, own) for own in (living, stained + alone)] for outline in (STAR, STAR, LEFT)
    ]  # fmt: skip
    assert table[["live", "dead"]].to_numpy().tolist() == expected
    assert table["image"].tolist() == ["f_red.png", "f_blue.png", "f_blue.png"]


def test_regions_that_cover_a_field_have_its_viability_and_a_region_without_cells_has_none():
    cells = cells_of({"f_1.png": {"live": scattered(0, 60)[:45], "dead": scattered(0, 60)[45:]}, "g_1.png": {}})
    table = counted(cells, regions_of({"f_1.png": [WHOLE], "g_1.png": [WHOLE]}), CLASSES)
    low, high = proportion_confint(45, 60, method="wilson")
    shares = ["viability_percent", "viability_low_percent", "viability_high_percent"]
    assert table.loc[0, shares].tolist() == pytest.approx([75, 100 * low, 100 * high])
    assert table.loc[1, "total"] == 0 and table.loc[1, shares].isna().all()


def test_densities_are_given_where_the_size_of_a_pixel_is_known():
    images = {"f_1.png": {"live": [(10, 10), (20, 20)], "dead": [(50, 50)]}}
    regions = regions_of({"f_1.png": [LEFT]})
    known = counted(cells_of(images, pixel_height_um=0.5, pixel_width_um=2.0), regions, CLASSES).iloc[0]
    assert known["area_um2"] == pytest.approx(100 * 100 * 0.5 * 2)
    assert (known["live_per_mm2"], known["dead_per_mm2"]) == pytest.approx((200.0, 100.0))
    unknown = counted(cells_of(images), regions, CLASSES).iloc[0]
    assert unknown["area_px2"] == 10000
    assert unknown[["area_um2", "live_per_mm2", "dead_per_mm2"]].isna().all()


def test_a_table_has_the_same_columns_with_and_without_regions():
    cells = cells_of({"f_1.png": {"live": [(10, 10)]}})
    table = counted(cells, regions_of({"f_1.png": [LEFT]}), CLASSES)
    assert list(table) == list(no_regions()) == list(REGION_COLUMNS)
    assert table.dtypes.to_dict() == no_regions().dtypes.to_dict()


def test_a_region_of_an_image_that_is_in_no_field_is_refused_by_name():
    with pytest.raises(ValueError, match=r"images that are in no field: z\.png"):
        counted(cells_of({"f_1.png": {}}), regions_of({"f_1.png": [LEFT], "z.png": [LEFT]}), CLASSES)


def test_images_without_a_region_are_refused():
    with pytest.raises(ValueError, match="got none; a region is a box, a polygon or a mask"):
        counted(cells_of({"f_1.png": {}}), regions_of({"f_1.png": []}), CLASSES)
