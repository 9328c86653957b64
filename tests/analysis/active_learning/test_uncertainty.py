import numpy as np
import pytest

from cell_pipelines.analysis.active_learning.probabilities import entropy
from cell_pipelines.analysis.active_learning.uncertainty import Uncertainty, map_uncertainty, object_uncertainty


def field(value, repeats=1):
    """Return probabilities with a square of a value in each of some tiles."""
    tile = np.zeros((40, 40))
    tile[12:24, 12:24] = value
    return np.tile(tile, (repeats, repeats))


def test_a_larger_image_of_the_same_cells_is_as_uncertain():
    one, many = (map_uncertainty(field(0.7, repeats), 0.5) for repeats in (1, 4))
    assert one.mean == pytest.approx(many.mean)
    assert many.number == 16 * one.number


def test_pixels_at_the_cut_off_have_one_bit_and_sure_ones_none():
    assert map_uncertainty(field(0.8), 0.8, reach_px=0) == Uncertainty(pytest.approx(144.0), 144)
    assert map_uncertainty(field(1.0), 0.8, reach_px=0).mean == 0


def test_reach_adds_pixels_around_the_cell():
    assert map_uncertainty(field(0.8), 0.5, reach_px=2).number == 16**2


def test_stored_maps_of_16_bits_give_the_same():
    probabilities = np.random.default_rng(0).uniform(size=(30, 50))
    stored = np.rint(probabilities * 65535).astype(np.uint16)
    assert map_uncertainty(stored, 0.4).mean == pytest.approx(map_uncertainty(probabilities, 0.4).mean, abs=1e-4)


def test_an_image_without_possible_cells_is_certain():
    assert map_uncertainty(np.zeros((8, 8)), 0.5).mean == 0
    assert object_uncertainty(np.zeros(0), 0.5) == Uncertainty()
    assert object_uncertainty(np.full(500, 0.001), 0.5).number == 0


def test_objects_around_the_threshold_are_uncertain_and_background_does_not_dilute_them():
    unsure = np.array([0.3, 0.3])
    assert object_uncertainty(unsure, 0.3).mean == pytest.approx(1)
    assert object_uncertainty(np.append(unsure, np.full(300, 0.001)), 0.3).mean == pytest.approx(1)
    assert object_uncertainty(np.array([0.3, 1.0]), 0.3).mean == pytest.approx(0.5)


def test_each_object_has_the_threshold_of_its_class():
    found = object_uncertainty(np.array([0.5, 0.5]), np.array([0.5, 0.8]))
    assert found.bits == pytest.approx(1 + float(entropy(0.2)))


def test_uncertainties_of_classes_add_up():
    assert Uncertainty(1.0, 2) + Uncertainty(2.0, 4) == Uncertainty(3.0, 6)


def test_a_negative_reach_is_refused():
    with pytest.raises(ValueError, match="reach_px"):
        map_uncertainty(np.zeros((4, 4)), 0.5, reach_px=-1)
