import math

import pandas as pd
import pytest
from pydantic import ValidationError

from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.untrained_file import write_untrained_network
from cell_pipelines.pipelines.benchmark_models import create_pipeline, create_untrained_pipeline, nodes
from cell_pipelines.pipelines.benchmark_models.parameters import BenchmarkParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.model_costs import CostParameters, measure_model_costs

QUICK = BenchmarkParameters(engines=("pytorch", "onnxruntime", "tensorrt"), batches=(1, 2), seconds=0.01, threads=1)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "resunet.pt"
    write_untrained_network(path, NetworkSpec("resunet", options={"width": 4}), tile=32, categories=("cell",))
    return path


@pytest.fixture
def in_this_process(monkeypatch):
    for module in ("benchmark.engine_comparison", "benchmark.costs"):
        monkeypatch.setattr(f"cell_pipelines.inference.{module}.call_in_isolated_process", lambda f, *a: f(*a))


def test_a_model_is_exported_measured_joined_and_shown(model, tmp_path, in_this_process):
    exported = tmp_path / "a.onnx"
    exported.write_bytes(nodes.export(model, QUICK))
    table = nodes.measure("resunet")(model, exported, QUICK)
    assert set(table["engine"]) == set(QUICK.engines) and set(table["model"]) == {"resunet"}
    assert table.loc[table["engine"] == "onnxruntime", "difference"].max() < 1e-3
    assert table["machine"].iloc[0] and table["version"].iloc[0].startswith("torch ")
    evaluated = pd.DataFrame({"category": ["all classes"], "f1": [0.5]})
    models, runs = nodes.join(table, table.assign(model="unet"), evaluated, pd.DataFrame())
    assert models["model"].tolist() == ["resunet", "unet"] and len(runs) == 2 * len(table)
    assert models["f1"].tolist()[0] == 0.5 and math.isnan(models["f1"].tolist()[1])
    assert nodes.log_metrics(table)["benchmark_parameters_m"]["value"] == table["parameters_m"].iloc[0]
    assert len(nodes.plot(models, runs, QUICK).axes) == 4
    assert "resunet" in render_page(nodes.write_report(models, runs, nodes.plot(models, runs, QUICK), QUICK))


def test_without_an_engine_that_reads_it_nothing_is_exported(model):
    assert nodes.export(model, BenchmarkParameters(engines=("pytorch",))) == b""


def test_a_network_that_can_not_be_exported_is_measured_all_the_same(model, monkeypatch, caplog, in_this_process):
    from cell_pipelines.inference.engines.export import ExportError

    def refuse(*_):
        raise ExportError("the network can't be exported to ONNX: no such operation")

    monkeypatch.setattr("cell_pipelines.inference.engines.export.export_onnx", refuse)
    assert nodes.export(model, QUICK) == b"" and "no such operation" in caplog.text
    table = nodes.measure("resunet")(model, None, QUICK)
    assert table.loc[table["engine"] == "onnxruntime", "note"].tolist() == ["the network could not be exported."]
    assert (table["engine"] == "pytorch").sum() == 2


def test_networks_are_measured_by_name_before_any_training(in_this_process):
    networks = ("yolov8n.pt", {"architecture": "resunet", "options": {"width": 4}})
    parameters = BenchmarkParameters(
        engines=("pytorch",), batches=(1,), seconds=0.01, threads=1, networks=networks, network_size=64,
        network_categories=2,
    )  # fmt: skip
    runs = nodes.measure_untrained(parameters)
    assert runs["model"].tolist() == ["yolov8n", "resunet"] and set(runs["input"]) == {"3 x 64 x 64"}
    assert round(runs["parameters_m"].iloc[0], 2) == 3.01
    assert nodes.join_untrained(runs)["model"].tolist() == ["yolov8n", "resunet"]


def test_no_networks_give_an_empty_table_and_a_page_that_says_so():
    runs = nodes.measure_untrained(BenchmarkParameters())
    models = nodes.join_untrained(runs)
    assert runs.empty and models.empty
    figure = nodes.plot(models, runs, BenchmarkParameters())
    assert "There is no model to measure." in render_page(
        nodes.write_report(models, runs, figure, BenchmarkParameters())
    )


def test_what_a_model_costs_is_one_row(model, in_this_process):
    (row,) = measure_model_costs(model, CostParameters(seconds=0.01, threads=1, device="cpu")).to_dict("records")
    assert list(row) == [
        "parameters_m", "flops_g", "checkpoint_mb", "input", "latency_ms", "latency_low_ms", "latency_high_ms",
        "inference_memory_mb", "device", "threads", "others_share",
    ]  # fmt: skip


def test_each_model_has_nodes_of_its_own_and_one_node_joins_them():
    pipeline = create_pipeline(("yolo", "unet"))
    names = {node.name for node in pipeline.nodes}
    assert {"yolo.export_model", "unet.measure_model", "join_benchmarks"} <= names
    assert {"yolo.model", "unet.evaluated_classes", "params:benchmark_models"} <= pipeline.inputs()
    assert create_untrained_pipeline().inputs() == {"params:benchmark_models"}


@pytest.mark.parametrize("fields", [
    {"batches": (4, 2)}, {"batches": ()}, {"engines": ()}, {"engines": ("pytorch", "pytorch")},
    {"engines": ("abacus",)}, {"speed": 1},
])  # fmt: skip
def test_parameters_out_of_range_are_refused(fields):
    with pytest.raises(ValidationError):
        BenchmarkParameters(**fields)
