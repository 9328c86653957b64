"""YOLO files: read without running what they name, and refused where they are not for cells in colour images."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from cell_pipelines.inference.predictor import create_predictor
from cell_pipelines.models.model_file import count_parameters, model_family, read_record, with_record
from cell_pipelines.models.ultralytics_home import open_restricted, prepare_ultralytics, resolve_weights
from cell_pipelines.models.yolo_checkpoint import (
    check_file,
    load_network,
    read_categories,
    read_epoch,
    read_task,
    read_training_arguments,
)
from cell_pipelines.models.yolo_networks import network_task


def make(path, name="yolov8n.yaml", changes=None, **entries):
    prepare_ultralytics()
    from ultralytics import YOLO

    torch.manual_seed(0)
    network = YOLO(name).model
    network.names = {0: "live", 1: "dead"} if network.yaml["nc"] == 2 else network.names
    vars(network).update(changes or {})
    torch.save({"model": network.half(), "train_args": {"imgsz": 96}, "epoch": 3, **entries}, path)
    return path


REFUSED = r"hostile\.pt: .*(would run (posix|nt)\.mkdir .*trust=true|holds or calls other things .* not opened)"


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make(tmp_path_factory.mktemp("good") / "good.pt", best_fitness=np.float64(0.5))


def test_what_stands_in_a_file_is_what_its_network_says(good):
    network, content = load_network(good)
    assert read_categories(good) == tuple(network.names.values())
    assert count_parameters(good) == sum(parameter.numel() for parameter in network.parameters())
    assert read_training_arguments(good) == content["train_args"] and read_epoch(good) == 3
    assert read_task(good) == "detect"


def test_scalars_of_numpy_are_read_as_plain_values_and_a_record_holds_no_others(tmp_path):
    numbers = [np.float64(0.5), np.float32(0.25), np.int64(-3), np.bool_(True), np.uint8(7)]
    record = {"numbers": numbers, "name": np.str_("ä cell"), "sizes": (1, 2)}
    path = make(tmp_path / "a.pt", cell_pipelines=record)
    plain = {"numbers": [0.5, 0.25, -3, True, 7], "name": "ä cell", "sizes": (1, 2)}
    assert read_record(path) == plain
    assert [type(number) for number in read_record(path)["numbers"]] == [float, float, int, bool, int]
    path.write_bytes(with_record(path, {"again": record}))
    assert read_record(path) == {**plain, "again": {**plain, "sizes": [1, 2]}}
    check_file(path)
    with pytest.raises(TypeError, match="`record.array` must be plain"):
        with_record(path, {"array": np.zeros(3)})


@pytest.mark.parametrize("name", ["yolov8n-seg", "yolov9t", "yolov10n", "yolo11n", "yolo26n", "yolo26n-seg"])
def test_every_version_opens_without_trust(tmp_path, name):
    path = make(tmp_path / "a.pt", f"{name}.yaml")
    assert read_task(path) == network_task(str(path)) == ("segment" if "seg" in name else "detect")
    restricted, trusted = load_network(path)[0], load_network(path, trust=True)[0]
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        ours, theirs = restricted(image)[0], trusted(image)[0]
    first = lambda output: output[0] if isinstance(output, tuple | list) else output  # noqa: E731
    assert torch.equal(first(ours), first(theirs))


def test_files_of_older_versions_and_other_systems_open_without_trust(tmp_path, monkeypatch):
    prepare_ultralytics()
    from ultralytics.nn.modules import Conv, Detect
    from ultralytics.utils import IterableSimpleNamespace

    # Modules of 2023 lay in one file, settings were a namespace, and paths and a bound method were pickled.
    monkeypatch.setattr(Conv, "__module__", "ultralytics.nn.modules")
    arguments = IterableSimpleNamespace(task="detect", imgsz=96)
    path = make(tmp_path / "a.pt", changes={"args": arguments, "forwards": Detect.forward}, best=Path("/data/a.yaml"))
    assert b"ultralytics.nn.modules\nConv\n" in path.read_bytes()
    network, _ = load_network(path)
    assert len(network.names) == 80 and read_task(path) == "detect"


@pytest.mark.parametrize("name", ["ultralytics.nn.modules.block TorchVision", "torch.storage _load_from_bytes"])
def test_names_that_reach_out_are_refused_though_their_library_is_known(tmp_path, name):
    path = make(tmp_path / "a.pt", extra=Trap("x"))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.pt", "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                data = data.replace(b"cposix\nmkdir\n", b"c" + name.replace(" ", "\n").encode() + b"\n")
            new.writestr(entry, data)
    with pytest.raises(ValueError, match=f"would run {name.replace(' ', '.')} when"):
        load_network(tmp_path / "b.pt")


@pytest.mark.parametrize("where", ["model", "ema", "train_args", "cell_pipelines", "extra", "names", "yaml", "hook"])
def test_nothing_that_a_file_holds_is_run_wherever_it_lies(tmp_path, where):
    trap = Trap(tmp_path / "trap")
    changes = {"names": {"names": {0: trap}}, "yaml": {"yaml": {"nc": trap}}, "hook": {"_forward_hooks": {0: trap}}}
    entries = {} if where in changes else {where: trap if where in ("model", "ema") else {"x": trap}}
    path = make(tmp_path / "hostile.pt", changes=changes.get(where), **entries)
    uses = [
        load_network, check_file, create_predictor, lambda path: with_record(path, {"a": 1}), model_family, read_record,
        read_categories, count_parameters, read_training_arguments, lambda path: network_task(str(path)),
    ]  # fmt: skip
    for use in uses:
        try:
            use(path)
        except ValueError as error:
            assert "weights_only" not in str(error)
    assert not trap.folder.exists()
    for use in uses[:4]:
        with pytest.raises(ValueError, match=REFUSED):
            use(path)


def test_a_trusted_file_is_opened_as_it_is(tmp_path):
    trap = Trap(tmp_path / "trap")
    path = make(tmp_path / "mine.pt", extra=trap)
    create_predictor(path, trust=True, device="cpu")
    assert trap.folder.exists()


class Fetches:
    """Would build a network of a description at an address when it is unpickled."""

    def __reduce__(self):
        from ultralytics.nn.tasks import DetectionModel

        return DetectionModel, ("https://localhost:1/a.yaml",)


def test_layers_are_never_called_while_a_file_is_opened(tmp_path):
    path = make(tmp_path / "a.pt", extra=Fetches())
    with pytest.raises(ValueError, match=r"would run ultralytics\.nn\.tasks\.DetectionModel"):
        load_network(path)


@pytest.mark.parametrize("line", ["__import__('os').mkdir({trap!r})", "os.mkdir({trap!r})"])
def test_text_of_a_description_is_not_evaluated_in_training(tmp_path, line):
    import yaml

    prepare_ultralytics()
    from ultralytics import YOLO
    from ultralytics.nn.tasks import yaml_model_load

    trap = tmp_path / "trap"
    described = {**yaml_model_load("yolov8n.yaml"), "activation": line.format(trap=str(trap))}
    path = tmp_path / "yolov8n.yaml"
    path.write_text(yaml.safe_dump(described))
    with open_restricted(), pytest.raises(TypeError, match="activation"):
        YOLO(resolve_weights(str(path)), task="detect")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("yolov8n-obb", "oriented boxes"), ("yolov8n-pose", "poses"), ("yolov8n-cls", "whole image")],
)
def test_networks_for_other_things_are_refused_whatever_their_file_is_called(tmp_path, name, kind):
    path = make(tmp_path / "yolo.pt", f"{name}.yaml")
    for use in (check_file, load_network, create_predictor, read_task, lambda path: network_task(str(path))):
        with pytest.raises(ValueError, match=rf"yolo\.pt: expected a YOLO that finds boxes.*got one for .*{kind}"):
            use(path)


@pytest.mark.parametrize("channels", [1, 4])
def test_networks_of_other_channels_are_refused(tmp_path, channels):
    prepare_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    path = tmp_path / "a.pt"
    torch.save({"model": DetectionModel("yolov8n.yaml", ch=channels, verbose=False)}, path)
    for use in (load_network, create_predictor, check_file):
        with pytest.raises(ValueError, match=rf"images of 3 channels, got one for {channels}"):
            use(path)
    described = tmp_path / "yolov8n.yaml"
    described.write_text(f"channels: {channels}\nnc: 1\nbackbone: []\nhead: [[[15], 1, Detect, [nc]]]\n")
    with pytest.raises(ValueError, match=rf"images of 3 channels, got one for {channels}"):
        network_task(str(described))


@pytest.mark.parametrize("content", [b"", b"PK", b"text", None])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "a.pt"
    if content is None:
        torch.save({"model": {"weight": torch.zeros(1)}}, path)
    else:
        path.write_bytes(content)
    for use in (read_record, load_network, read_task):
        with pytest.raises(ValueError, match=r"a\.pt: expected a"):
            use(path)


def test_damaged_files_are_refused_in_a_sentence(tmp_path, good):
    whole, draws = good.read_bytes(), np.random.default_rng(0)
    path = tmp_path / "damaged.pt"
    for end in draws.integers(0, len(whole), 5):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"damaged\.pt: expected"):
            read_record(path)


WATCHED = """
import sys
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect"):
        print("LOOKED UP", args, flush=True)
sys.addaudithook(watch)
import numpy as np
from pathlib import Path
from cell_pipelines.models.model_file import model_family, read_record, count_parameters, with_record
from cell_pipelines.models.yolo_checkpoint import read_categories, read_training_arguments
from cell_pipelines.models.yolo_networks import network_task
path = Path(sys.argv[1])
model_family(path), read_record(path), count_parameters(path), read_categories(path), read_training_arguments(path)
network_task(str(path))
print("ULTRALYTICS", "ultralytics" in sys.modules)
with_record(path, {})
from cell_pipelines.inference.predictor import create_predictor
create_predictor(path, device="cpu").predict(np.zeros((64, 64, 3), np.uint8))
"""


def test_reading_and_using_a_model_file_asks_no_host_and_leaves_ultralytics_own_settings_alone(good, tmp_path):
    source = str(Path(__file__).parents[2] / "src")
    environment = {"HOME": str(tmp_path), "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WATCHED, str(good)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["ULTRALYTICS False"]
    assert not (tmp_path / ".config" / "Ultralytics").exists()
    assert (tmp_path / ".cache" / "cell_pipelines" / "ultralytics").is_dir()
