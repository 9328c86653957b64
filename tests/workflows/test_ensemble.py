import numpy as np
import pytest
import torch

from cell_pipelines.failures import MistakeError
from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.segmentation import SegmentationPredictor
from cell_pipelines.models.activations import activate, to_logits
from cell_pipelines.models.checkpoint import start_from, write_checkpoint
from cell_pipelines.models.model_file import count_parameters
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkChoice, NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows.ensemble import combine_models
from cell_pipelines.workflows.trained_model import TrainedModel

CATEGORIES = ("living", "dead")


@pytest.fixture
def member(tmp_path):
    """Write a network of random weights and open its file."""

    def write(number, name="binary", network=None, **facts):
        torch.manual_seed(number)
        channels = len(create_representation(name).channels)
        stride = create_representation(name).stride
        spec = network or NetworkSpec("resunet", None, 1, 2 * channels, stride, options={"width": 2})
        description = {
            "representation": {"name": name, "options": {}}, "categories": list(CATEGORIES),
            "mean_area_px": 40.0 + number,
            "run_id": f"run {number}", "colour": "grey",
            "training_images": {"images": 3 + number, "signatures": ["shared", f"own {number}"]}, **facts,
        }  # fmt: skip
        path = tmp_path / f"{name}{number}.pt"
        path.write_bytes(write_checkpoint(create_network(spec), description))
        return TrainedModel.open(path)

    return write


def _combine(models, path, **facts):
    path.write_bytes(combine_models(models, **facts))
    return TrainedModel.open(path)


def _outputs(path, image):
    network = SegmentationPredictor(path, device="cpu")._network
    return network(image[None, :, :, None].astype(np.float32))


@pytest.mark.parametrize("activations", [("sigmoid",), ("identity",), ("softmax",) * 3, ("sigmoid", "identity")])
def test_scores_are_those_of_their_logits(activations):
    logits = 3 * torch.randn(2, 2 * len(activations), 5, 4, generator=torch.Generator().manual_seed(1))
    scores = activate(logits, activations)
    torch.testing.assert_close(activate(to_logits(scores, activations), activations), scores)


@pytest.mark.quick(name=["star"])
@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_scores_are_the_mean_of_the_members_for_every_representation(member, tmp_path, name):
    models = [member(number, name) for number in range(2)]
    both = _combine(models, tmp_path / "both.pt")
    image = np.random.default_rng(0).random((32, 32))
    expected = np.mean([_outputs(model.path, image) for model in models], axis=0)
    np.testing.assert_allclose(_outputs(both.path, image), expected, atol=1e-5, rtol=1e-4)
    assert both.representation == models[0].representation and both.categories == CATEGORIES
    assert count_parameters(both.path) == sum(count_parameters(model.path) for model in models)


def test_two_copies_of_a_model_find_what_it_finds(member, tmp_path):
    model = member(1)
    both = _combine([model, model], tmp_path / "both.pt")
    image = np.random.default_rng(0).integers(0, 255, (37, 41), np.uint8)
    single, double = (SegmentationPredictor(path, device="cpu").predict(image) for path in (model.path, both.path))
    for one, other in zip(single, double, strict=True):
        for key in one:
            np.testing.assert_allclose(np.asarray(one[key], float), np.asarray(other[key], float), atol=1)  # of 8 bits


@pytest.mark.exhaustive
def test_members_of_different_architectures_average_at_a_common_stride(member, tmp_path):
    models = [member(0), member(1, network=NetworkSpec("unet", "tu-test_resnet", 1, 2))]
    both = _combine(models, tmp_path / "both.pt")
    image = np.random.default_rng(0).random((40, 24))
    expected = np.mean([_outputs(model.path, image) for model in models], axis=0)
    np.testing.assert_allclose(_outputs(both.path, image), expected, atol=1e-5)


def test_the_file_says_where_its_members_come_from_and_what_they_have_seen(member, tmp_path):
    models = [member(number) for number in range(2)]
    both = _combine(models, tmp_path / "both.pt", run_id="of all")
    assert both.run_id == "of all" and both.record["mean_area_px"] == 40.5
    assert [one["sha256"] for one in both.record["members"]] == [model.sha256 for model in models]
    assert [one["run_id"] for one in both.record["members"]] == ["run 0", "run 1"]
    assert both.record["training_images"]["images"] == 4
    assert sorted(both.record["training_images"]["signatures"]) == ["own 0", "own 1", "shared"]
    thresholds = Thresholds(dict.fromkeys(CATEGORIES, Threshold(0.3, 5.0)), decoded=True)
    tuned = tmp_path / "tuned.pt"
    tuned.write_bytes(both.store(thresholds))
    assert TrainedModel.open(tuned).thresholds == thresholds
    assert load_deployed(tuned).record["checkpoint_sha256"] == TrainedModel.open(tuned).sha256


@pytest.mark.parametrize(("facts", "words"), [
    ({"colour": "rgb"}, "colour 'rgb' instead of 'grey'"),
    ({"categories": ["dead", "living"]}, "categories"),
    ({"normalisation": "percentile"}, "normalisation 'percentile' instead of 'full_range'"),
    ({"cell_diameter_px": 17.0}, "cell_diameter_px 17.0 instead of None"),
    ({"name": "three_class"}, "representation"),
])  # fmt: skip
def test_members_that_read_images_otherwise_are_refused_in_a_sentence(member, facts, words):
    first = member(0)
    with pytest.raises(MistakeError, match=r"can't be put together with") as error:
        combine_models([first, member(1, **facts)])
    assert words in str(error.value) and "\n" not in str(error.value)


def test_one_model_is_no_ensemble(member):
    with pytest.raises(MistakeError, match="2 models or more, got 1"):
        combine_models([member(0)])


def test_nobody_trains_or_starts_from_an_ensemble(member, tmp_path):
    both = _combine([member(0), member(1)], tmp_path / "both.pt")
    with pytest.raises(ValueError, match="`architecture` must be one of"):
        NetworkChoice("ensemble")
    with pytest.raises(WeightsError, match="name one of its members"):
        start_from(create_network(NetworkSpec("resunet", None, 1, 2, options={"width": 2})), both.path)
