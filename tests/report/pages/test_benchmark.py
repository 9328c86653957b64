import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.figures.benchmark import ENGINES, plot_benchmark
from cell_pipelines.report.page.html import render_report
from cell_pipelines.report.pages.benchmark import benchmark_cards, benchmark_sections

SPEEDS = {"pytorch": 8.0, "onnxruntime": 12.0, "openvino": 14.0}


def measured(models, engines=tuple(SPEEDS)):
    rng = np.random.default_rng(0)
    rows = []
    for place, model in enumerate(models):
        for engine in engines:
            for batch in (1, 2, 4):
                speed = SPEEDS[engine] / (place + 1) * (1 + 0.2 * rng.random())
                rows.append({
                    "model": model, "engine": engine, "device": "cpu", "precision": "float32", "threads": 2,
                    "batch": batch, "latency_ms": 1000 * batch / speed, "latency_low_ms": 900 * batch / speed,
                    "latency_high_ms": 1300 * batch / speed, "calls": 20, "images_per_second": speed,
                    "memory_mb": 60.0 * batch, "others_share": 0.02,
                    "difference": 2e-6, "note": "", "machine": "a <processor>",
                    "version": f"{engine} 1.0",
                })  # fmt: skip
        rows.append({**rows[-1], "engine": "tensorrt", "batch": 0, "note": "there is no GPU.", "latency_ms": np.nan,
                     "images_per_second": np.nan})  # fmt: skip
    return pd.DataFrame(rows)


def summarised(models, runs):
    rows = []
    for place, model in enumerate(models):
        own = runs[runs["model"] == model]
        row = {"model": model, "parameters_m": 3.0 + place, "flops_g": 8.1, "checkpoint_mb": 6.2,
               "input": "3 x 640 x 640", "engine": "pytorch", "latency_ms": 120.0 * (place + 1),
               "latency_low_ms": 110.0 * (place + 1), "latency_high_ms": 150.0 * (place + 1),
               "memory_mb": 70.0}  # fmt: skip
        for engine in dict.fromkeys(runs["engine"]):
            speeds = own.loc[own["engine"] == engine, "images_per_second"]
            row |= {f"fps_{engine}": speeds.iloc[0], f"fps_best_{engine}": speeds.max()}
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def three():
    names = ["yolov8n", "unetplusplus timm-mobilenetv3_small", "c-<ResUNet>"]
    runs = measured(names)
    return summarised(names, runs), runs


def test_the_page_has_every_number_and_every_reason(three):
    models, runs = three
    page = render_report(
        "Costs", benchmark_cards(models, runs), benchmark_sections(models, runs, plot_benchmark(models, runs))
    )
    assert "there is no GPU." in page and "a &lt;processor&gt;" in page and "c-&lt;ResUNet&gt;" in page
    assert "OpenVINO" in page and "onnxruntime 1.0" in page and "TensorRT, GPU" in page


def test_cards_name_the_fewest_parameters_and_the_lowest_time_where_times_can_be_compared(three):
    models, runs = three
    size = {"Models": "3", "Fewest parameters": "yolov8n, 3 M"}
    assert benchmark_cards(models, runs) == {**size, "Lowest time, PyTorch": "yolov8n, 120 ms"}
    assert benchmark_cards(models, runs.assign(others_share=0.5)) == size
    assert benchmark_cards(models.assign(input=["a", "b", "a"]), runs) == size


def test_a_figure_has_panels_for_time_and_speed_and_for_quality_where_there_is_one(three):
    models, runs = three
    assert len(plot_benchmark(models, runs).axes) == 2
    evaluated = models.assign(f1=[0.9, np.nan, 0.8], f1_low=0.7, f1_high=0.95)
    figure = plot_benchmark(evaluated, runs, quality="f1")
    assert len(figure.axes) == 4 and figure.axes[2].get_title(loc="left") == "F1 of boxes, 95 % interval"
    assert len(plot_benchmark(models.assign(f1=np.nan), runs, quality="f1").axes) == 2


def test_only_engines_with_numbers_are_drawn(three):
    figure = plot_benchmark(*three)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert texts == [ENGINES[name] for name in SPEEDS]


def test_nothing_measured_is_said(three):
    models, runs = three
    assert len(plot_benchmark(models, runs[runs["batch"] == 0]).axes) == 0
    (section,) = benchmark_sections(models.iloc[:0], runs.iloc[:0], plot_benchmark(models, runs))
    assert section.items[0].text == "There is no model to measure."
    assert benchmark_cards(models.iloc[:0], runs.iloc[:0]) == {"Models": "0"}


def test_work_beside_the_measurement_is_warned_of(three):
    models, runs = three
    assert "Measure again" not in render_report(
        "Costs", {}, benchmark_sections(models, runs, plot_benchmark(models, runs))
    )
    disturbed = benchmark_sections(models, runs.assign(others_share=0.4), plot_benchmark(models, runs))
    assert "Other processes took up to 40 % of the processors" in render_report("Costs", {}, disturbed)
