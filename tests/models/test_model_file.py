import os

import pytest
import torch

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.model_file import model_family, read_record, with_record
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec


@pytest.fixture
def segmentation(tmp_path):
    path = tmp_path / "a.pt"
    network = create_network(NetworkSpec("resunet", options={"width": 2}))
    path.write_bytes(write_checkpoint(network, {"categories": ["cell"]}))
    return path


@pytest.fixture
def yolo(tmp_path):
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    path = tmp_path / "b.pt"
    torch.save({"model": DetectionModel("yolo11n.yaml", verbose=False), "ema": None}, path)
    return path


def test_the_content_tells_the_family(segmentation, yolo):
    assert (model_family(segmentation), model_family(yolo)) == ("segmentation", "yolo")


@pytest.mark.parametrize("family", ["segmentation", "yolo"])
def test_a_record_is_added_to_what_stands_there(family, request):
    path = request.getfixturevalue(family)
    before = read_record(path)
    path.write_bytes(with_record(path, {"thresholds": {"cell": 0.4}, "run_id": "a"}))
    path.write_bytes(with_record(path, {"run_id": "b"}))
    assert read_record(path) == {**before, "thresholds": {"cell": 0.4}, "run_id": "b"}
    assert model_family(path) == family


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_a_foreign_file_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "c.pt"
    if content is None:
        torch.save({"model": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    for use in (model_family, read_record, lambda path: with_record(path, {})):
        with pytest.raises(ValueError, match=r"c\.pt: expected a"):
            use(path)


def test_the_family_is_told_without_running_what_is_in_a_file(tmp_path):
    trap = tmp_path / "trap"

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    path = tmp_path / "c.pt"
    torch.save({"model": Malicious()}, path)
    with pytest.raises(ValueError, match=r"c\.pt: expected a checkpoint"):
        read_record(path)
    assert not trap.exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pt"):
        read_record(tmp_path / "nothing.pt")
