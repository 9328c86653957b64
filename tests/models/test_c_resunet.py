import pytest
import torch

from cell_pipelines.models.c_resunet import CResUNet, ResidualBlock


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_docstring_states_the_number_of_parameters():
    assert f"{count(CResUNet(3, 1)):,} parameters" in " ".join(CResUNet.__doc__.split())


def test_one_more_colour_costs_one_parameter():
    assert count(CResUNet(4, 1)) == count(CResUNet(3, 1)) + 1


def test_a_single_channel_starts_as_it_is():
    image = torch.rand(1, 1, 8, 8)
    assert torch.equal(CResUNet(1, 1).colour(image), image)


def test_several_channels_start_as_their_mean():
    images = torch.rand(2, 5, 8, 8)
    torch.testing.assert_close(CResUNet(5, 1).colour(images), images.mean(1, keepdim=True))


@pytest.mark.parametrize(("width", "depth"), [(2, 1), (4, 2), (2, 5)])
def test_width_and_depth_set_the_stride_and_keep_the_size(width, depth):
    network = CResUNet(3, 4, width=width, depth=depth)
    assert network.stride == 2**depth
    assert network(torch.rand(2, 3, 32, 64)).shape == (2, 4, 32, 64)
    assert network.head.in_channels == width


def test_the_bottleneck_has_filters_of_the_size_that_was_asked_for():
    sizes = {layer.kernel_size for layer in CResUNet(3, 1).bottleneck.modules() if isinstance(layer, torch.nn.Conv2d)}
    assert sizes == {(5, 5), (1, 1)}


def test_an_equal_number_of_features_needs_no_shortcut():
    assert count(ResidualBlock(4, 4).shortcut) == 0
    assert count(ResidualBlock(4, 8).shortcut) == 4 * 8 + 8


def test_it_is_fully_convolutional():
    network = CResUNet(1, 1, width=2).eval()
    image = torch.rand(1, 1, 256, 256)
    with torch.no_grad():
        whole, part = network(image), network(image[..., :128, :128])
    torch.testing.assert_close(whole[..., :16, :16], part[..., :16, :16], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", [{"width": 0}, {"depth": 0}, {"bottleneck_size": 4}])
def test_an_option_out_of_range_is_named(options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`|`width` and `depth`"):
        CResUNet(3, 1, **options)
