import copy

import pytest
import torch
from torch import nn

from cell_pipelines.models.complexity import Complexity, measure_complexity
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import ARCHITECTURES, NetworkSpec
from cell_pipelines.models.untrained import create_untrained_yolo

#: Millions of parameters and GFLOPs at 640 pixels of the networks as they are trained, with 80 classes.
YOLO = {
    "yolov8n.pt": (3.157, 8.7), "yolov9t.pt": (2.129, 8.3), "yolov10n.pt": (2.776, 8.6), "yolo11n.pt": (2.624, 6.5),
    "yolo12n.pt": (2.602, 7.5), "yolo26n.pt": (2.572, 6.1), "yolov8n-seg.pt": (3.410, 12.0),
}  # fmt: skip


def small(name):
    encoder = {"resunet": None, "stardist_unet": None, "dpt": "tu-test_vit"}.get(name, "resnet18")
    return NetworkSpec(name, encoder, options={"decoder_fusion_channels": 16} if name == "dpt" else {})


def test_a_convolution_costs_what_its_sizes_say():
    layer = nn.Conv2d(3, 8, kernel_size=3, padding=1)
    assert measure_complexity(layer, (2, 3, 16, 24)) == Complexity(
        parameters=8 * 3 * 9 + 8, flops=2 * (2 * 16 * 24) * 8 * 3 * 9, activation_bytes=4 * 2 * 3 * 16 * 24
    )


def test_a_convolution_in_groups_costs_its_share():
    whole = measure_complexity(nn.Conv2d(8, 8, 3, bias=False), (1, 8, 10, 10))
    apart = measure_complexity(nn.Conv2d(8, 8, 3, bias=False, groups=8), (1, 8, 10, 10))
    assert apart.flops * 8 == whole.flops and apart.parameters * 8 == whole.parameters


def test_what_is_kept_twice_counts_once_and_what_is_not_kept_does_not():
    layers = nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 1, 1, bias=False))
    # The image, and the output of the ReLU, which both it and the next convolution keep.
    assert measure_complexity(layers, (1, 1, 8, 8)).activation_bytes == 4 * 64 * (1 + 4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_counted_alike_with_and_without_numbers(name):
    spec = small(name)
    network = create_network(spec).eval()
    with torch.device("meta"):
        twin = create_network(spec)
    counted = measure_complexity(network, (2, 3, 64, 64))
    assert counted == measure_complexity(twin, (2, 3, 64, 64))
    assert counted.parameters == sum(p.numel() for p in network.parameters())
    assert min(counted.flops, counted.activation_bytes) > 0


@pytest.mark.parametrize("name", ["resunet", "attention_unet"])
def test_counts_are_those_of_a_real_pass(name):
    network = create_network(small(name)).train()
    own = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    kept = {}
    hooks = torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.setdefault(t.untyped_storage().data_ptr(), t) is None or t, lambda t: t
    )
    with hooks, torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        network(torch.rand(2, 3, 64, 64))
    counted = measure_complexity(network, (2, 3, 64, 64))
    assert counted.flops == counter.get_total_flops()
    assert counted.activation_bytes == sum(t.untyped_storage().nbytes() for key, t in kept.items() if key not in own)


def test_work_and_memory_grow_with_the_batch_and_the_image():
    network = create_network(NetworkSpec("resunet"))
    one, four = (measure_complexity(network, (n, 3, 64, 64)) for n in (1, 4))
    wide = measure_complexity(network, (1, 3, 128, 128))
    assert four.flops == wide.flops == 4 * one.flops and one.parameters == four.parameters
    assert four.activation_bytes == pytest.approx(4 * one.activation_bytes, rel=1e-3)


@pytest.mark.parametrize("name", YOLO)
def test_yolo_networks_cost_what_is_known_of_them(name):
    from ultralytics.utils.torch_utils import get_flops

    network = create_untrained_yolo(name, 80)
    counted = measure_complexity(network, (1, 3, 640, 640))
    millions, giga = YOLO[name]
    # An independent count, which knows normalisation and activations as well.
    assert counted.flops / 1e9 == pytest.approx(get_flops(network, 640), rel=0.03)
    assert (round(counted.parameters / 1e6, 3), round(counted.flops / 1e9, 1)) == (millions, giga)


def test_the_network_is_left_as_it_was():
    network = create_network(NetworkSpec("resunet")).eval()
    before = copy.deepcopy(network.state_dict())
    measure_complexity(network, (1, 3, 32, 32))
    assert not network.training and all(torch.equal(v, network.state_dict()[k]) for k, v in before.items())


def test_a_network_whose_shapes_depend_on_its_values_is_run():
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 1, bias=False)

        def forward(self, images):
            return self.layer(images) if images.sum().item() == 0 else images

    assert measure_complexity(Picky(), (1, 1, 4, 4)) == Complexity(1, 2 * 16, 4 * 16)


def test_a_network_without_parameters_costs_nothing():
    assert measure_complexity(nn.Identity(), (1, 3, 8, 8)) == Complexity(0, 0, 0)


@pytest.mark.parametrize("shape", [(1, 3, 0, 8), (3, 8, 8)])
def test_a_batch_without_images_or_sides_is_refused(shape):
    with pytest.raises(ValueError, match="`shape` must be four numbers"):
        measure_complexity(nn.Identity(), shape)
