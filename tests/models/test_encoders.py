import logging

import pytest
import torch
from safetensors.torch import save_file

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.encoders import check_encoder
from cell_pipelines.models.registry import create_network, encoder_statistics
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError

smp = pytest.importorskip("segmentation_models_pytorch")


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return smp.encoders.get_encoder("resnet18")


@pytest.fixture
def offline(monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    monkeypatch.setattr("timm.models._hub.hf_hub_download", fail)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", fail)


def load(path, *, encoder="resnet18", channels=3, **fields):
    return create_network(NetworkSpec("unet", encoder, channels, **fields), encoder_weights=str(path)).network.encoder


@pytest.mark.parametrize("name", ["resnet18", "tu-resnet18", "timm-mobilenetv3_small_minimal_100"])
def test_without_a_network_both_ways_out_are_named(name, offline):
    with pytest.raises(WeightsError, match=r"no route to host.*path of a file.*train from scratch.*null"):
        load("imagenet", encoder=name)


def test_an_unknown_name_of_weights_says_which_are_published():
    known = r"no weights 'imagenet'; published are 'instagram'\. Give the path"
    with torch.device("meta"), pytest.raises(WeightsError, match=known):
        load("imagenet", encoder="resnext101_32x32d")


def test_an_architecture_without_an_encoder_takes_no_weights():
    with pytest.raises(WeightsError, match=r"resunet has no encoder"):
        create_network(NetworkSpec("resunet"), encoder_weights="imagenet")


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_published_weights_are_fitted_to_the_channels_as_smp_does(channels, encoder, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_file(encoder.state_dict(), path)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *args, **kwargs: str(path))
    monkeypatch.setattr("segmentation_models_pytorch.encoders.hf_hub_download", lambda *args, **kwargs: str(path))
    expected = smp.encoders.get_encoder("resnet18", in_channels=channels, weights="imagenet").state_dict()
    found = load("imagenet", channels=channels).state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_published_weights_of_timm_are_found_under_its_names(monkeypatch):
    import timm

    whole = timm.create_model("test_convnext")
    create = timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda name, pretrained=False, **options: whole if pretrained else create(name, **options)
    )
    found = load("imagenet", encoder="tu-test_convnext")
    stem = whole.state_dict()["stem.0.weight"]
    assert any(value.shape == stem.shape and torch.equal(value, stem) for value in found.state_dict().values())


@pytest.mark.parametrize("form", ["state", "network", "lightning", "safetensors", "checkpoint"])
def test_a_file_may_be_written_in_many_ways(form, encoder, tmp_path):
    path = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pth")
    network = create_network(NetworkSpec("fpn", "resnet18", 3))
    network.network.encoder.load_state_dict(encoder.state_dict())
    state = encoder.state_dict()
    if form == "safetensors":
        save_file(state, path)
    elif form == "checkpoint":
        path.write_bytes(write_checkpoint(network, {}))
    else:
        wrapped = {f"model.encoder.{name}": value for name, value in state.items()} | {"model.head": torch.zeros(1)}
        torch.save({"state": state, "network": network.state_dict(), "lightning": {"state_dict": wrapped}}[form], path)
    for name, value in load(path).state_dict().items():
        assert torch.equal(value, state[name])


def test_old_files_without_counted_batches_are_taken(encoder, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in encoder.state_dict().items() if "num_batches" not in k}, path)
    assert torch.equal(load(path).conv1.weight, encoder.conv1.weight)


def test_weights_of_another_encoder_are_refused(encoder, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(encoder.state_dict(), path)
    for other in ("resnet34", "resnet50", "mobilenet_v2"):
        with pytest.raises(WeightsError, match=r"tensors are missing or of another shape, such as .*same encoder"):
            load(path, encoder=other)


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_a_file_without_weights_is_refused_in_a_sentence(content, tmp_path):
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.pth: expected a state dictionary"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.pth: expected a file with weights; there is none"):
        load(tmp_path / "none.pth")


@pytest.mark.parametrize(
    ("encoder", "weights", "mean"),
    [
        ("resnet18", "imagenet", 0.485),
        ("resnet18", "mine/weights.pth", 0.485),
        ("inceptionresnetv2", "imagenet", 0.5),
        ("efficientnet-b0", "advprop", 0.5),
        ("dpn68", "imagenet", 124 / 255),
        ("timm-resnest269e", "imagenet", 0.485),
        ("tu-vit_tiny_patch16_224", "imagenet", 0.5),
        ("tu-convnext_tiny", "imagenet", 0.485),
    ],
)
def test_the_statistics_are_those_of_the_weights(encoder, weights, mean):
    means, deviations = encoder_statistics(encoder, weights)
    assert means[0] == pytest.approx(mean) and len(means) == len(deviations) == 3


def test_untrained_encoders_and_our_own_have_no_statistics(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(write_checkpoint(create_network(NetworkSpec("unet", "resnet18")), {}))
    assert encoder_statistics("resnet18", None) is None
    assert encoder_statistics("resnet18", str(path)) is None


@pytest.mark.parametrize("name", ["mit_b0", "mobileone_s0"])
def test_a_licence_that_is_not_free_is_told_in_the_log(name, caplog):
    with caplog.at_level(logging.WARNING):
        create_network(NetworkSpec("fpn", name))
    assert f"{name} comes under" in caplog.text


def test_every_encoder_of_smp_is_known():
    for name in smp.encoders.encoders:
        check_encoder(name)
