import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.inference.rescaling import RescaledPixels


def source(shape=(61, 47, 2), seed=0):
    return UnitPixels(np.random.default_rng(seed).random(shape, dtype=np.float32), colour="channels")


@settings(deadline=None, max_examples=30)
@given(factor=st.floats(0.15, 4.0), data=st.data())
def test_a_window_shows_what_the_whole_image_shows_there(factor, data):
    image = RescaledPixels(source(), factor)
    height, width = image.shape
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    tall, wide = data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - column))
    whole = image.read((0, 0, height, width))
    window = image.read((row, column, tall, wide))
    assert whole.shape == (height, width, 2)
    assert np.allclose(window, whole[row : row + tall, column : column + wide], atol=1e-5)


def test_a_large_window_is_read_in_strips_that_show_the_same(monkeypatch):
    image = RescaledPixels(source(), 0.4)
    whole = image.read((0, 0, *image.shape))
    monkeypatch.setattr("cell_pipelines.inference.rescaling._MOST_PIXELS", 500)
    assert np.allclose(image.read((0, 0, *image.shape)), whole, atol=1e-5)


@pytest.mark.parametrize("factor", [0.2, 0.5, 1.0, 1.7])
def test_the_mean_and_a_gradient_stay(factor):
    ramp = np.broadcast_to(np.linspace(0, 1, 200, dtype=np.float32), (100, 200))
    image = RescaledPixels(UnitPixels(ramp, colour="grey"), factor)
    seen = image.read((0, 0, *image.shape))[..., 0]
    assert seen.mean() == pytest.approx(0.5, abs=0.005)
    expected = np.interp((np.arange(seen.shape[1]) + 0.5) * 200 / seen.shape[1] - 0.5, np.arange(200), ramp[0])
    inner = slice(5, -5)
    assert np.allclose(seen[3][inner], expected[inner], atol=0.01)


def test_a_factor_of_one_changes_nothing():
    pixels = source()
    image = RescaledPixels(pixels, 1.0)
    assert np.array_equal(image.read((0, 0, *image.shape)), pixels.read((0, 0, *pixels.shape)))


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_that_is_none_is_refused(factor):
    with pytest.raises(ValueError, match="`factor` must be finite and above 0"):
        RescaledPixels(source(), factor)
