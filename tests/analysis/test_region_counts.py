"""Regions with known cells; masks are compared with the same regions as polygons."""

import numpy as np
import pytest

from cell_pipelines.analysis import object_centroids as module
from cell_pipelines.analysis.object_centroids import object_centroids
from cell_pipelines.analysis.region_counts import count_in_regions
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.rasterising import rings_to_run_lengths
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths

SIDE = 100
SQUARE = np.array([[10, 10], [50, 10], [50, 50], [10, 50]], float)
HOLE = np.array([[20, 20], [30, 20], [30, 30], [20, 30]], float)
PIXEL_UM = 0.5


def cells_at(points, *, name="a.png", **columns):
    """Return boxes of 4 pixels around points as (x, y, class), in pixel edges."""
    builder = AnnotationBuilder(["live", "dead"])
    image = builder.add_image(name, width=SIDE, height=SIDE, **columns)
    for x, y, kind in points:
        builder.add_box(image, kind, (x - 2, y - 2, x + 2, y + 2))
    return builder.build()


def regions_of(*rings, name="a.png", **extra):
    builder = AnnotationBuilder()
    image = builder.add_image(name, width=SIDE, height=SIDE)
    for one in rings:
        builder.add_polygon(image, "tumour", one, **extra)
    return builder.build()


CELLS = [(25, 25, "live"), (40, 40, "live"), (45, 15, "dead"), (80, 80, "live"), (99, 99, "dead")]


def test_cells_count_where_their_centroid_lies_and_holes_are_outside():
    counted = count_in_regions(cells_at(CELLS), regions_of([SQUARE], [SQUARE, HOLE]))
    assert counted.table[["region", "class", "live", "dead", "total"]].to_numpy().tolist() == [
        [1, "tumour", 2, 1, 3], [2, "tumour", 1, 1, 2],
    ]  # fmt: skip
    assert counted.table["area_px2"].tolist() == [1600.0, 1500.0]
    assert (counted.outside, counted.several) == (2, 2)


def test_a_mask_counts_what_its_polygon_does():
    rng = np.random.default_rng(0)
    points = [(*xy, "live") for xy in rng.uniform(0, SIDE, (400, 2)).round() + 0.5]
    ring = np.array([[5.1, 5.3], [90.2, 20.7], [60.9, 95.4], [30.6, 50.8]])  # no centroid lies on its edge
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=SIDE, height=SIDE)
    counts = rings_to_run_lengths([ring], SIDE, SIDE)
    builder.add_object(image, "tumour", "mask", (0, 0, SIDE, SIDE), counts=counts)
    of_mask, of_polygon = (count_in_regions(cells_at(points), one) for one in (builder.build(), regions_of([ring])))
    assert of_mask.table["total"].tolist() == of_polygon.table["total"].tolist()
    assert of_mask.table["area_px2"].tolist() == pytest.approx(of_polygon.table["area_px2"].tolist(), rel=0.01)
    assert of_mask.outside == of_polygon.outside > 100


def test_density_is_by_the_area_within_the_image_and_in_square_millimetres_where_pixels_have_a_size():
    beyond = np.array([[50, 50], [250, 50], [250, 250], [50, 250]], float)
    cells = cells_at(CELLS, pixel_height_um=PIXEL_UM, pixel_width_um=2 * PIXEL_UM)
    row = count_in_regions(cells, regions_of([beyond])).table.iloc[0]
    assert row["area_px2"] == 2500
    assert row["cells_per_megapixel"] == pytest.approx(2 / 2500 * 1e6)
    assert row["area_um2"] == pytest.approx(2500 * PIXEL_UM * 2 * PIXEL_UM)
    assert row["cells_per_mm2"] == pytest.approx(2 / row["area_um2"] * 1e6)
    unknown = count_in_regions(cells_at(CELLS), regions_of([beyond])).table.iloc[0]
    assert np.isnan(unknown["area_um2"]) and np.isnan(unknown["cells_per_mm2"])


def test_a_region_outside_the_image_has_no_density():
    away = SQUARE + 200
    row = count_in_regions(cells_at(CELLS), regions_of([away])).table.iloc[0]
    assert (row["total"], row["area_px2"]) == (0, 0.0)
    assert np.isnan(row["cells_per_megapixel"])


def test_cells_of_qupath_are_no_regions_and_names_are_kept():
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=SIDE, height=SIDE)
    builder.add_polygon(image, "tumour", [SQUARE], attributes={"name": "left lobe"})
    builder.add_polygon(image, "tumour", [SQUARE], attributes={"objectType": "detection"})
    builder.add_object(image, "tumour", "point", (40, 40, 40, 40))
    table = count_in_regions(cells_at(CELLS), builder.build()).table
    assert table[["region", "name", "total"]].to_numpy().tolist() == [[1, "left lobe", 3]]


def test_regions_of_images_that_are_not_counted_are_an_error_only_where_there_are_no_others():
    with pytest.raises(ValueError, match="none of the counted images has a region"):
        count_in_regions(cells_at(CELLS), regions_of([SQUARE], name="b.png"))


def test_an_image_without_cells_has_regions_with_none():
    assert count_in_regions(cells_at([]), regions_of([SQUARE])).table["total"].tolist() == [0]


def test_masks_of_an_image_that_is_never_drawn_whole_count_as_those_of_a_small_one(monkeypatch):
    mask, builder = np.zeros((SIDE, SIDE), bool), AnnotationBuilder(["live", "dead"])
    mask[20:31, 22:28] = mask[31:33, 22:24] = True
    builder.add_image("a.png", width=SIDE, height=SIDE)
    builder.add_object(0, "dead", "mask", (22, 20, 28, 33), counts=mask_to_run_lengths(mask))
    cells = builder.build()
    centroid = object_centroids(cells)
    monkeypatch.setattr(module, "_MOST_PIXELS", 0)
    assert np.allclose(object_centroids(cells), centroid) and not np.allclose(centroid, [26, 24.5])
    # Boxes have their centre, in images of any size.
    assert np.allclose(object_centroids(cells_at(CELLS))[0], [24.5, 24.5])
