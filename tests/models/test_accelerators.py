"""Apple's GPU may be named wherever CUDA may be; here PyTorch is made to say that there is one."""

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.engines.registry import find_hindrance
from cell_pipelines.models.accelerators import (
    DEVICES,
    Device,
    as_sums,
    available_kinds,
    choose_kind,
    gpu_name,
    supports_bfloat16,
    synchronise,
)
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.detection.settings import YoloTraining, to_arguments
from cell_pipelines.training.segmentation.devices import choose_devices
from cell_pipelines.training.segmentation.settings import SegmentationTraining

SOURCE = Path(__file__).resolve().parents[2] / "src" / "cell_pipelines"


@pytest.fixture
def machine(monkeypatch):
    """Let PyTorch say which GPUs there are."""

    def have(cuda=0, mps=False, macos=15):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, _: mps and macos >= major)
        monkeypatch.setattr(torch.backends.mps, "get_name", lambda: "Apple M4")

    return have


def test_the_best_that_is_there_is_taken(machine):
    for given, expected in (
        ({}, "cpu"),
        ({"mps": True}, "mps"),
        ({"cuda": 2}, "cuda"),
        ({"cuda": 1, "mps": True}, "cuda"),
    ):
        machine(**given)
        assert choose_kind("auto") == available_kinds()[0] == choose_device("auto").type == expected
        assert choose_device("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused_by_its_name(machine):
    machine()
    for name in ("cuda", "mps"):
        with pytest.raises(ValueError, match=f"`device` is {name}, but no GPU"):
            choose_device(name)
    with pytest.raises(ValueError, match="must be auto, cpu, cuda or mps, got 'tpu'"):
        choose_device("tpu")
    assert find_hindrance("pytorch_mps") == "there is no GPU of Apple that PyTorch can use." and gpu_name("mps") == ""


def test_apples_gpu_trains_in_float32_unless_fewer_bits_are_asked_for(machine):
    machine(mps=True)
    assert gpu_name("mps") == "Apple M4" and find_hindrance("pytorch_mps") is None
    given = {"auto": "32-true", "float32": "32-true", "mixed": "bf16-mixed", "bfloat16": "bf16-mixed"}
    for precision, expected in given.items():
        chosen = choose_devices(SegmentationTraining(NetworkSpec("resunet"), device="mps", precision=precision))
        assert (chosen.kind, chosen.count, chosen.precision) == ("mps", 1, expected)
    with pytest.raises(ValueError, match="number of GPUs"):
        choose_devices(SegmentationTraining(NetworkSpec("resunet"), device="mps", devices=2, batch=8))


def test_before_macos_14_it_has_no_bfloat16(machine):
    machine(mps=True, macos=13)
    assert not supports_bfloat16("mps") and not supports_bfloat16("cpu")
    assert (
        choose_devices(SegmentationTraining(NetworkSpec("resunet"), device="mps", precision="mixed")).precision
        == "16-mixed"
    )
    with pytest.raises(ValueError, match="bfloat16, which Apple's GPU has from macOS 14 on"):
        choose_devices(SegmentationTraining(NetworkSpec("resunet"), device="mps", precision="bfloat16"))


def test_ultralytics_is_told_of_apples_gpu_and_keeps_numbers_of_others(machine, tmp_path):
    training = YoloTraining(weights="yolov8n.yaml", from_scratch=True, settings={})

    def told(device, precision="auto"):
        arguments = to_arguments(replace(training, device=device, precision=precision), tmp_path, tmp_path)
        return arguments["device"], arguments["amp"]

    machine(mps=True)
    assert told("auto") == told("mps") == ("mps", False) and told("mps", "mixed") == ("mps", True)
    assert told("cpu") == ("cpu", False) and told("0") == ("0", False)
    machine(cuda=2)
    assert told("auto") == told("cuda") == (None, "bf16") and told("0,1") == ("0,1", "bf16")
    with pytest.raises(ValueError, match="`device` is mps"):
        told("mps")


def test_sums_are_of_64_bits_except_where_there_are_none():
    assert as_sums(torch.ones(2)).dtype == torch.float64
    values = type("Values", (), {"device": torch.device("mps"), "to": lambda _, kind: kind})()
    assert as_sums(values) == torch.float32
    synchronise("cpu")


def test_apples_gpu_may_be_named_wherever_cuda_may_be():
    assert get_args(Device) == DEVICES
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""["']cpu["'], ["']cuda["'][])]""", text) and "``cpu`` or ``cuda``" not in text, path
