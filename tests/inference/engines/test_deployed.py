import numpy as np
import pytest

from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.engines.outputs import sample_images
from cell_pipelines.inference.engines.pytorch import PyTorch
from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.models.checkpoint import read_checkpoint
from cell_pipelines.representations.registry import create_representation


def test_a_segmentation_network_gives_what_prediction_gives(write_model):
    path = write_model("resunet", representation="three_class")
    deployed = load_deployed(path)
    images = sample_images(deployed.shape, 2)
    network = TileNetwork(read_checkpoint(path)[0], create_representation("three_class"), device="cpu")
    expected = network(np.ascontiguousarray(images.transpose(0, 2, 3, 1)))
    assert np.allclose(PyTorch(deployed)(images)[0], expected, atol=1e-6)


def test_a_yolo_gives_boxes_with_scores_of_each_category(write_model):
    deployed = load_deployed(write_model("yolov8n"))
    (found,) = PyTorch(deployed, threads=1)(sample_images(deployed.shape, 2))
    assert deployed.shape == (3, 64, 64) and deployed.record["categories"] == ["live", "dead"]
    assert found.shape == (2, 4 + 2, 8 * 8 + 4 * 4 + 2 * 2)
    assert found[:, 4:].min() >= 0 and found[:, 4:].max() <= 1


def test_a_yolo_with_masks_gives_prototypes_as_well(write_model):
    deployed = load_deployed(write_model("yolov8n-seg"), (64, 96))
    boxes, prototypes = PyTorch(deployed, threads=1)(sample_images(deployed.shape, 1))
    assert deployed.outputs == ("output0", "output1") and deployed.record["task"] == "segment"
    assert boxes.shape[1] == 4 + 2 + 32 and prototypes.shape == (1, 32, 16, 24)


@pytest.mark.parametrize(("name", "size"), [("yolov8n", (64, 40)), ("resunet", (0, 8))])
def test_sizes_that_do_not_fit_are_refused(name, size, write_model):
    with pytest.raises(ValueError, match="`size` must be"):
        load_deployed(write_model(name), size)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"no model")
    with pytest.raises(ValueError, match="expected a model"):
        load_deployed(tmp_path / "a.pt")
