import pytest
import torch

from cell_pipelines.models.stardist_unet import StarDistUNet


@pytest.mark.parametrize("grid", [1, 2, 4])
def test_outputs_are_constant_over_each_step_of_the_grid(grid):
    network = StarDistUNet(1, 5, grid=grid, depth=1, width=4, features=0).eval()
    with torch.no_grad():
        found = network(torch.rand(1, 1, 2 * network.stride, 3 * network.stride))
    assert found.shape[2:] == (2 * network.stride, 3 * network.stride) and network.stride == 2 * grid
    on_grid = found[..., ::grid, ::grid]
    assert torch.equal(on_grid.repeat_interleave(grid, 2).repeat_interleave(grid, 3), found)


def test_the_published_fluorescence_network_has_its_number_of_weights():
    # Each convolution's inputs and outputs as StarDist's configuration gives them: grid 2, depth 3, 32 rays.
    widths = [(1, 32), (32, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 128),
              (256, 128), (128, 64), (128, 64), (64, 32), (64, 32), (32, 32), (32, 128)]  # fmt: skip
    expected = sum(9 * a * b + b for a, b in widths) + 129 * 33
    network = StarDistUNet(1, 33)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize(
    "options", [{"grid": 3}, {"grid": 0}, {"kernel_size": 2}, {"depth": 0}, {"width": 0}, {"features": -1}]
)
def test_options_outside_their_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        StarDistUNet(1, 5, **options)
