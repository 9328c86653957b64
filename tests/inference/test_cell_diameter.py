"""The estimate is tried with a finder that measures bright discs exactly, in place of a network."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.inference.cell_diameter import Diameter, check_diameter, choose_diameter, estimate_diameter
from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.representations.base import Instances

KNOWN_PX = 20.0


def discs(diameter, shape=(400, 500), *, gap=1.6, level=0.8):
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    step = diameter * gap
    near = np.hypot((rows + step / 2) % step - step / 2, (columns + step / 2) % step - step / 2)
    return np.where(near <= diameter / 2, level, 0.1).astype(np.float32)


def find(pixels):
    """Return bright components of at least 12 pixels; surer the better their size is known."""
    image = pixels.read((0, 0, *pixels.shape))[..., 0]
    labels = ndimage.label(image > 0.45)[0].astype(np.int32)
    areas = np.bincount(labels.ravel())[1:]
    kept = np.flatnonzero(areas >= 12) + 1
    numbers = np.zeros(len(areas) + 1, np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return [Instances(numbers[labels], np.full(len(kept), 0.95, np.float32))]


@pytest.mark.parametrize("diameter", [8, 13, 20, 31, 60, 120])
def test_the_diameter_of_discs_is_found(diameter):
    shape = (max(300, 5 * diameter), max(400, 6 * diameter))
    pixels = UnitPixels(discs(diameter, shape), colour="grey")
    assert estimate_diameter(pixels, KNOWN_PX, find) == pytest.approx(diameter, rel=0.1)


def test_a_few_discs_in_a_corner_of_a_large_empty_image_are_looked_at():
    image = np.full((1500, 1800), 0.1, np.float32)
    image[1300:1450, 1600:1750] = discs(16, (150, 150))
    found = estimate_diameter(UnitPixels(image, colour="grey"), KNOWN_PX, find)
    assert found == pytest.approx(16, rel=0.1)


def test_an_image_without_cells_has_no_diameter():
    pixels = UnitPixels(np.full((120, 90), 0.1, np.float32), colour="grey")
    assert estimate_diameter(pixels, KNOWN_PX, find) is None
    assert choose_diameter(pixels, "auto", KNOWN_PX, find) == Diameter(None, "estimated")
    assert Diameter(None, "estimated").factor(KNOWN_PX) == 1.0


def test_a_crowd_that_looks_like_a_large_cell_is_not_believed_where_smaller_ones_are_surer():
    image = np.full((600, 600), 0.1, np.float32)
    image[200:400, 200:400] = discs(18, (200, 200), gap=1.15)

    def blurred(pixels):
        seen = pixels.read((0, 0, *pixels.shape))[..., 0]
        labels = ndimage.label(seen > 0.3)[0].astype(np.int32)
        areas = np.bincount(labels.ravel())[1:]
        return [Instances(labels, np.where(areas > 800, 0.6, 0.95).astype(np.float32))]

    found = estimate_diameter(UnitPixels(image, colour="grey"), KNOWN_PX, blurred)
    assert found == pytest.approx(18, rel=0.3)


def test_a_given_diameter_is_taken_without_looking():
    pixels = UnitPixels(discs(8), colour="grey")
    assert choose_diameter(pixels, 40, KNOWN_PX, find) == Diameter(40.0, "given")
    assert Diameter(40.0, "given").factor(KNOWN_PX) == 0.5


def test_a_model_that_sees_images_as_they_are_takes_no_diameter():
    assert check_diameter(Path("m.pt"), None, None) is None
    assert check_diameter(Path("m.pt"), None, KNOWN_PX) == "auto"
    with pytest.raises(ValueError, match=r"m\.pt: this model sees images as they are.*got 12"):
        check_diameter(Path("m.pt"), 12, None)
    with pytest.raises(ValueError, match="`diameter_px` must be finite and above 0, or auto, got -3"):
        check_diameter(Path("m.pt"), -3, KNOWN_PX)


def test_noise_that_looks_like_cells_at_a_fine_scale_only_has_no_diameter():
    image = np.random.default_rng(0).normal(0.4, 0.2, (200, 200)).clip(0, 1).astype(np.float32)

    def unsure(pixels):
        (found,) = find(pixels)
        return [Instances(found.labels, np.full(len(found.scores), 0.75, np.float32))]

    assert estimate_diameter(UnitPixels(image, colour="grey"), KNOWN_PX, unsure) is None


@pytest.mark.parametrize("usual", [0.95, 0.7, 0.5])
def test_a_network_with_low_scores_tells_the_diameter_by_what_is_usual_for_it(usual):
    """A star-convex network gives its cells about 0.8, which is little for another one."""
    pixels = UnitPixels(discs(50), colour="grey")

    def like(score):
        return lambda pixels: [Instances(one.labels, np.full_like(one.scores, score)) for one in find(pixels)]

    assert estimate_diameter(pixels, KNOWN_PX, like(usual), usual) == pytest.approx(50, rel=0.1)
    assert estimate_diameter(pixels, KNOWN_PX, like(0.8 * usual), usual) is None


@pytest.mark.parametrize(
    ("diameter", "text"),
    [(0.001, "too small for this model"), (1e9, "does not fit into the image of 400 x 300 pixels")],
)
def test_a_diameter_that_would_take_all_memory_is_refused(diameter, text):
    from cell_pipelines.imaging.reading import ImageFormatError

    class Pixels:
        shape = (300, 400)

    with pytest.raises(ImageFormatError, match=text):
        choose_diameter(Pixels(), diameter, 30.0, lambda pixels: [])
