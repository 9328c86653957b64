import numpy as np
import pytest

from cell_pipelines.training.segmentation.rate_finder import steepest_rate

RATES = np.geomspace(1e-8, 1, 100)


def curve(noise):
    """Return a loss that falls around a rate of 0.01, with a jump downwards at one of 3e-7."""
    losses = 0.5 - 0.25 / (1 + (0.01 / RATES) ** 1.5) + np.random.default_rng(0).normal(0, noise, 100)
    losses[18] -= 20 * noise
    return losses


@pytest.mark.parametrize("noise", [0, 0.001, 0.002])
def test_a_single_steep_step_is_not_where_the_loss_falls(noise):
    assert 0.003 < steepest_rate(RATES, curve(noise)) < 0.03


def test_steps_after_the_loss_was_finite_last_are_left_aside():
    losses = curve(0)
    losses[90:] = np.nan
    assert 0.003 < steepest_rate(RATES, losses) < 0.03


@pytest.mark.parametrize("losses", [(), (1.0,), (np.nan, 1.0, 0.5), (1.0, 1.0, 1.0), (1.0, 2.0, 3.0)])
def test_a_loss_that_never_falls_is_an_error(losses):
    with pytest.raises(ValueError, match="no learning rate lets the loss fall"):
        steepest_rate(RATES[: len(losses)], losses)
