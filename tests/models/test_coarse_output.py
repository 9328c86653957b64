"""Networks whose logits come on a coarser grid: of the right size, cheaper, and with every weight in use."""

import pytest
import torch

from cell_pipelines.models.any_size import AnySize
from cell_pipelines.models.checkpoint import read_checkpoint, write_checkpoint
from cell_pipelines.models.checkpoint_file import load_content, save_content
from cell_pipelines.models.complexity import measure_complexity
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import ARCHITECTURES, NetworkSpec

from .test_registry import small

#: Their logits are computed on a coarser grid in any case, and enlarged.
ENLARGED = {"fpn", "pan", "deeplabv3", "deeplabv3plus", "pspnet", "upernet", "segformer", "dpt", "stardist_unet"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_at_stride_2_fit_images_of_any_size(name: str) -> None:
    network = create_network(small(name, in_channels=1, out_channels=3, out_stride=2)).eval()
    for size in ((37, 52), (1, 3)):
        with torch.no_grad():
            assert network(torch.rand(2, 1, *size)).shape == (2, 3, -(-size[0] // 2), -(-size[1] // 2))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_is_computed_at_a_finer_grid_and_thrown_away(name: str) -> None:
    """Every weight has a gradient, and a decoder that goes up stage by stage costs less."""
    network = create_network(small(name, out_stride=2)).train()
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    whole = create_network(small(name)).train()
    whole(torch.rand(2, 3, 32, 32)).square().sum().backward()
    idle = {key for key, value in network.named_parameters() if value.grad is None}
    assert idle <= {key for key, value in whole.named_parameters() if value.grad is None}
    flops = [measure_complexity(one, (1, 3, 128, 128)).flops for one in (network, whole)]
    assert (flops[0] == flops[1]) == (name in ENLARGED) and flops[0] <= flops[1]


@pytest.mark.parametrize("name", ["fpn", "pspnet", "segformer", "stardist_unet"])
def test_a_head_that_enlarges_less_gives_the_same_logits_on_a_coarser_grid(name: str) -> None:
    networks = []
    for stride in (1, 2):
        torch.manual_seed(0)
        networks.append(create_network(small(name, out_stride=stride)).eval())
    networks[1].load_state_dict(networks[0].state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        fine, coarse = (network(image) for network in networks)
    # Enlarging aligns the corners, so these are the same values.
    assert torch.allclose(fine[..., [0, 0, -1, -1], [0, -1, 0, -1]], coarse[..., [0, 0, -1, -1], [0, -1, 0, -1]])


def test_stages_that_are_left_out_leave_the_weights_of_the_others_in_place() -> None:
    options = {"encoder_depth": 4, "decoder_channels": [32, 16, 8, 4]}
    fine, coarse = (create_network(NetworkSpec("unet", "resnet18", 1, 5, n, options=options)) for n in (1, 2))
    there, left = fine.state_dict(), coarse.state_dict()
    assert {key for key in there if ".blocks.3." in key} and not {key for key in left if ".blocks.3." in key}
    assert set(left) == {key for key in there if ".blocks.3." not in key}
    head = "network.segmentation_head.0.weight"
    assert (there[head].shape[:2], left[head].shape[:2]) == ((5, 4), (5, 8))


@pytest.mark.parametrize(("name", "stride"), [("unet", 8), ("linknet", 4), ("fpn", 4), ("resunet", 8), ("manet", 4)])
def test_coarser_grids_than_2(name: str, stride: int) -> None:
    network = create_network(small(name, out_stride=stride)).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 33, 65)).shape[2:] == (-(-33 // stride), -(-65 // stride))


@pytest.mark.parametrize(
    ("name", "stride", "options", "sentence"),
    [
        ("unetplusplus", 4, {}, "can't give logits at stride 4: a nested decoder can end one stage earlier only"),
        ("fpn", 8, {}, "fpn resnet18 can't give logits at stride 8: its head makes logits 4 times as large"),
        ("unet", 8, {"encoder_depth": 3}, "its decoder has 3 stages, too few to end 3 earlier"),
        ("stardist_unet", 4, {}, "`grid` 2 puts the logits on a grid that is no coarser, got stride 4"),
        ("resunet", 16, {}, "`depth` 3 makes the network no coarser than 8, got stride 16"),
        ("resunet", 3, {}, "`out_stride` must be a power of two, got 3"),
        ("resunet", 1, {"out_stride": 2}, "got out_stride"),
    ],
)
def test_a_stride_that_a_network_does_not_have_is_refused(name: str, stride: int, options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_network(small(name, out_stride=stride, options=options))


def test_a_model_file_says_the_stride_and_one_from_before_means_every_pixel(tmp_path) -> None:
    spec = NetworkSpec("resunet", None, 1, 5, 2, options={"width": 4})
    network = create_network(spec)
    path = tmp_path / "model.pt"
    path.write_bytes(write_checkpoint(network, {}))
    read, description = read_checkpoint(path)
    assert description["network"]["out_stride"] == 2 and read.spec == spec
    image = torch.rand(1, 1, 21, 33)
    with torch.no_grad():
        assert torch.equal(read(image), network.eval()(image)) and read(image).shape[2:] == (11, 17)
    path.write_bytes(write_checkpoint(create_network(NetworkSpec("resunet", None, 1, 5, options={"width": 4})), {}))
    content = load_content(path)
    del content["description"]["network"]["out_stride"]
    path.write_bytes(save_content(content["description"], content["weights"]))
    old, _ = read_checkpoint(path)
    assert isinstance(old, AnySize) and old.spec.out_stride == 1
    with torch.no_grad():
        assert old(image).shape[2:] == (21, 33)
