import json
from pathlib import Path

import pandas as pd
import pytest

from cell_pipelines.analysis.benchmark import BENCHMARK_TYPES, metrics_of
from cell_pipelines.analysis.model_comparison.model_tables import COSTS
from cell_pipelines.workflows.run_comparison import Comparison, compare_runs, is_compared

NO_METRICS: tuple[dict, dict] = ({}, {})
IMAGES = "image,count,f1\na.png,3,0.5\nb.png,4,0.25\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def compare(tmp_path):
    """Compare results given as texts by name."""

    def compare(first, second, metrics=NO_METRICS, folders=("", "")) -> Comparison:
        return compare_runs(write(tmp_path / "a", first), write(tmp_path / "b", second), metrics, folders)

    return compare


def rows_of(comparison: Comparison) -> list[tuple]:
    columns = ["result", "column", "differing", "of", "row", "recorded", "reproduced"]
    return list(comparison.differences[columns].itertuples(index=False, name=None))


def test_the_same_results_are_equal_and_counted(compare):
    files = {"yolo/tables/images.csv": IMAGES, "thresholds.json": json.dumps({"cell": {"score": 0.5, "areas": [1, 2]}})}
    metrics = {"yolo": {"test_f1": 0.5, "nan": float("nan")}}
    comparison = compare(files, files, (metrics, metrics))
    assert comparison.is_equal and comparison.differences.empty
    assert (comparison.metrics, comparison.tables, comparison.values) == (2, 2, 6 + 6)
    assert "2 metrics and 2 tables with 12 values" in comparison.sentence()


@pytest.mark.parametrize("metrics", [{}, {"yolo": {"seconds": 1.0}}])
def test_nothing_to_compare_is_an_outcome_of_its_own(compare, metrics):
    comparison = compare({"f.svg": "x"}, {}, (metrics, metrics))
    assert comparison.is_empty and not comparison.is_equal
    assert comparison.sentence().startswith("Nothing to compare: the command ran again to its end")


def test_a_table_that_only_one_run_has_is_a_difference_and_not_nothing(compare):
    comparison = compare({"a.csv": "x\n1\n"}, {})
    assert not comparison.is_empty and not comparison.is_equal


def test_a_column_says_how_many_rows_differ_and_which_one_most(compare):
    other = IMAGES.replace("3,0.5", "5,0.5000001").replace("4,0.25", "5,0.25")
    comparison = compare({"images.csv": IMAGES}, {"images.csv": other})
    assert rows_of(comparison) == [
        ("images.csv", "count", 2, 2, "1: a.png", "3", "5"),
        ("images.csv", "f1", 1, 2, "1: a.png", "0.5", "0.5000001"),
    ]
    assert comparison.differences["difference"].tolist() == pytest.approx([2, 1e-7])


def test_the_last_digit_counts(compare):
    comparison = compare({"a.csv": "x\n0.1\n"}, {"a.csv": "x\n0.10000000000000002\n"})
    assert not comparison.is_equal


def test_texts_differ_without_a_number(compare):
    comparison = compare({"a.csv": "x,note\n1,good\n2,\n"}, {"a.csv": "x,note\n1,good\n2,bad\n"})
    assert rows_of(comparison) == [("a.csv", "note", 1, 2, "2: 2", "", "bad")]
    assert comparison.differences["difference"].isna().all()


def test_metrics_of_each_model_are_compared_and_those_of_one_side_named(compare):
    first = {"": {"objects": 3.0}, "yolo": {"test_f1": 0.5}}
    second = {"": {"objects": 3.0}, "yolo": {"test_f1": 0.75, "test_ap50": 1.0}}
    comparison = compare({}, {}, (first, second))
    assert rows_of(comparison)[1] == ("metrics of yolo", "test_f1", 1, 1, "", 0.5, 0.75)
    assert comparison.differences.loc[0, ["column", "reproduced"]].tolist() == ["test_ap50", 1.0]
    assert comparison.metrics == 3


def test_times_and_memory_are_left_out(compare):
    first = {"a.csv": "model,training_seconds,latency_ms,x\nyolo,1,2,3\n", "benchmark/models.csv": "x\n1\n",
             "tests.csv": "metric,p\nf1,1\nlatency_ms,2\n", "yolo/tables/model_costs.csv": "x\n1\n"}  # fmt: skip
    second = {"a.csv": "model,training_seconds,latency_ms,x\nyolo,4,5,3\n", "benchmark/models.csv": "x\n2\n",
              "tests.csv": "metric,p\nf1,1\nlatency_ms,3\n", "yolo/tables/model_costs.csv": "x\n2\n"}  # fmt: skip
    metrics = {"": {"seconds": 1.0, "images_per_second": 3.0}}, {"": {"seconds": 2.0, "images_per_second": 4.0}}
    comparison = compare(first, second, metrics)
    assert (comparison.is_equal, comparison.metrics, comparison.tables) == (True, 0, 2)


@pytest.mark.parametrize("name", ["time_point", "learning_rate", "test_count_mae", "mean_speed_um_per_hour", "frames"])
def test_what_is_about_cells_is_compared(compare, name):
    assert rows_of(compare({"a.csv": f"{name}\n1\n"}, {"a.csv": f"{name}\n2\n"}))[0][1] == name


@pytest.mark.parametrize("name", ["others", "memory", "waiting", "latency", "throughput", "count_memory", "dose_mb"])
def test_classes_may_be_named_like_measurements(compare, name):
    files = [
        {"counts.csv": f"image,{name}\na,{count}\n", "tests.csv": f"metric,p\nf1/{name},{count}\n",
         "thresholds.json": json.dumps({name: {"score": count}})}
        for count in (3, 4)
    ]  # fmt: skip
    metrics = {"yolo": {f"test_f1/{name}": 0.5, name: 3.0}}, {"yolo": {f"test_f1/{name}": 0.75, name: 4.0}}
    comparison = compare(*files, metrics)
    assert {(row[0], row[1]) for row in rows_of(comparison)} == {
        ("counts.csv", name), ("tests.csv", "p"), ("thresholds.json", "value"),
        ("metrics of yolo", name), ("metrics of yolo", f"test_f1/{name}"),
    }  # fmt: skip
    assert (comparison.metrics, comparison.values) == (2, 6)


def test_measured_costs_of_models_are_left_out_and_their_sizes_are_not(compare):
    names = [name for name in COSTS if name not in ("input", "device", "training_device")]
    files = [{"models.csv": f"{','.join(names)}\n{','.join([value] * len(names))}\n"} for value in ("1", "2")]
    assert [row[1] for row in rows_of(compare(*files))] == ["parameters_m", "flops_g"]
    runs = [pd.DataFrame([benchmark_row(value)]) for value in (1, 2)]
    metrics = [{"yolo": metrics_of(one)} for one in runs]
    differing = [row[1] for row in rows_of(compare({}, {}, (metrics[0], metrics[1]))) if row[0] == "metrics of yolo"]
    assert differing == ["benchmark_difference", "benchmark_flops_g", "benchmark_parameters_m", "benchmark_threads"]


def benchmark_row(value: int) -> dict:
    """Return a row of measurements in which each number is this one."""
    texts = {name: "x" for name, kind in BENCHMARK_TYPES.items() if kind == "str"}
    return dict.fromkeys(BENCHMARK_TYPES, value) | texts | {"batch": 1}


def test_another_size_or_column_or_table_is_named(compare):
    comparison = compare(
        {"a.csv": "x,y\n1,2\n", "b.csv": "x\n1\n", "only.csv": "x\n"}, {"a.csv": "x,z\n1,2\n", "b.csv": "x\n1\n2\n"}
    )
    assert rows_of(comparison) == [
        ("a.csv", "column y", 1, 1, "", "there", "not there"),
        ("a.csv", "column z", 1, 1, "", "not there", "there"),
        ("b.csv", "rows", 1, 1, "", 1, 2),
        ("only.csv", "", 1, 1, "", "there", "not there"),
    ]


def test_empty_tables_are_the_same(compare):
    assert compare({"a.csv": "", "b.csv": "x,y\n"}, {"a.csv": "", "b.csv": "x,y\n"}).is_equal


def test_files_of_either_study_are_the_same_below_its_folder(compare):
    first, second = ({"a.csv": f"file\n{folder}/images/a.png\n"} for folder in ("/data/my_study", "/new/my_study"))
    assert compare(first, second, folders=("/data/my_study", "/new/my_study")).is_equal
    assert not compare(first, second).is_equal


def test_tables_and_settings_are_compared_and_nothing_else():
    names = ["tables/a.csv", "thresholds.json", "a.parquet", "f.svg", "models/yolo.pt", "lineage/run.json"]
    assert list(filter(is_compared, names)) == ["tables/a.csv", "thresholds.json"]


def test_the_differences_are_saved_so_that_no_spreadsheet_computes_with_them(compare, tmp_path):
    compare({"a.csv": "=1+1\n1\n"}, {"a.csv": "=1+1\n2\n"}).save(tmp_path / "differences.csv")
    table = pd.read_csv(tmp_path / "differences.csv")
    assert table["column"].tolist() == ["'=1+1"] and table["difference"].tolist() == [1.0]
