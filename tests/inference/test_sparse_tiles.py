"""Star-convex cells found on tiles are those found on the whole image, one for one."""

import numpy as np
import pytest
import torch

from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.inference.tiled_scores import predict_scores
from cell_pipelines.representations.star import Star
from cell_pipelines.thresholds import Threshold

RADIUS = 6


class DiscFinder(torch.nn.Module):
    """Sees the brightness, which is highest in the centre of a cell, and gives every cell the same radius."""

    def __init__(self, categories=1, step=1):
        super().__init__()
        self.categories, self.step = categories, step

    def forward(self, images):
        brightness = images[:, :1, :: self.step, :: self.step]
        logits = torch.logit(brightness.clamp(1e-3, 0.999))
        rays = torch.full_like(brightness, RADIUS).expand(-1, 8, -1, -1)
        return torch.cat([logits, rays] * self.categories, dim=1)


def cells(shape, count):
    rng = np.random.default_rng(0)
    image = np.zeros(shape, np.float32)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for row, column in rng.integers(0, shape, (count, 2)):
        image = np.maximum(image, (1 - np.hypot(rows - row, columns - column) / RADIUS) * rng.uniform(0.6, 1))
    return image


@pytest.mark.parametrize(("grid", "stride"), [(1, 1), (2, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("shape", "count"), [((150, 230), 60), ((149, 227), 60), ((90, 90), 0), ((7, 3), 1)])
def test_tiled_cells_are_those_of_the_whole_image(grid, stride, turned, shape, count):
    star = Star(n_rays=8, grid=grid, stride=stride)
    network = TileNetwork(DiscFinder(2, stride), star, device="cpu", test_time_augmentation=turned)
    pixels = UnitPixels(cells(shape, count), colour="grey")
    network.in_channels = 1
    whole, _ = predict_scores(network, pixels)
    tiled, _ = predict_scores(network, pixels, tile=64, overlap=24)
    assert len(whole) == len(tiled) == 2
    for a, b in zip(whole, tiled, strict=True):
        for name in ("points", "distances", "probabilities"):
            np.testing.assert_allclose(a[name], b[name], atol=1e-5)
        one, other = (star.decode(scores, Threshold()) for scores in (a, b))
        assert one.labels.shape == shape
        assert (len(one.scores) > 30) if count > 1 else len(one.scores) <= count
        np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [(150, 230), (91, 77)])
def test_a_network_on_the_grid_finds_what_one_for_every_pixel_finds(turned, shape):
    pixels = UnitPixels(cells(shape, 40), colour="grey")
    found = []
    for stride in (1, 2):
        star = Star(n_rays=8, stride=stride)
        network = TileNetwork(DiscFinder(step=stride), star, device="cpu", test_time_augmentation=turned)
        network.in_channels = 1
        found.append(predict_scores(network, pixels, tile=64, overlap=24)[0][0])
    assert len(found[0]["points"]) > 10
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, atol=1e-5)
