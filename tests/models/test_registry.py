import pytest
import torch

from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import ARCHITECTURES, NetworkSpec

#: Millions of parameters with a ResNet-152, of the study of CLL cells, table 1.
PUBLISHED = {
    "unet": 67.2, "unetplusplus": 83.6, "manet": 182, "linknet": 65.8, "fpn": 60.8, "deeplabv3": 74.3,
    "deeplabv3plus": 61.3, "pan": 58.9,
}  # fmt: skip
#: Millions of parameters of U-Net++ with the other encoders of that study, as SMP has them.
ENCODERS = {"inceptionresnetv2": 71.1, "timm-resnest269e": 135.9, "resnext101_32x32d": 492, "vgg19": 44.7}


def small(name, **fields):
    encoder = {"resunet": None, "stardist_unet": None, "dpt": "tu-test_vit"}.get(name, "resnet18")
    options = {"decoder_fusion_channels": 16} if name == "dpt" else {}
    return NetworkSpec(name, encoder, **{"options": options, **fields})


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.quick(channels=[2])
@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_images_of_odd_sizes_and_any_number_of_channels_give_logits_of_their_size(name, channels):
    network = create_network(small(name, in_channels=channels, out_channels=4)).eval()
    images = torch.rand(2, channels, 37, 51)
    with torch.no_grad():
        logits = network(images)
        assert logits.shape == (2, 4, 37, 51) and logits.isfinite().all()
        assert torch.equal(logits, network(images))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_batch_of_one_tiny_image_can_be_trained_on(name):
    network = create_network(small(name)).train()
    logits = network(torch.rand(1, 3, 5, 1))
    assert logits.shape == (1, 1, 5, 1)
    logits.sum().backward()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sizes_that_are_multiples_of_the_stride_need_no_padding(name):
    network = create_network(small(name)).eval()
    image = torch.rand(1, 3, *(2 * [max(network.stride, network.minimum)]))
    with torch.no_grad():
        assert torch.equal(network(image), network.network(image))


@pytest.mark.parametrize("name", ["resunet", "unet"])
def test_a_few_steps_lower_the_loss(name):
    torch.manual_seed(0)
    network = create_network(small(name, in_channels=1)).train()
    images = torch.rand(2, 1, 32, 32)
    target = (images > 0.5).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(images), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("name", "millions"), PUBLISHED.items())
def test_networks_have_as_many_parameters_as_were_published(name, millions):
    with torch.device("meta"):
        network = create_network(NetworkSpec(name, "resnet152"))
    assert round(count(network) / 1e6, 0 if millions == 182 else 1) == millions


@pytest.mark.parametrize(("encoder", "millions"), ENCODERS.items())
def test_the_best_architecture_of_the_study_takes_its_other_encoders(encoder, millions):
    with torch.device("meta"):
        network = create_network(NetworkSpec("unetplusplus", encoder))
    assert round(count(network) / 1e6, 0 if millions == 492 else 1) == millions


@pytest.mark.parametrize(
    ("name", "encoder", "options", "stride"),
    [
        ("unet", "resnet18", {"encoder_depth": 3}, 8),
        ("unetplusplus", "resnet18", {"encoder_depth": 4, "decoder_channels": [32, 16, 8, 4]}, 16),
        ("pspnet", "resnet18", {"encoder_depth": 4}, 16),
        ("fpn", "resnet18", {"encoder_depth": 3, "upsampling": 1}, 8),
        ("pan", "resnet18", {"encoder_output_stride": 32}, 32),
        ("attention_unet", "tu-test_convnext", {}, 32),
        ("unet", "tu-test_vit", {}, None),
        ("manet", "timm-mobilenetv3_small_minimal_100", {}, 32),
        ("resunet", None, {"width": 2, "depth": 5}, 32),
    ],
)
def test_options_reach_the_architecture(name, encoder, options, stride):
    spec = NetworkSpec(name, encoder, 1, 2, options=options)
    if stride is None:
        with pytest.raises(ValueError, match=r"unet can't be built .*pattern.*takes 'resnet34'"):
            create_network(spec)
        return
    network = create_network(spec).eval()
    assert network.stride == stride and network.spec == spec
    with torch.no_grad():
        assert network(torch.rand(1, 1, 40, 33)).shape == (1, 2, 40, 33)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"architecture": "uneet"}, r"`architecture` must be one of resunet, unet, .*'uneet'"),
        ({"architecture": "unet"}, r"`encoder` must be named for unet"),
        ({"architecture": "resunet", "encoder": "resnet18"}, r"`encoder` must be null for resunet.*'resnet18'"),
        ({"architecture": "resunet", "in_channels": 0}, r"`in_channels` and `out_channels` must be 1 or more, got 0"),
    ],
)
def test_a_specification_that_makes_no_sense_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        NetworkSpec(**fields)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (small("unet", options={"depth": 3}), r"`options` of unet may hold encoder_depth, .*; got depth"),
        (small("resunet", options={"encoder_depth": 3}), r"may hold width, depth, bottleneck_size; got encoder_depth"),
        (small("unet", options={"encoder_depth": 9}), r"unet can't be built .*\[1, 5\], got 9"),
        (NetworkSpec("unet", "resnet19"), r"`encoder` must be .*such as resnet18, .*got 'resnet19'"),
        (NetworkSpec("unet", "tu-resnet19"), r"`encoder` must be .*tu-resnet18.*got 'tu-resnet19'"),
        (NetworkSpec("dpt", "resnet18"), r"`encoder` of dpt must be one of timm's, such as 'tu-vit_tiny"),
        (NetworkSpec("dpt", "tu-resnet18"), r"dpt can't be built .*takes vision transformers of timm"),
        (NetworkSpec("dpt", "tu-vit_small_patch14_dinov2"), r"patches of 8, 16 or 32"),
        (NetworkSpec("deeplabv3", "vgg11"), r"deeplabv3 can't be built with the encoder 'vgg11'"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(spec, sentence):
    with torch.device("meta"), pytest.raises(ValueError, match=sentence):
        create_network(spec)


def test_a_specification_survives_its_plain_form():
    spec = NetworkSpec("unet", "resnet18", 2, 5, options={"encoder_depth": 3})
    assert NetworkSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("fields", [None, {}, {"architecture": "resunet", "layers": 3}, "unet"])
def test_fields_that_are_not_those_of_a_network_are_refused(fields):
    with pytest.raises(ValueError, match=r"`network` must hold architecture, encoder"):
        NetworkSpec.from_dict(fields)
