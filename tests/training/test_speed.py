"""A network's step is measured whatever it gives, and the network is left as it was."""

import pytest
import torch

from cell_pipelines.training.speed import StepTimes, choose_format, measure_formats, measure_step


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


def test_formats_are_measured_where_the_processor_has_instructions_for_them(monkeypatch):
    monkeypatch.setattr("cell_pipelines.training.speed.available_kinds", lambda: ("cpu",))
    seen = []

    class Watched(torch.nn.Conv2d):
        def forward(self, images):
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().forward(images)

    for supported, formats in ((True, ["float32", "bfloat16"]), (False, ["float32"])):
        monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda supported=supported: supported)
        seen.clear()
        assert list(measure_formats(Watched(3, 4, 3), (2, 3, 16, 16), seconds=0.01)) == formats
        assert set(seen) == {name == "bfloat16" for name in formats}


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"), [(1.0, 0.8, "bfloat16"), (1.0, 0.9, "float32"), (1.0, None, "float32")]
)
def test_fewer_digits_are_taken_only_where_they_are_worth_it(float32, bfloat16, chosen):
    seconds = {"float32": float32, "bfloat16": bfloat16}
    times = {name: StepTimes(one, 0.1, "here") for name, one in seconds.items() if one is not None}
    assert choose_format(times) == chosen
