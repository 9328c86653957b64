"""Weights are stored in 16 bits where that loses no more than rounding, and a training may start from any model's."""

import pytest
import torch

from cell_pipelines.models.checkpoint import in_half_precision, read_checkpoint, start_from, write_checkpoint
from cell_pipelines.models.checkpoint_file import load_content, read_description
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError

SPEC = NetworkSpec("resunet", in_channels=1, out_channels=2, options={"width": 4})


def make(path, spec=SPEC, seed=0):
    torch.manual_seed(seed)
    network = create_network(spec)
    path.write_bytes(write_checkpoint(network, {"categories": ["cell"]}))
    return network.eval()


def test_a_file_of_half_precision_is_half_as_large_and_gives_nearly_the_same(tmp_path):
    network = make(tmp_path / "whole.pt")
    (tmp_path / "half.pt").write_bytes(in_half_precision(tmp_path / "whole.pt"))
    whole, half = ((tmp_path / name).stat().st_size for name in ("whole.pt", "half.pt"))
    assert half < 0.65 * whole
    read, description = read_checkpoint(tmp_path / "half.pt")
    assert description == read_description(tmp_path / "whole.pt")
    assert {value.dtype for value in read.parameters()} == {torch.float32}
    image = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        expected = network(image)
        assert (read(image) - expected).abs().max() < 0.01 * expected.abs().max()


def test_a_value_too_large_for_16_bits_keeps_its_32(tmp_path):
    network = make(tmp_path / "m.pt")
    with torch.no_grad():
        network.network.head.bias[0] = 1e6
    (tmp_path / "m.pt").write_bytes(write_checkpoint(network, {"categories": ["cell"]}))
    (tmp_path / "half.pt").write_bytes(in_half_precision(tmp_path / "m.pt"))
    weights = load_content(tmp_path / "half.pt")["weights"]
    assert weights["network.head.bias"].dtype == torch.float32
    assert weights["network.head.weight"].dtype == torch.float16
    assert read_checkpoint(tmp_path / "half.pt")[0].network.head.bias[0] == 1e6


def test_a_training_starts_with_the_weights_of_the_file(tmp_path):
    make(tmp_path / "m.pt", seed=1)
    network = create_network(SPEC)
    start_from(network, tmp_path / "m.pt")
    known = read_checkpoint(tmp_path / "m.pt")[0].state_dict()
    assert all(torch.equal(value, known[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (NetworkSpec("resunet", in_channels=3, out_channels=2, options={"width": 4}), "in_channels 1 instead of 3"),
        (NetworkSpec("resunet", in_channels=1, out_channels=2, options={"width": 8}), "options"),
        (NetworkSpec("unet", "resnet18", in_channels=1, out_channels=2), "architecture 'resunet' instead of 'unet'"),
    ],
)
def test_a_file_of_another_network_is_refused_with_what_differs(tmp_path, other, said):
    make(tmp_path / "m.pt")
    with pytest.raises(WeightsError, match=rf"m\.pt: its weights don't fit as a start, it has .*{said}"):
        start_from(create_network(other), tmp_path / "m.pt")
