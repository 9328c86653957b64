import numpy as np
import pytest

from cell_pipelines.simulation.emission import show_emission


@pytest.mark.parametrize(("channel", "strongest"), [("blue", 2), ("red", 0)])
def test_an_emission_is_shown_in_its_colour_with_its_own_intensity(channel, strongest):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = show_emission(image, channel)
    assert shown.shape == (16, 16, 3)
    np.testing.assert_array_equal(shown[..., strongest], image)
    assert shown.argmax(axis=2)[-1, -1] == strongest
