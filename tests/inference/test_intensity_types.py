"""A network is given the same picture, and finds the same, whatever type of file a scene lies in."""

import numpy as np
import pytest

from cell_pipelines.inference.pixels import ColourPixels, UnitPixels, trained_normalisation
from cell_pipelines.inference.predictor import create_predictor
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec

KINDS = [("uint8", 1), ("uint16", 16), ("uint16", 257), ("int32", 1000), ("float32", 1.0), ("float64", 1 / 255)]


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    image = rng.normal(40, 3, (64, 80))
    image[10:30, 20:50] += 90
    return np.clip(image, 0, 255).astype(np.uint8)


def as_kind(scene, kind, factor):
    return (scene * np.float64(factor)).astype(kind)


@pytest.mark.parametrize(("kind", "factor"), KINDS)
def test_the_picture_that_a_network_takes_is_the_same(scene, kind, factor):
    whole, part = (0, 0, *scene.shape), (5, 7, 20, 30)
    image = as_kind(scene, kind, factor)
    for window in (whole, part):
        unit = UnitPixels(image, normalisation="percentile").read(window)
        np.testing.assert_allclose(unit, UnitPixels(scene, normalisation="percentile").read(window), atol=1e-5)
        narrow = ColourPixels(image, "percentile").read(window).astype(int)
        assert np.abs(narrow - ColourPixels(scene, "percentile").read(window)).max() <= 1


@pytest.mark.parametrize(("kind", "factor"), KINDS)
@pytest.mark.parametrize("normalisation", ["percentile", "full_range"])
def test_a_trained_network_finds_the_same_or_says_that_it_sees_something_else(
    scene, kind, factor, normalisation, tmp_path
):
    spec = NetworkSpec("resunet", in_channels=1, out_channels=1, options={"width": 4})
    description = {
        "representation": {"name": "binary", "options": {}}, "categories": ["cell"], "colour": "grey",
        "normalisation": normalisation, "mean_area_px": 50.0,
    }  # fmt: skip
    path = tmp_path / "a.pt"
    path.write_bytes(write_checkpoint(create_network(spec), description))
    predictor = create_predictor(path, device="cpu")
    one, other = predictor.examine(scene), predictor.examine(as_kind(scene, kind, factor))
    same = all(np.abs(one.arrays[k].astype(int) - other.arrays[k].astype(int)).max() <= 700 for k in one.arrays)
    fits = other.statistics.seen_high == pytest.approx(one.statistics.seen_high, rel=0.01)
    assert same if normalisation == "percentile" or fits else not fits
    if normalisation == "percentile":
        assert fits


def test_old_files_are_scaled_as_they_were_trained():
    assert trained_normalisation({}, "yolo") == "percentile_above_8_bit"
    assert trained_normalisation({"normalisation": "percentile"}, "yolo") == "percentile_above_8_bit"
    assert trained_normalisation({"normalisation": "percentile", "scales_8_bit": True}, "yolo") == "percentile"
    assert trained_normalisation({"normalisation": "full_range"}, "yolo") == "full_range"
    assert trained_normalisation({}, "segmentation") == "full_range"
    with pytest.raises(ValueError, match="the model file names the normalisation 'z_score'"):
        trained_normalisation({"normalisation": "z_score"}, "segmentation")


def test_a_yolo_that_learned_from_eight_bits_as_they_are_still_takes_them_so(scene):
    pixels = ColourPixels(scene, "percentile_above_8_bit").read((0, 0, *scene.shape))
    np.testing.assert_array_equal(pixels[..., 0], scene)
