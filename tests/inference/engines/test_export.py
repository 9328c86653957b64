import json

import numpy as np
import pytest
import torch

from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.engines.export import RECORD_KEY, TOLERANCE, ExportError, export_onnx
from cell_pipelines.inference.engines.other_exports import export_openvino, export_torchscript
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


def load_any_size(path):
    return load_deployed(path, any_size=True)


def test_a_network_is_exported_for_all_sizes_that_need_no_padding(write_model, tmp_path):
    deployed = load_any_size(write_model("resunet", tile=37))
    assert deployed.shape == (1, 40, 40) and deployed.step == 8
    export_onnx(deployed, tmp_path / "a.onnx")
    engine = create_engine("onnxruntime", tmp_path / "a.pt", tmp_path / "a.onnx")
    images = sample_images((1, 8, 72), 2)
    assert (
        compare_outputs(tuple(one.numpy() for one in deployed.network(torch.from_numpy(images))), engine(images)) < 1e-3
    )
    read = read_record(tmp_path / "a.onnx")["input"]
    assert read["shape"] == ["batch", 1, "height", "width"] and (read["multiples_of"], read["least"]) == (8, 8)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"pspnet", "upernet", "dpt", "segformer"}))
def test_architectures_are_exported_for_any_size_in_every_format(name, write_model, tmp_path):
    deployed = load_any_size(write_model(name))
    for export, ending in ((export_onnx, "onnx"), (export_torchscript, "torchscript"), (export_openvino, "xml")):
        assert export(deployed, tmp_path / f"network.{ending}") <= TOLERANCE


@pytest.mark.parametrize(("export", "ending"), [(export_torchscript, "torchscript"), (export_openvino, "xml")])
def test_other_formats_hold_the_record_and_give_what_pytorch_gives(export, ending, write_model, tmp_path):
    deployed = load_any_size(write_model("resunet", representation="star", stride=2))
    assert export(deployed, tmp_path / f"a.{ending}") <= TOLERANCE
    if ending == "torchscript":
        files = {"cell_pipelines.json": ""}
        torch.jit.load(str(tmp_path / "a.torchscript"), _extra_files=files)
        assert json.loads(files["cell_pipelines.json"]) == json.loads(json.dumps(dict(deployed.record)))
    else:
        assert (tmp_path / "a.bin").stat().st_size > 0
        assert "checkpoint_sha256" in (tmp_path / "a.xml").read_text(encoding="utf-8")


def test_another_format_that_gives_something_else_is_not_kept(write_model, tmp_path, monkeypatch):
    deployed = load_any_size(write_model("resunet", tile=32))
    monkeypatch.setattr("cell_pipelines.inference.engines.export.compare_outputs", lambda *_: 0.01)
    with pytest.raises(ExportError, match=r"differs from PyTorch's by 0.01"):
        export_torchscript(deployed, tmp_path / "a.torchscript")
    assert not list(tmp_path.glob("*.torchscript"))
