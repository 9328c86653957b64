"""Untrained models as files, small enough to be exported in a second."""

import json

import pytest
import torch

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.untrained_file import write_untrained_yolo
from cell_pipelines.representations.registry import create_representation


@pytest.fixture
def write_model(tmp_path):
    """Give a function that writes a model file of any family and returns its path."""

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
