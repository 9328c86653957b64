"""The table of measured cells: its rows, its columns and their units."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.measure import regionprops_table

from cell_pipelines.analysis.morphology.measuring import (
    MorphologyOptions,
    measure_cells,
    paper_features,
)
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import read_image

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
ALL = MorphologyOptions(background="local", texture=True)
SQUARE = np.array([[2, 2], [12, 2], [12, 12], [2, 12]], dtype=float)


def test_lengths_are_in_um_where_the_pixel_size_is_known_and_in_px_otherwise(labels, to_cells) -> None:
    known = measure_cells(to_cells(labels, (0.5, 0.25)), None)
    unknown, half = measure_cells(to_cells(labels), None), measure_cells(to_cells(labels, (0.5, None)), None)
    assert_allclose(known["area_um2"], unknown["area_px2"] * 0.125)
    assert unknown.equals(half)
    assert not [name for name in known if name.endswith("_px2")]
    assert not [name for name in unknown if "_um" in name]
    assert known["centroid_row_px"].equals(unknown["centroid_row_px"])
    assert set(paper_features(pixel_size_known=False)) <= set(unknown)


def test_rows_are_objects_in_order_none_lost() -> None:
    builder = AnnotationBuilder(["live", "dead"])
    row = builder.add_image("a.png", height=20, width=20)
    builder.add_polygon(row, "dead", [SQUARE], score=0.5)
    builder.add_polygon(row, "live", [np.array([[3.6, 3.6], [4.4, 3.6], [4.4, 4.4]])])
    builder.add_polygon(row, "live", [SQUARE + 1], crowd=True)
    table = measure_cells(builder.build(), np.ones((20, 20)), options=ALL)
    assert table["category"].tolist() == ["dead", "live", "live"]
    assert table["object"].tolist() == [0, 1, 2]
    assert table["crowd"].tolist() == [False, False, True]
    assert table["area_px2"].tolist() == [100, 0, 100]
    assert table["touches_border"].tolist() == [False] * 3
    tiny = table.loc[1].drop(["image", "object", "category", "crowd", "touches_border", "num_pixels", "area_px2"])
    assert tiny.isna().all()
    assert table.drop(columns="score").notna().loc[[0, 2]].all(axis=None)


@pytest.mark.parametrize("size", [(None, None), (0.5, 0.5)])
def test_no_cells_give_the_same_columns_and_types(size, to_cells) -> None:
    image = np.random.default_rng(0).integers(0, 99, (9, 8, 2)).astype(np.uint8)
    labels = np.zeros((9, 8), int)
    none = measure_cells(to_cells(labels, size), image, options=ALL)
    labels[2:5, 2:5] = 1
    one = measure_cells(to_cells(labels, size), image, options=ALL)
    assert len(none) == 0
    assert none.dtypes.equals(one.dtypes)


def test_what_cannot_be_measured_is_said(to_cells) -> None:
    cells = to_cells(np.ones((5, 6), int))
    for options in (MorphologyOptions(texture=True), MorphologyOptions(background="image")):
        with pytest.raises(ValueError, match="`image` must be given"):
            measure_cells(cells, None, options=options)
    with pytest.raises(ValueError, match=r"must have the size \(5, 6\) that a.png has in `cells`, got \(6, 5\)"):
        measure_cells(cells, np.zeros((6, 5)))
    with pytest.raises(ValueError, match="must be above 0 µm and finite, got 0.0 x 1.0"):
        measure_cells(to_cells(np.ones((5, 6), int), (0.0, 1.0)), None)
    with pytest.raises(ValueError, match="must hold one image"):
        measure_cells(AnnotationSet.empty(), None)


@pytest.mark.parametrize(
    "wrong", [{"background": "ring"}, {"ring_px": 0}, {"grey_levels": 1}, {"grey_range": (3.0, 3.0)}]
)
def test_options_that_mean_nothing_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MorphologyOptions(**wrong)


def test_options_travel_to_other_processes_and_the_image_is_not_changed(labels, to_cells) -> None:
    image = np.random.default_rng(0).integers(0, 999, labels.shape).astype(np.uint16)
    before = image.copy()
    assert pickle.loads(pickle.dumps(ALL)) == ALL
    measure_cells(to_cells(labels), image, options=ALL)
    assert (image == before).all()


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
@pytest.mark.parametrize(
    ("image", "labels"),
    [
        (
            "phase_contrast_instances_t98g/train/set1/raw.tif",
            "phase_contrast_instances_t98g/train/set1/instances_ids.png",
        ),
        (
            "multichannel_fluorescence_neubias/xyc_16bit__nup_nuclei.tif",
            "multichannel_fluorescence_neubias/xyc_16bit__nup_nuclei__xy_8bit_labels__nuclei.tif",
        ),
    ],
)
def test_real_cells_are_measured_as_by_scikit_image(image: str, labels: str, to_cells) -> None:
    pixels, drawn = read_image(DATA / image), read_image(DATA / labels)
    table = measure_cells(to_cells(drawn), pixels)
    their = {"area_px2": "area", "perimeter_px": "perimeter_crofton", "solidity": "solidity", "extent": "extent",
             "feret_diameter_max_px": "feret_diameter_max", "axis_major_length_px": "axis_major_length"}  # fmt: skip
    stacked = pixels if pixels.ndim == 3 else pixels[..., None]
    theirs = regionprops_table(drawn, stacked, properties=[*their.values(), "intensity_mean", "intensity_median"])
    assert len(table) == len(theirs["area"]) > 1
    for mine, name in their.items():
        assert_allclose(table[mine], theirs[name], rtol=1e-9, err_msg=mine)
    for channel in range(stacked.shape[2]):
        for name in ("intensity_mean", "intensity_median"):
            assert_allclose(table[f"{name}_channel_{channel}"], theirs[f"{name}-{channel}"], rtol=1e-9)
