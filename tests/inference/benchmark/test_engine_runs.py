"""Runs of engines; what starts processes of its own is in one test, since each takes seconds to start."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cell_pipelines.inference.benchmark import engine_runs
from cell_pipelines.inference.benchmark.costs import measure_costs, measure_size
from cell_pipelines.inference.benchmark.engine_comparison import measure_engines
from cell_pipelines.inference.benchmark.engine_runs import Settings, measure_batches, write_reference
from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.engines.export import export_onnx
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.untrained_file import write_untrained_network, write_untrained_yolo

QUICK = Settings(threads=1, seconds=0.01, batches=(1,))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "resunet.pt"
    write_untrained_network(path, NetworkSpec("resunet", options={"width": 4}), tile=32, categories=("cell",))
    return path


@pytest.fixture
def reference(model, tmp_path):
    write_reference(model, None, tmp_path / "reference.npz")
    return tmp_path / "reference.npz"


@pytest.fixture
def paced(monkeypatch):
    """Replace the engine by one whose batches take set times, in seconds."""

    def pace(seconds, fail_at=None):
        import time

        def run(images):
            if fail_at is not None and len(images) >= fail_at:
                raise RuntimeError("out of memory\nand more")
            time.sleep(seconds[len(images)])
            return (np.zeros((len(images), 1, 32, 32), np.float32),)

        monkeypatch.setattr(engine_runs, "create_engine", lambda *_, **__: run)

    return pace


def test_an_engine_has_a_row_a_batch_with_time_memory_and_difference(model, reference):
    rows = measure_batches("pytorch", model, None, replace(QUICK, batches=(1, 2)), reference)
    assert [row.batch for row in rows] == [1, 2]
    for row in rows:
        assert (row.engine, row.device, row.threads, row.difference) == ("pytorch", "cpu", 1, 0)
        assert 0 < row.latency_low_ms <= row.latency_ms <= row.latency_high_ms and row.memory_mb >= 0
        assert row.images_per_second == pytest.approx(1000 * row.batch / row.latency_ms)


def test_batches_grow_for_as_long_as_they_are_faster(model, reference, paced):
    paced({1: 0.004, 2: 0.004, 4: 0.012, 8: 0.001})
    rows = measure_batches("pytorch", model, None, replace(QUICK, batches=(1, 2, 4, 8)), reference)
    assert [row.batch for row in rows] == [1, 2, 4]
    assert rows[-1].note == "larger batches are no faster" and not rows[0].note


def test_batches_that_might_not_fit_are_left_out_and_said_so(model, reference, paced):
    paced({1: 0.001, 2: 0.001})
    settings = replace(QUICK, batches=(1, 2), memory_mb=1e-9)
    rows = measure_batches("pytorch", model, None, settings, reference)
    assert len(rows) == 1 or rows[0].memory_mb == 0


def test_a_batch_that_fails_leaves_the_smaller_ones(model, reference, paced):
    paced({1: 0.001}, fail_at=2)
    rows = measure_batches("pytorch", model, None, replace(QUICK, batches=(1, 2)), reference)
    assert [row.note for row in rows] == ["a batch of 2 failed: out of memory"]


def test_a_network_that_can_not_be_run_at_all_raises(model, reference, paced):
    paced({}, fail_at=1)
    with pytest.raises(RuntimeError, match="out of memory"):
        measure_batches("pytorch", model, None, QUICK, reference)


def test_sizes_are_those_of_the_network_as_it_is_trained(model, tmp_path):
    size = measure_size(model)
    assert size["input"] == "3 x 32 x 32" and size["checkpoint_mb"] == model.stat().st_size / 1e6
    wide = measure_size(model, (64, 32))
    assert wide["flops_g"] == 2 * size["flops_g"] and wide["parameters_m"] == size["parameters_m"]
    yolo = tmp_path / "yolo.pt"
    write_untrained_yolo(yolo, "yolov8n.pt", image_size=64, categories=("blue", "red"))
    assert round(measure_size(yolo)["parameters_m"], 2) == 3.01


@pytest.mark.exhaustive
def test_costs_and_engines_are_measured_in_processes_of_their_own(model, tmp_path):
    costs = measure_costs(model, QUICK, device="cpu")
    assert costs.latency_low_ms <= costs.latency_ms <= costs.latency_high_ms
    assert (costs.device, costs.input, costs.threads) == ("cpu", "3 x 32 x 32", 1) and costs.inference_memory_mb > 0
    exported = tmp_path / "a.onnx"
    export_onnx(load_deployed(model), exported)
    rows = measure_engines(model, exported, ["onnxruntime", "tensorrt"], QUICK)
    assert rows[0].batch == 1 and rows[0].difference < 1e-3 and rows[0].note == ""
    if not torch.cuda.is_available():
        assert rows[1].batch == 0 and math.isnan(rows[1].latency_ms) and rows[1].note


def test_without_an_exported_network_only_pytorch_has_numbers(model, monkeypatch):
    monkeypatch.setattr(
        "cell_pipelines.inference.benchmark.engine_comparison.call_in_isolated_process", lambda f, *a: f(*a)
    )
    rows = measure_engines(model, None, ["pytorch", "openvino"], QUICK)
    assert [row.note for row in rows] == ["", "the network could not be exported."]


def test_an_engine_that_breaks_leaves_the_others(model, monkeypatch):
    def call(function, engine, *rest):
        if engine == "onnxruntime":
            raise RuntimeError("the process ended unexpectedly, with exit code -9.")
        return function(engine, *rest)

    monkeypatch.setattr("cell_pipelines.inference.benchmark.engine_comparison.call_in_isolated_process", call)
    rows = measure_engines(model, model, ["onnxruntime", "pytorch"], QUICK)
    assert "exit code -9" in rows[0].note and rows[0].batch == 0 and rows[1].batch == 1


@pytest.mark.parametrize("fields", [{"batches": ()}, {"batches": (2, 1)}, {"batches": (0,)}, {"threads": 0}])
def test_settings_out_of_range_are_refused(fields):
    with pytest.raises(ValueError, match="`(batches|threads)` must be"):
        Settings(**fields)
