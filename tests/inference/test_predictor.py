"""Models of all families are used the same way, and cells are read from what was stored without a network."""

import os

import numpy as np
import pytest
import torch

from cell_pipelines.inference.detections import Detections
from cell_pipelines.inference.predictor import (
    create_predictor,
    pack_scores,
    predictor_options,
    unpack_scores,
)
from cell_pipelines.inference.stored import read_arrays, write_arrays
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.thresholds import Threshold

CATEGORIES = ("living", "dead")


def make_checkpoint(path, name, **changes):
    """Write an untrained network for a representation."""
    torch.manual_seed(0)
    channels = len(create_representation(name).channels)
    spec = NetworkSpec("resunet", in_channels=1, out_channels=channels * len(CATEGORIES), options={"width": 4})
    description = {
        "representation": {"name": name, "options": {}}, "categories": list(CATEGORIES), "colour": "grey",
        "normalisation": "full_range", "mean_area_px": 50.0,
        "decoding": {"dead": {"cutoff": 0.25, "min_area_px": 7.0, "spacing_px": 0.0}}, **changes,
    }  # fmt: skip
    path.write_bytes(write_checkpoint(create_network(spec), description))
    return path


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 65535, (90, 70), dtype=np.uint16)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_cells_are_read_from_stored_scores_of_every_representation(name, tmp_path, image):
    path = make_checkpoint(tmp_path / "m.pt", name)
    predictor = create_predictor(path, device="cpu", tile=64, overlap=16)
    assert predictor.categories == CATEGORIES
    write_arrays(predictor.predict(image), image.shape, tmp_path / "a.npz")
    arrays, size = read_arrays(tmp_path / "a.npz")
    assert size == (90, 70)
    representation = create_representation(name)
    for scores in unpack_scores(arrays):
        assert representation.decode(scores, representation.default_threshold(50.0)).labels.shape == (90, 70)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_an_image_of_one_pixel_and_an_empty_result_are_stored_and_read(name, tmp_path):
    path = make_checkpoint(tmp_path / "m.pt", name)
    arrays = create_predictor(path, device="cpu").predict(np.zeros((1, 1), np.uint8))
    write_arrays(arrays, (1, 1), tmp_path / "a.npz")
    for scores in unpack_scores(read_arrays(tmp_path / "a.npz")[0]):
        instances = create_representation(name).decode(scores, Threshold(score=1.0, min_area_px=9))
        assert not instances.labels.any()
        assert len(instances.scores) == 0


def test_a_yolo_is_used_the_same_way(tmp_path, image):
    prepare_ultralytics()
    from ultralytics import YOLO

    path = tmp_path / "n.pt"
    YOLO("yolov8n.yaml").save(path)
    predictor = create_predictor(path, device="cpu", confidence=1e-6, image_size=64)
    arrays = predictor.predict(image)
    found = Detections.from_arrays(arrays)
    assert len(predictor.categories) == 80
    assert found.boxes.shape == (len(found.scores), 4)


def test_what_does_not_fit_is_told(tmp_path, image):
    path = make_checkpoint(tmp_path / "m.pt", "binary")
    with pytest.raises(ValueError, match=r"a segmentation model takes the options tile, .*; got confidence"):
        create_predictor(path, confidence=0.1)
    with pytest.raises(ValueError, match="`memory_gb` must be positive"):
        create_predictor(path, memory_gb=0)
    with pytest.raises(ValueError, match="`tile` must be 72 or more"):
        create_predictor(path, device="cpu", tile=64).predict(image)
    with pytest.raises(ValueError, match="`family` must be one of yolo, segmentation, .*cellpose.*, got 'x'"):
        predictor_options("x")
    with pytest.raises(ValueError, match="expected stored boxes"):
        Detections.from_arrays({"0/cell": np.zeros(1)})
    assert {"tile", "overlap", "device"} <= set(predictor_options("yolo")) & set(predictor_options("segmentation"))


def test_scores_are_packed_and_unpacked_in_order():
    scores = [{"a": np.full(2, i), "b/c": np.zeros((0, 3))} for i in range(12)]
    again = unpack_scores(pack_scores(scores))
    assert [int(one["a"][0]) for one in again] == list(range(12))
    assert again[3]["b/c"].shape == (0, 3)
    assert unpack_scores({}) == ()


def test_a_network_is_loaded_once_where_it_is_kept_and_again_when_its_file_changes(tmp_path, squares_model):
    from cell_pipelines.inference.predictor import networks_kept, take_predictor

    path = tmp_path / "model.pt"
    path.write_bytes(squares_model.read_bytes())
    assert take_predictor(path, device="cpu") is not take_predictor(path, device="cpu")
    with networks_kept():
        first = take_predictor(path, device="cpu")
        assert take_predictor(path, device="cpu") is first
        assert take_predictor(path, device="cpu", tile=64) is not first
        os.utime(path, (1, 1))
        assert take_predictor(path, device="cpu") is not first
