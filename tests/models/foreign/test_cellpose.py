"""Cellpose's own masks come out of stored flows; its weights here are random, in a network of its own making."""

import importlib
from functools import partial
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from cell_pipelines.inference.cell_diameter import Diameter
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.models.foreign.cellpose import is_transformer
from cell_pipelines.representations.cellpose import CellposeFlows
from cell_pipelines.workflows.trained_model import TrainedModel

pytest.importorskip("cellpose.models", reason="Cellpose is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    networks = pytest.importorskip("cellpose.resnet_torch", reason="Cellpose 4 has no network small enough")
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path))
    torch.manual_seed(0)
    network = networks.CPnet([2, 32, 64, 128, 256], 3, sz=3, diam_mean=30.0)
    with torch.no_grad():
        network.output[2].bias[2] = 0.3
        network.output[2].weight *= 8
        network.diam_labels.fill_(24.0)
    torch.save(network.state_dict(), tmp_path / "cp.pth")
    return tmp_path / "cp.pth"


@pytest.fixture
def transformer(tmp_path, monkeypatch):
    """Weights of Cellpose-SAM's network, but for a much smaller encoder in place of SAM's."""
    vit = pytest.importorskip("cellpose.vit", reason="Cellpose 3 has no transformer")
    if not is_transformer():
        pytest.skip("Cellpose 3 has another transformer")
    encoder = importlib.import_module("segment_anything.modeling").ImageEncoderViT
    small = partial(encoder, img_size=1024, patch_size=16, embed_dim=32, depth=2, num_heads=2, out_chans=16)
    sizes = {"use_rel_pos": True, "window_size": 14, "mlp_ratio": 2}
    monkeypatch.setitem(vit.sam_model_registry, "vit_l", lambda _: SimpleNamespace(image_encoder=small(**sizes)))
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path))
    torch.manual_seed(0)
    network = vit.CPSAM()
    with torch.no_grad():
        network.out.weight *= 20
    torch.save(network.state_dict(), tmp_path / "sam")
    return tmp_path / "sam"


IMAGE = np.random.default_rng(0).poisson(30, (70, 80)).astype(np.uint16)


@pytest.mark.parametrize("diameter", [20.0, 30.0, 41.0])
def test_masks_of_stored_flows_are_those_that_cellpose_itself_gives(weights, diameter):
    from cellpose.models import CellposeModel

    model = TrainedModel.open(f"cellpose:{weights}")
    predictor = create_predictor(model.path, device="cpu", diameter_px=diameter)
    (scores,) = unpack_scores(predictor.predict(IMAGE))
    theirs = CellposeModel(gpu=False, pretrained_model=str(weights)).eval(
        IMAGE, channels=[0, 0], flow_threshold=0, diameter=diameter
    )[0]
    cells = CellposeFlows(0).decode(scores, model.thresholds.classes["cell"])
    assert cells.labels.max() == len(cells.scores) > 0
    np.testing.assert_array_equal(cells.labels, theirs)


@pytest.mark.parametrize("diameter", [None, 20.0, 41.0])
def test_masks_of_the_transformer_are_those_that_cellpose_itself_gives(transformer, diameter):
    from cellpose.models import CellposeModel

    image = np.stack([IMAGE, IMAGE.T[:70, :].repeat(2, axis=1)[:, :80], IMAGE * 3], axis=2)
    model = TrainedModel.open(f"cellpose:{transformer}")
    predictor = create_predictor(model.path, device="cpu", diameter_px=diameter)
    (scores,) = unpack_scores(predictor.predict(image))
    theirs = CellposeModel(gpu=False, pretrained_model=str(transformer)).eval(
        image, channel_axis=2, flow_threshold=0, diameter=diameter
    )[0]
    cells = CellposeFlows(0).decode(scores, model.thresholds.classes["cell"])
    assert cells.labels.max() == len(cells.scores) > 0
    np.testing.assert_array_equal(cells.labels, theirs)
    assert predictor.examine(image).diameter == (None if diameter is None else Diameter(diameter, "given"))


def test_the_diameter_is_the_given_one_or_estimated_as_for_other_models(weights):
    model = TrainedModel.open(f"cellpose:{weights}")
    assert model.record["cell_diameter_px"] == 30.0
    told = create_predictor(model.path, device="cpu", diameter_px=20.0)
    assert told.examine(IMAGE).diameter == Diameter(20.0, "given")
    assert told.examine_at(IMAGE, 25.0).diameter == Diameter(25.0, "given")
    # Noise has no scale at which this network would be sure of cells.
    free = create_predictor(model.path, device="cpu")
    assert free.examine(IMAGE).diameter == Diameter(None, "estimated")
    as_it_is = create_predictor(model.path, device="cpu", diameter_px=30.0).predict(IMAGE)
    for name, scores in free.predict(IMAGE).items():
        np.testing.assert_array_equal(scores, as_it_is[name])


def test_offline_a_name_is_one_sentence_that_says_where_its_file_belongs(monkeypatch, tmp_path):
    from cellpose import models, utils

    def no_network(*_, **__):
        raise URLError("no network")

    name = models.MODEL_NAMES[0]
    monkeypatch.setattr(models, "MODEL_DIR", tmp_path)
    monkeypatch.setattr(utils, "urlopen", no_network)
    with pytest.raises(FileNotFoundError, match=rf"model {name} are not in {tmp_path} and can't be fetched") as found:
        TrainedModel.open(f"cellpose:{name}")
    assert "\n" not in str(found.value)
    assert not list(tmp_path.iterdir())


def test_changed_weights_are_refused(weights):
    model = TrainedModel.open(f"cellpose:{weights}")
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(ValueError, match="not those that the model file was made of"):
        create_predictor(model.path, device="cpu")


def test_other_files_are_refused_by_name(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: expected weights of a Cellpose model"):
        TrainedModel.open(f"cellpose:{tmp_path / 'other.pth'}")


def test_a_name_that_cellpose_does_not_know_is_refused_with_those_it_knows():
    from cellpose.models import MODEL_NAMES

    with pytest.raises(FileNotFoundError, match=sorted(MODEL_NAMES)[0]):
        TrainedModel.open("cellpose:no_such_model")


def test_weights_of_the_other_generation_are_refused_with_the_extra_that_reads_them(tmp_path):
    other = (
        {"output.2.weight": torch.zeros(1)} if is_transformer() else {"encoder.patch_embed.proj.weight": torch.zeros(1)}
    )
    torch.save(other, tmp_path / "other.pth")
    extra = "cellpose3" if is_transformer() else "cellpose"
    with pytest.raises(ValueError, match=rf"other\.pth: weights for Cellpose .*cell-pipelines\[{extra}\]"):
        TrainedModel.open(f"cellpose:{tmp_path / 'other.pth'}")
