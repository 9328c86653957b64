"""Weight maps equal the formulas computed cell by cell on the whole image, with SciPy's distance transform."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, distance_transform_edt

from cell_pipelines.representations.weight_map import WEIGHT_MAPS, border_weights, create_weight_map, crowding_weights

SUM_ONLY = {"cell_weight": 0.0, "background_weight": 0.0}


def distances(labels: np.ndarray) -> np.ndarray:
    """Return the distance to the border pixels of each cell, (cells, H, W); infinite for a cell without."""
    found: list[np.ndarray] = []
    for label in np.unique(labels[labels > 0]):
        mask = labels == label
        border = mask & ~binary_erosion(mask, border_value=1)
        found.append(distance_transform_edt(~border) if border.any() else np.full(labels.shape, np.inf))
    return np.array(found).reshape(-1, *labels.shape)


def crowding(labels: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-(distances(labels) ** 2) / (2 * sigma**2)).sum(0)


def border(labels: np.ndarray, w0: float, sigma: float) -> np.ndarray:
    nearest = np.sort(distances(labels), axis=0)
    if len(nearest) < 2:
        return np.zeros(labels.shape)
    return w0 * np.exp(-((nearest[0] + nearest[1]) ** 2) / (2 * sigma**2))


@st.composite
def label_images(draw: st.DrawFn) -> np.ndarray:
    """Return small images of rectangles, discs, scattered and touching pixels, whose labels have gaps."""
    height, width = draw(st.integers(1, 48)), draw(st.integers(1, 48))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.zeros((height, width), np.int32)
    rows, columns = np.indices(labels.shape)
    for _ in range(draw(st.integers(0, 12))):
        label, (r, c), (a, b) = (
            generator.integers(1, 40),
            generator.uniform((0, 0), labels.shape),
            generator.uniform(0, 9, 2),
        )
        kind = generator.integers(3)
        if kind == 0:
            labels[(abs(rows - r) <= a) & (abs(columns - c) <= b)] = label
        elif kind == 1:
            labels[(rows - r) ** 2 + (columns - c) ** 2 <= a * a] = label
        else:
            labels[generator.random(labels.shape) < 0.02] = label
    return labels


@settings(max_examples=40, deadline=None)
@given(label_images(), st.sampled_from([0.5, 2.0, 7.0, 25.0]))
def test_crowding_is_the_sum_over_cells(labels: np.ndarray, sigma: float) -> None:
    found = crowding_weights(labels, sigma_px=sigma)
    expected = np.where(labels > 0, 1, 1.5) + crowding(labels, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(label_images(), st.sampled_from([0.5, 2.0, 5.0]), st.sampled_from([1.0, 10.0, 0.0]))
def test_border_weights_are_those_of_u_net(labels: np.ndarray, sigma: float, w0: float) -> None:
    found = border_weights(labels, sigma_px=sigma, w0=w0, background_weight=0.5)
    expected = np.where(labels > 0, 1, 0.5) + border(labels, w0, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_what_lies_out_of_reach_stays_below_the_tolerance() -> None:
    """Many small cells in an image much larger than a cell's window."""
    generator = np.random.default_rng(2)
    labels = np.zeros((150, 180), np.int32)
    for label in range(1, 120):
        r, c = generator.integers((0, 0), (145, 175))
        labels[r : r + 5, c : c + 4] = label
    found = crowding_weights(labels, sigma_px=6, **SUM_ONLY)
    np.testing.assert_allclose(found, crowding(labels, 6), rtol=0, atol=1e-5)
    found = border_weights(labels, **SUM_ONLY)
    np.testing.assert_allclose(found, border(labels, 10, 5), rtol=0, atol=1e-5)


def test_a_range_far_beyond_the_image_is_possible() -> None:
    labels = np.eye(20, dtype=np.int32)
    np.testing.assert_allclose(crowding_weights(labels, sigma_px=1e7), np.where(labels, 2, 2.5), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", sorted(WEIGHT_MAPS))
def test_without_cells_every_pixel_has_the_weight_of_the_background(name: str) -> None:
    weigh = create_weight_map(name, background_weight=1.5)
    assert weigh is not None
    np.testing.assert_array_equal(weigh(np.zeros((7, 9), np.int32)), np.full((7, 9), 1.5, np.float32))
    assert weigh(np.zeros((0, 9), np.int32)).shape == (0, 9)


def test_one_cell_weighs_one_at_its_border_and_less_on_either_side() -> None:
    labels = np.zeros((41, 41), np.int32)
    labels[10:31, 10:31] = 5
    weights = crowding_weights(labels, sigma_px=5, **SUM_ONLY)
    np.testing.assert_allclose(weights[20, [10, 5, 15]], [1, np.exp(-0.5), np.exp(-0.5)], rtol=1e-6)
    np.testing.assert_array_equal(border_weights(labels), np.ones((41, 41)))


def test_touching_cells_add_up_and_the_gap_between_two_weighs_most() -> None:
    labels = np.zeros((30, 40), np.int32)
    labels[5:25, 5:20], labels[5:25, 20:35] = 1, 2
    weights = crowding_weights(labels, **SUM_ONLY)
    assert weights[15, 19] == pytest.approx(1 + np.exp(-1 / 1250))
    assert border_weights(labels)[15, 19] == pytest.approx(1 + 10 * np.exp(-1 / 50))


def test_the_edge_of_the_image_is_no_border() -> None:
    """A cell that the edge cuts goes on beyond; one that fills the image has no border at all."""
    labels = np.zeros((20, 30), np.int32)
    labels[:, :10] = 1
    weights = crowding_weights(labels, sigma_px=3, **SUM_ONLY)
    np.testing.assert_allclose(weights, np.broadcast_to(weights[0], weights.shape))
    assert weights[0].argmax() == 9
    np.testing.assert_array_equal(crowding_weights(np.ones((6, 6), np.int32)), 1)


def test_numbers_of_cells_do_not_matter() -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[3:8, 3:8], labels[10:15, 12:20] = 1, 2
    for other in (np.array([0, 2**31 - 1, 70_000]), np.array([0, 9, 3])):
        for weigh in (crowding_weights, border_weights):
            np.testing.assert_allclose(weigh(other[labels].astype(np.int32)), weigh(labels), rtol=0, atol=1e-6)
    full = np.where(labels == 0, 2**30, labels).astype(np.int32)
    np.testing.assert_allclose(crowding_weights(full), 1 + crowding(full, 25), rtol=0, atol=1e-5)


def test_a_product_multiplies_the_sum_where_it_exceeds_1() -> None:
    labels = np.zeros((60, 90), np.int32)
    labels[5:15, 5:15], labels[5:15, 17:27] = 1, 2
    found = crowding_weights(labels, sigma_px=6, cell_weight=2, combination="product")
    expected = np.maximum(crowding(labels, 6), 1) * np.where(labels > 0, 2, 1.5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
    assert found[-1, -1] == 1.5


def test_labels_of_other_integers_and_orders_are_read_and_stay_as_they_were() -> None:
    labels = np.zeros((30, 20), np.uint8)
    labels[4:12, 5:16] = 1
    labels[15:20, 5:16] = 2
    turned = np.asfortranarray(labels)
    before = turned.copy()
    np.testing.assert_array_equal(crowding_weights(turned), crowding_weights(labels.astype(np.int32)))
    np.testing.assert_array_equal(turned, before)


def test_the_map_called_none_is_none() -> None:
    assert create_weight_map("none") is None
    assert create_weight_map("none", sigma_px=3) is None  # what is left of the map that a study has switched off


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("unet", {}, "one of none, crowding, border, got 'unet'"),
        ("border", {"sigma": 3}, "'border' has no option sigma; it has w0, sigma_px"),
        ("crowding", {"sigma_px": 0}, "`sigma_px` must be above 0, got 0"),
        ("crowding", {"cell_weight": -1}, "`cell_weight` must be 0 or more, got -1"),
        ("crowding", {"combination": "max"}, "`combination` must be sum or product, got 'max'"),
        ("border", {"w0": float("nan")}, "`w0` must be 0 or more, got nan"),
    ],
)
def test_unknown_names_and_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_weight_map(name, **options)
