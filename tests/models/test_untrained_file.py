import pytest
import torch

from cell_pipelines.models.checkpoint import read_checkpoint
from cell_pipelines.models.model_file import count_parameters, model_family, read_record
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError
from cell_pipelines.models.untrained_file import write_untrained_network, write_untrained_yolo


def test_a_network_is_written_as_a_training_writes_it(tmp_path):
    spec = NetworkSpec("resunet", out_channels=2, options={"width": 4})
    write_untrained_network(tmp_path / "a.pt", spec, tile=96, categories=("a", "b"))
    network, description = read_checkpoint(tmp_path / "a.pt")
    assert model_family(tmp_path / "a.pt") == "segmentation" and network.spec == spec
    assert description["categories"] == ["a", "b"] and description["training"]["tile"] == 96


def test_a_yolo_is_written_as_ultralytics_writes_it(tmp_path):
    write_untrained_yolo(tmp_path / "a.pt", "yolo11n.pt", image_size=320, categories=("a", "b"))
    assert model_family(tmp_path / "a.pt") == "yolo" and read_record(tmp_path / "a.pt")["image_size"] == 320
    assert round(count_parameters(tmp_path / "a.pt") / 1e6, 2) == 2.59


def test_weights_are_always_the_same_and_the_generator_is_left_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    for name in ("a.pt", "b.pt"):
        write_untrained_network(tmp_path / name, NetworkSpec("resunet"), tile=32, categories=("a",))
    first, second = (read_checkpoint(tmp_path / name)[0].state_dict() for name in ("a.pt", "b.pt"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        write_untrained_yolo(tmp_path / "a.pt", "yolov99n.pt", image_size=64, categories=("a",))
    with pytest.raises(ValueError, match=r"`categories` must be as many as the outputs \(1\), got 2"):
        write_untrained_network(tmp_path / "a.pt", NetworkSpec("resunet"), tile=32, categories=("a", "b"))
    assert not (tmp_path / "a.pt").exists()
