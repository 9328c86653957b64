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


@pytest.fixture
def write_model(tmp_path):
    """Give a function that writes a model file of any family and returns its path."""
    import json

    import torch

    from cell_pipelines.models.checkpoint import write_checkpoint
    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec
    from cell_pipelines.models.untrained_file import write_untrained_yolo
    from cell_pipelines.representations.registry import create_representation

    def write(name, *, representation="binary", tile=64, in_channels=1, stride=1):
        path = tmp_path / f"{name}.pt"
        if name.startswith("yolo"):
            write_untrained_yolo(path, f"{name}.yaml", image_size=tile, categories=("live", "dead"))
            return path
        torch.manual_seed(0)
        encoder = {"resunet": None, "stardist_unet": None, "dpt": "tu-test_vit"}.get(name, "resnet18")
        shallow = {"encoder_depth": 3, "decoder_channels": [32, 16, 8]}
        options = {"resunet": {"width": 4}, "dpt": {"decoder_fusion_channels": 16}, "attention_unet": shallow}.get(
            name, {}
        )
        learnt = {"stride": stride} if stride > 1 else {}
        channels = len(create_representation(representation, **learnt).channels)
        description = {
            "representation": {"name": representation, "options": learnt},
            "categories": ["live", "dead"],
            "thresholds": {"live": 0.5, "dead": 0.4},
            "normalisation": "full_range",
            "colour": "grey",
            "training": {"tile": tile},
        }
        network = create_network(NetworkSpec(name, encoder, in_channels, 2 * channels, stride, options=options))
        path.write_bytes(write_checkpoint(network, json.loads(json.dumps(description))))
        return path

    return write
