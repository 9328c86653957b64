import numpy as np
import pytest
import torch

from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.inference.tiled_scores import predict_resized
from cell_pipelines.representations.binary import Binary


class Brightness(torch.nn.Module):
    """Sees a cell where its image is bright, and remembers what it was shown."""

    def forward(self, images):
        self.seen = tuple(images.shape)
        return (images[:, :1] - 0.5) * 40


def test_a_network_that_sees_one_size_gives_scores_of_the_images_own():
    network = Brightness()
    image = np.zeros((60, 90), np.uint8)
    image[20:40, 30:66] = 255
    (scores,) = predict_resized(TileNetwork(network, Binary()), UnitPixels(image, colour="rgb"), (32, 48))
    assert network.seen == (1, 3, 32, 48)
    assert scores["cell"].shape == image.shape
    assert np.mean((scores["cell"] > 32767) == (image > 0)) > 0.97


def test_an_image_of_other_channels_than_the_network_takes_is_refused():
    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec

    network = create_network(NetworkSpec("resunet", in_channels=1, options={"width": 4}))
    with pytest.raises(ValueError, match="the image has 3 channels, but the model learned from 1"):
        predict_resized(TileNetwork(network, Binary()), UnitPixels(np.zeros((20, 20, 3), np.uint8)), (16, 16))
