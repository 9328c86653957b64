"""The form of cells against scikit-image, and against what is known of discs, rectangles and ellipses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ellipe
from skimage.measure import regionprops_table

from cell_pipelines.analysis.morphology.shapes import measure_shapes
from cell_pipelines.analysis.morphology.spans import find_spans

THEIRS = {
    "num_pixels": "num_pixels", "area": "area", "area_convex": "area_convex", "centroid_row": "centroid-0",
    "centroid_column": "centroid-1", "bbox_min_row": "bbox-0", "bbox_min_column": "bbox-1", "bbox_max_row": "bbox-2",
    "bbox_max_column": "bbox-3", "perimeter": "perimeter_crofton", "axis_major_length": "axis_major_length",
    "axis_minor_length": "axis_minor_length", "eccentricity": "eccentricity", "extent": "extent",
    "solidity": "solidity", "feret_diameter_max": "feret_diameter_max",
}  # fmt: skip
IN_PIXELS = {"centroid_row": 0, "centroid_column": 1}


def disc(radius, centre=(0.0, 0.0)):
    side = int(radius) + 3
    rows, columns = np.mgrid[-side : side + 1, -side : side + 1]
    return ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2).astype(np.int32)


def test_every_feature_is_that_of_scikit_image(labels, to_cells) -> None:
    ours = measure_shapes(find_spans(to_cells(labels)))
    names = {name.split("-")[0] for name in THEIRS.values()}
    theirs = regionprops_table(labels, properties=[*names, "orientation"])
    for mine, their in THEIRS.items():
        assert_allclose(ours[mine], theirs[their], rtol=1e-12, atol=1e-6, err_msg=mine)
    # The same axis, whichever end is named; a round cell has none.
    turned = np.exp(2j * ours["orientation"]) - np.exp(2j * theirs["orientation"])
    assert np.abs(turned[theirs["eccentricity"] > 1e-3]).max() < 1e-6


def test_pixels_higher_than_wide_are_measured_in_their_own_size(labels, to_cells) -> None:
    size = (0.7, 0.31)
    ours = measure_shapes(find_spans(to_cells(labels)), size)
    names = {name.split("-")[0] for name in THEIRS.values()} - {"perimeter_crofton"}
    theirs = regionprops_table(labels, properties=list(names), spacing=size)
    for mine, their in THEIRS.items():
        if mine in IN_PIXELS:
            assert_allclose(ours[mine] * size[IN_PIXELS[mine]], theirs[their], rtol=1e-12)
        elif mine != "perimeter":
            assert_allclose(ours[mine], theirs[their], rtol=1e-12, atol=1e-6, err_msg=mine)


def test_lengths_grow_with_the_pixel_and_ratios_do_not(labels, to_cells) -> None:
    spans = find_spans(to_cells(labels))
    small, large = measure_shapes(spans), measure_shapes(spans, (3.0, 3.0))
    for name, factor in {
        "perimeter": 3,
        "area": 9,
        "feret_diameter_max": 3,
        "circularity": 1,
        "shape_index": 1,
    }.items():
        assert_allclose(large[name], factor * small[name], rtol=1e-12)


def test_the_circularity_of_discs_stays_near_one(to_cells) -> None:
    rng = np.random.default_rng(0)
    for radius in [*np.arange(3, 12, 0.5), *range(12, 61, 6)]:
        for _ in range(4):
            found = measure_shapes(find_spans(to_cells(disc(radius, rng.uniform(-0.5, 0.5, 2)))))
            near = 0.03 if radius >= 10 else 0.06 if radius >= 6 else 0.08 if radius >= 4 else 0.14
            assert abs(found["circularity"][0] - 1) < near, radius
            assert_allclose(found["perimeter"], 2 * np.pi * radius, rtol=0.08)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0, 0.5])
def test_the_perimeter_of_a_stretched_disc_is_that_of_the_disc(ratio: float, to_cells) -> None:
    """An ellipse in the pixels that is a disc in µm."""
    rows, columns = np.mgrid[-90:91, -90:91]
    ellipse = ((rows * ratio) ** 2 + columns**2 <= 40**2).astype(np.int32)
    found = measure_shapes(find_spans(to_cells(ellipse)), (ratio, 1.0))
    assert_allclose(found["perimeter"], 2 * np.pi * 40, rtol=0.04)
    assert_allclose(found["axis_major_length"], 80, rtol=0.01)


def test_an_ellipse_has_its_axes_and_its_direction(to_cells) -> None:
    rows, columns = np.mgrid[-80:81, -80:81]
    x, y = rows * np.cos(0.5) + columns * np.sin(0.5), columns * np.cos(0.5) - rows * np.sin(0.5)
    found = measure_shapes(find_spans(to_cells(((x / 60) ** 2 + (y / 30) ** 2 <= 1).astype(np.int32))))
    assert_allclose(found["axis_major_length"], 120, rtol=0.005)
    assert_allclose(found["axis_minor_length"], 60, rtol=0.005)
    assert_allclose(found["orientation"], 0.5, atol=0.005)
    assert_allclose(found["perimeter"], 4 * 60 * ellipe(0.75), rtol=0.03)
    assert_allclose(found["solidity"], 1, atol=0.02)


def test_a_rectangle_is_measured_exactly(to_cells) -> None:
    labels = np.zeros((20, 30), dtype=np.int32)
    labels[2:7, 3:15] = 1
    found = {name: values[0] for name, values in measure_shapes(find_spans(to_cells(labels))).items()}
    assert (found["area"], found["extent"], found["solidity"]) == (60, 1, 1)
    assert (found["centroid_row"], found["centroid_column"]) == (4, 8.5)
    assert found["equivalent_radius"] == pytest.approx(np.sqrt(60 / np.pi))
    assert found["shape_index"] == pytest.approx(found["perimeter"] / np.sqrt(60))
    assert found["feret_diameter_max"] == pytest.approx(np.hypot(12, 4))


@pytest.mark.parametrize(("row", "column", "touches"), [(0, 5, 1), (9, 5, 1), (5, 0, 1), (5, 9, 1), (1, 8, 0)])
def test_border_contact_is_the_first_or_last_row_or_column(row, column, touches, to_cells) -> None:
    labels = np.zeros((10, 10), dtype=np.int32)
    labels[row, column] = 1
    assert measure_shapes(find_spans(to_cells(labels)))["touches_border"].tolist() == [touches]


def test_all_small_cells_have_the_hull_of_scikit_image(to_cells) -> None:
    """Every cell of 3 x 3 pixels."""
    labels = np.zeros((4 * 23, 4 * 23), dtype=np.int32)
    for number in range(1, 512):
        row, column = divmod(number, 23)
        bits = np.array([number >> k & 1 for k in range(9)]).reshape(3, 3)
        labels[4 * row : 4 * row + 3, 4 * column : 4 * column + 3] = bits * number
    ours = measure_shapes(find_spans(to_cells(labels)))
    theirs = regionprops_table(labels, properties=["area_convex", "feret_diameter_max", "perimeter_crofton"])
    assert_allclose(ours["area_convex"], theirs["area_convex"])
    assert_allclose(ours["feret_diameter_max"], theirs["feret_diameter_max"], rtol=1e-12)
    assert_allclose(ours["perimeter"], theirs["perimeter_crofton"], rtol=1e-12)


def test_no_cells_give_no_rows(to_cells) -> None:
    assert all(values.shape == (0,) for values in measure_shapes(find_spans(to_cells(np.zeros((5, 6), int)))).values())
