"""Stand-ins for trained networks: small, with a known field of view, and untrained."""

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Maps:
    """A representation that stores what the network puts out as it is."""

    channels: tuple[str, ...] = ("inside",)
    activations: tuple[str, ...] = ("sigmoid",)
    stride: int = 1
    is_sparse: bool = False

    def reduce(self, outputs, *, origin=(0, 0), core=None):
        return {"maps": np.array(outputs)}


@pytest.fixture
def maps():
    return Maps


@pytest.fixture
def convolutions():
    """Give a network of three 5x5 convolutions: it sees 6 pixels around a pixel."""
    import torch

    def make(channels=3, outputs=1):
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(a, b, 5, padding=2) for a, b in ((channels, 8), (8, 8), (8, outputs))]
        return torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])

    return make


@pytest.fixture
def small_unet():
    """Give a U-Net of two poolings; it sees 22 pixels around a pixel, or fewer."""
    import torch
    from torch import nn

    from cell_pipelines.models.any_size import AnySize
    from cell_pipelines.models.spec import NetworkSpec

    class Small(nn.Module):
        def __init__(self, channels, outputs):
            super().__init__()
            self.top, self.middle, self.bottom = (
                nn.Conv2d(a, b, 3, padding=1) for a, b in ((channels, 8), (8, 8), (8, 8))
            )
            self.up, self.last = nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(16, outputs, 3, padding=1)

        def forward(self, x):
            grow = nn.functional.interpolate
            a = self.top(x).relu()
            b = self.middle(nn.functional.max_pool2d(a, 2)).relu()
            c = self.bottom(nn.functional.max_pool2d(b, 2)).relu()
            d = self.up(torch.cat([grow(c, scale_factor=2), b], 1)).relu()
            return self.last(torch.cat([grow(d, scale_factor=2), a], 1))

    def make(channels=3, outputs=1):
        torch.manual_seed(0)
        spec = NetworkSpec("resunet", in_channels=channels, out_channels=outputs)
        return AnySize(Small(channels, outputs), spec, stride=4, minimum=4)

    return make
