"""Cellpose's own masks come out of stored flows; its weights here are random, in a network of its own making."""

import numpy as np
import pytest
import torch

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.representations.flows import Flows
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


def test_masks_of_stored_flows_are_those_that_cellpose_itself_gives(weights):
    from cellpose.models import CellposeModel

    image = np.random.default_rng(0).poisson(30, (70, 80)).astype(np.uint16)
    model = TrainedModel.open(f"cellpose:{weights}")
    (scores,) = unpack_scores(create_predictor(model.path, device="cpu").predict(image))
    theirs = CellposeModel(gpu=False, pretrained_model=str(weights)).eval(image, channels=[0, 0], flow_threshold=0)[0]
    cells = Flows(0).decode(scores, model.thresholds.classes["cell"])
    assert cells.labels.max() == len(cells.scores) > 0
    np.testing.assert_array_equal(cells.labels, theirs)


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
    with pytest.raises(FileNotFoundError, match="cyto3"):
        TrainedModel.open("cellpose:no_such_model")
