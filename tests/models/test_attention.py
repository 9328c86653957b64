import pytest
import torch
from torch import nn

from cell_pipelines.models.attention import AttentionGate
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec


def test_a_gate_is_what_the_paper_writes():
    gate = AttentionGate(4, 6)
    skip, coarse = torch.rand(2, 4, 8, 8), torch.rand(2, 6, 4, 4)
    pooled = nn.functional.avg_pool2d(skip, 2)
    mixed = torch.einsum("oc,bchw->bohw", gate.skip.weight[..., 0, 0], pooled)
    mixed = mixed + torch.einsum("oc,bchw->bohw", gate.gate.weight[..., 0, 0], coarse) + gate.gate.bias[:, None, None]
    weights = torch.sigmoid(torch.einsum("oc,bchw->bohw", gate.weigh.weight[..., 0, 0], mixed.clamp(min=0)) + 2)
    expected = skip * nn.functional.interpolate(weights, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(gate(skip, coarse), expected)


def test_an_untrained_gate_is_nearly_open():
    skip = torch.rand(1, 8, 16, 16) + 0.1
    share = AttentionGate(8, 8)(skip, torch.rand(1, 8, 8, 8)) / skip
    assert share.min() > 0.7 and share.max() < 1


@pytest.mark.parametrize("name", ["unet", "linknet"])
@pytest.mark.parametrize("encoder", ["resnet18", "tu-test_convnext"])
def test_every_skip_connection_has_a_gate(name, encoder):
    network = create_network(NetworkSpec(f"attention_{name}", encoder, 1)).network
    gates = [gate for gate in network.decoder.gates if isinstance(gate, AttentionGate)]
    skips = [channels for channels in network.encoder.out_channels[1:-1] if channels]
    assert [gate.skip.in_channels for gate in gates] == skips[::-1]


@pytest.mark.parametrize("name", ["unet", "linknet"])
def test_open_gates_leave_the_network_as_it_is_without(name):
    plain = create_network(NetworkSpec(name, "resnet18"))
    gated = create_network(NetworkSpec(f"attention_{name}", "resnet18"))
    loaded = gated.load_state_dict(plain.state_dict(), strict=False)
    assert not loaded.unexpected_keys and all(".gates." in key for key in loaded.missing_keys)
    for gate in gated.network.decoder.gates:
        nn.init.zeros_(gate.weigh.weight)
        nn.init.constant_(gate.weigh.bias, 100)
    images = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(gated.eval()(images), plain.eval()(images))


def test_linknet_adds_and_so_is_smaller():
    sizes = [
        sum(parameter.numel() for parameter in create_network(NetworkSpec(name, "efficientnet-b0")).parameters())
        for name in ("attention_linknet", "attention_unet", "unet")
    ]
    assert sizes[0] < 0.7 * sizes[1] and sizes[1] > sizes[2]


def test_the_gates_learn():
    network = create_network(NetworkSpec("attention_unet", "resnet18", 1))
    network(torch.rand(2, 1, 32, 32)).square().mean().backward()
    assert all(gate.weigh.weight.grad.abs().sum() > 0 for gate in network.network.decoder.gates)
