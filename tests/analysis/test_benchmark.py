import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.benchmark import BENCHMARK_TYPES, choose_quality, metrics_of, summarise_benchmark


def rows(model, engine, speeds, *, note=""):
    """Return the rows of one engine: images per second by batch; batch 0 where nothing was measured."""
    size = {"model": model, "parameters_m": 3.0, "flops_g": 8.1, "checkpoint_mb": 6.2, "input": "3 x 64 x 64"}
    same = {**size, "engine": engine, "device": "cpu", "precision": "float32", "threads": 2, "calls": 10,
            "memory_mb": 50.0, "others_share": 0.0,
            "difference": 1e-6, "note": note, "machine": "a processor", "version": "1"}  # fmt: skip
    return [
        {**same, "batch": batch, "images_per_second": speed, "latency_ms": 1000 * batch / speed,
         "latency_low_ms": 900 * batch / speed, "latency_high_ms": 1200 * batch / speed}
        for batch, speed in speeds.items()
    ] or [{**same, "batch": 0, "difference": np.nan, "memory_mb": np.nan}]  # fmt: skip


def table(*parts):
    return pd.DataFrame([row for part in parts for row in part], columns=list(BENCHMARK_TYPES)).astype(BENCHMARK_TYPES)


@pytest.fixture
def runs():
    return table(
        rows("yolo", "pytorch", {1: 10.0, 2: 12.0}), rows("yolo", "onnxruntime", {1: 20.0, 2: 18.0}),
        rows("yolo", "tensorrt", {}, note="no GPU"), rows("unet", "pytorch", {1: 5.0}),
        rows("unet", "onnxruntime", {1: 4.0, 2: 6.0, 4: 5.5}), rows("unet", "tensorrt", {}, note="no GPU"),
    )  # fmt: skip


def test_a_model_has_one_row_with_the_speed_of_one_and_of_the_best_batch(runs):
    models = summarise_benchmark(runs).set_index("model")
    assert list(models.index) == ["yolo", "unet"]
    assert models.loc["yolo", "latency_ms"] == 100 and models.loc["yolo", "engine"] == "pytorch"
    assert models["fps_onnxruntime"].tolist() == [20, 4] and models["fps_best_onnxruntime"].tolist() == [20, 6]
    assert models["best_batch_onnxruntime"].tolist() == [1, 2]
    assert models["fps_tensorrt"].isna().all() and models["difference"].tolist() == [1e-6, 1e-6]


def test_time_is_that_of_the_first_engine_where_pytorch_was_not_measured(runs):
    models = summarise_benchmark(runs[runs["engine"] != "pytorch"])
    assert models["engine"].tolist() == ["onnxruntime"] * 2 and models["latency_ms"].tolist() == [50, 250]


def test_quality_stands_beside_the_costs_of_models_that_were_evaluated(runs):
    classes = pd.DataFrame({"category": ["a", "all classes"], "f1": [0.1, 0.8], "f1_low": [0.0, 0.7]})
    models = summarise_benchmark(runs, [classes, pd.DataFrame()])
    assert models["f1"].tolist()[0] == 0.8 and np.isnan(models["f1"].tolist()[1])
    assert models["f1_low"].tolist()[0] == 0.7 and choose_quality(models) == "f1"


def test_the_quality_that_all_have_goes_before_the_more_telling_that_some_have():
    models = pd.DataFrame({"model": ["a", "b"], "instance_f1": [0.5, np.nan], "f1": [0.6, 0.7]})
    assert choose_quality(models) == "f1" and choose_quality(models, "instance_f1") == "instance_f1"
    assert choose_quality(models.drop(columns=["instance_f1", "f1"])) is None
    with pytest.raises(ValueError, match="`quality` must be one of instance_f1, f1, got 'dice'"):
        choose_quality(models, "dice")


def test_metrics_have_the_same_names_for_every_model_and_no_gaps(runs):
    yolo, unet = (metrics_of(runs[runs["model"] == name]) for name in ("yolo", "unet"))
    assert set(yolo) == set(unet) and yolo["benchmark_fps_onnxruntime"] == 20
    assert not any(np.isnan(value) for value in yolo.values()) and "benchmark_fps_tensorrt" not in yolo


def test_nothing_measured_gives_no_rows_and_a_model_without_numbers_keeps_its_size(runs):
    assert summarise_benchmark(table()).empty
    (row,) = summarise_benchmark(table(rows("yolo", "tensorrt", {}))).to_dict(orient="records")
    assert row["parameters_m"] == 3.0 and np.isnan(row["latency_ms"]) and np.isnan(row["fps_tensorrt"])


def test_a_evaluation_for_every_model_is_expected(runs):
    with pytest.raises(ValueError, match=r"`evaluated` must be one table per model \(2\), got 1"):
        summarise_benchmark(runs, [pd.DataFrame()])
