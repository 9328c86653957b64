import numpy as np
import pytest

from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.engines.export import RECORD_KEY, TOLERANCE, ExportError, export_onnx
from cell_pipelines.inference.engines.outputs import compare_outputs, sample_images
from cell_pipelines.inference.engines.registry import create_engine
from cell_pipelines.models.spec import ARCHITECTURES
from cell_pipelines.representations.registry import REPRESENTATIONS

QUICK = ("resunet", "attention_unet")
YOLOS = ("yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolo11n-seg", "yolo26n-seg")


def read_record(path):
    """Read what `export_onnx` wrote of a network beside its graph."""
    import json

    import onnx

    entries = onnx.load(str(path), load_external_data=False).metadata_props
    return json.loads(next(entry.value for entry in entries if entry.key == RECORD_KEY))


def check(path, folder, counts=(1, 3)):
    """Export, and compare both engines with PyTorch for any number of images."""
    deployed = load_deployed(path)
    exported = folder / "network.onnx"
    assert export_onnx(deployed, exported) <= TOLERANCE
    reference = create_engine("pytorch", path, threads=1)
    for name in ("onnxruntime", "openvino"):
        engine = create_engine(name, path, exported, threads=1)
        for count in counts:
            images = sample_images(deployed.shape, count)
            expected, found = reference(images), engine(images)
            assert len(found) == len(deployed.outputs)
            assert compare_outputs(expected, found) <= TOLERANCE, name
    return exported


@pytest.mark.parametrize("name", QUICK)
def test_networks_give_the_same_on_every_engine(name, write_model, tmp_path):
    check(write_model(name), tmp_path)


def test_scores_on_a_coarser_grid_are_exported_and_the_record_says_so(write_model, tmp_path):
    path = write_model("resunet", representation="star", stride=2, tile=50)
    exported = check(path, tmp_path)
    record = read_record(exported)
    assert record["stride"] == 2 and record["representation"]["options"] == {"stride": 2}
    (scores,) = create_engine("onnxruntime", path, exported)(sample_images((1, 50, 50), 1))
    assert scores.shape == (1, 2 * 33, 25, 25)
    assert read_record(check(write_model("resunet"), tmp_path))["stride"] == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - set(QUICK)))
def test_every_architecture_gives_the_same_on_every_engine(name, write_model, tmp_path):
    check(write_model(name), tmp_path)


@pytest.mark.parametrize("name", ["yolov8n", "yolov8n-seg"])
def test_yolo_networks_give_the_same_on_every_engine(name, write_model, tmp_path):
    check(write_model(name), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", YOLOS)
def test_every_version_of_yolo_gives_the_same_on_every_engine(name, write_model, tmp_path):
    check(write_model(name), tmp_path)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_outputs_of_every_representation_are_activated_alike(name, write_model, tmp_path):
    path = write_model("resunet", representation=name, tile=32)
    exported = check(path, tmp_path, counts=(2,))
    record = read_record(exported)
    assert record["representation"]["name"] == name
    assert len(record["activations"]) * 2 == create_engine("pytorch", path)(sample_images((1, 32, 32), 1))[0].shape[1]


def test_sizes_that_are_no_multiples_of_the_stride_are_exported_as_well(write_model, tmp_path):
    path = write_model("resunet", tile=37)
    exported = check(path, tmp_path)
    assert read_record(exported)["input"]["shape"] == ["batch", 1, 37, 37]


def test_the_file_says_all_that_is_needed_to_use_it(write_model, tmp_path):
    import hashlib

    path = write_model("resunet", tile=32)
    export_onnx(load_deployed(path), tmp_path / "a.onnx")
    record = read_record(tmp_path / "a.onnx")
    assert record["categories"] == ["live", "dead"] and record["thresholds"] == {"live": 0.5, "dead": 0.4}
    assert record["normalisation"] == "full_range" and record["input"]["range"] == [0, 1]
    assert record["checkpoint_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_ultralytics_itself_reads_an_exported_yolo(write_model, tmp_path):
    path = write_model("yolov8n", tile=64)
    export_onnx(load_deployed(path), tmp_path / "yolo.onnx")
    from ultralytics import YOLO

    model = YOLO(str(tmp_path / "yolo.onnx"), task="detect")
    image = np.zeros((64, 64, 3), np.uint8)
    (found,) = model.predict(image, imgsz=64, verbose=False, device="cpu")
    assert found.names == {0: "live", 1: "dead"} and len(found.boxes) == 0


def test_an_export_that_gives_something_else_is_not_kept(write_model, tmp_path, monkeypatch):
    path = write_model("resunet", tile=32)
    monkeypatch.setattr("cell_pipelines.inference.engines.export.compare_outputs", lambda *_: 0.01)
    with pytest.raises(ExportError, match=r"differs from PyTorch's by 0.01"):
        export_onnx(load_deployed(path), tmp_path / "a.onnx")
    assert not list(tmp_path.glob("*.onnx"))


def test_a_network_that_no_exporter_knows_is_refused(write_model, tmp_path):
    import torch

    deployed = load_deployed(write_model("resunet", tile=32))

    class Odd(torch.nn.Module):
        def forward(self, images):
            return (torch.from_numpy(np.linalg.pinv(images.numpy())),)

    with pytest.raises(ExportError, match="can't be (exported|run)"):
        export_onnx(type(deployed)(Odd(), deployed.shape, deployed.outputs, deployed.record), tmp_path / "a.onnx")
