"""A network's step is measured whatever it gives, and the network is left as it was."""

import pytest
import torch

from cell_pipelines.training.speed import measure_step


class Several(torch.nn.Module):
    """Gives tensors inside of lists and dictionaries, as a YOLO does."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3)

    def forward(self, images):
        features = self.layer(images)
        return {"boxes": [features, features * 2], "place": torch.arange(3), "none": None}


@pytest.mark.parametrize("network", [torch.nn.Conv2d(3, 4, 3), Several()], ids=["a tensor", "several"])
def test_steps_take_time_and_leave_the_weights_as_they_were(network):
    before = [weights.clone() for weights in network.parameters()]
    times = measure_step(network, (2, 3, 16, 16), seconds=0.01)
    assert times.step_seconds > 0
    assert times.forward_seconds > 0
    assert times.device
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(weights.grad is None for weights in network.parameters())
