import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cell_pipelines.models.any_size import AnySize, pad_by_mirroring
from cell_pipelines.models.spec import NetworkSpec


class Recorder(nn.Module):
    """Gives its input back at `scale`, and remembers its size."""

    def __init__(self, scale=1):
        super().__init__()
        self.pool = nn.AvgPool2d(scale)
        self.seen = None

    def forward(self, images):
        self.seen = tuple(images.shape[-2:])
        return self.pool(images)


def wrap(inner, *, stride=8, minimum=8, channels=2):
    return AnySize(inner, NetworkSpec("resunet", None, channels, channels), stride=stride, minimum=minimum)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70))
def test_every_size_comes_back_as_it_went_in(height, width):
    inner = Recorder()
    images = torch.rand(2, 2, height, width)
    assert torch.equal(wrap(inner, minimum=32)(images), images)
    assert all(size % 8 == 0 and size >= 32 for size in inner.seen)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 25), st.integers(0, 25))
def test_the_border_is_the_mirror_image_that_numpy_makes(height, width, more_rows, more_columns):
    images = np.random.default_rng(0).random((1, 1, height, width), dtype=np.float32)
    expected = np.pad(images, ((0, 0), (0, 0), (0, more_rows), (0, more_columns)), mode="reflect")
    padded = pad_by_mirroring(torch.from_numpy(images), height + more_rows, width + more_columns)
    np.testing.assert_array_equal(padded.numpy(), expected)


def test_a_size_that_fits_is_not_padded():
    images = torch.rand(1, 2, 16, 24)
    assert pad_by_mirroring(images, 16, 24) is images


@pytest.mark.parametrize("shape", [(0, 2, 8, 8), (1, 2, 0, 5), (1, 2, 5, 0)])
def test_no_pixels_give_no_logits(shape):
    assert wrap(Recorder())(torch.zeros(shape)).shape == shape


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8)])
def test_images_of_another_shape_are_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match=r"`images` must have the shape \(images, 2, height, width\)"):
        wrap(Recorder())(torch.zeros(shape))


def test_coarse_logits_are_brought_to_the_size_of_the_image():
    assert wrap(Recorder(scale=4))(torch.rand(1, 2, 21, 30)).shape == (1, 2, 21, 30)


def test_one_value_for_each_channel_is_normalised_by_the_running_statistics_in_training():
    network = wrap(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(2)))
    image = torch.rand(1, 2, 8, 8)
    with torch.no_grad():
        trained = network.train()(image)
        assert torch.equal(trained, network.eval()(image))
    assert network.network[1].num_batches_tracked == 0


def test_several_values_are_normalised_as_ever():
    plain = nn.BatchNorm2d(2)
    wrapped = wrap(nn.Sequential(nn.BatchNorm2d(2)))
    images = torch.rand(3, 2, 8, 8)
    assert torch.equal(wrapped(images), plain(images))
    assert torch.equal(wrapped.network[0].running_var, plain.running_var)
