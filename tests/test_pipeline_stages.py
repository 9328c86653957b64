import inspect
import warnings
from typing import Any, get_type_hints

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from cell_pipelines.datasets.folder_dataset import WorkFolderDataset
from cell_pipelines.pipeline_registry import register_pipelines
from cell_pipelines.pipeline_stages import collect_results, in_stage, stage_of
from cell_pipelines.study import MODELS, choose_models


def double(number: int) -> int:
    return 2 * number


def split(number: int) -> list[int]:
    return [number + 1, number - 1]


def add(first: int, settings: dict[str, Any], *numbers: int) -> int:
    return first + settings["plus"] + sum(numbers)


def write(folder: Any, number: int) -> int:
    (folder / "number.txt").write_text(str(number))
    return number


def boxes(pipeline: Pipeline) -> set[str]:
    """Return what kedro-viz shows of a pipeline at first: its stages, and data sets that enter or leave one."""
    shown = set()
    for stage in {stage_of(node) for node in pipeline.nodes}:
        part = Pipeline([node for node in pipeline.nodes if stage_of(node) == stage])
        leaving = part.outputs() | ((pipeline - part).inputs() & part.all_outputs())
        shown |= {stage, *part.inputs(), *leaving} if stage else part.datasets()
    loose = {node.name for node in pipeline.nodes if not stage_of(node)}
    return loose | {n.partition("@")[0] for n in shown if not n.startswith("params:") and n != "parameters"}


def small_pipeline() -> Pipeline:
    """Return two stages, the first of them with a folder and data sets of its own, one of which nothing reads."""
    first = [
        Node(double, inputs="start", outputs="doubled", name="double"),
        Node(split, inputs="doubled", outputs=["more", "less"], name="split"),
        Node(write, inputs=["work_folder", "doubled"], outputs="unread", name="write"),
    ]
    model = Pipeline(first, namespace="unet", inputs={"start"}, tags="training")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        given = ["unet.more", "params:adding", "start", "unet.less"]
        last = Node(add, inputs=given, outputs="sum", name="add", tags="last")
    return model + in_stage(Pipeline([last]), "report")


def run(pipeline: Pipeline, folder: Any) -> Any:
    catalog = DataCatalog({"start": MemoryDataset(5), "params:adding": MemoryDataset({"plus": 100})})
    catalog["unet.work_folder"] = WorkFolderDataset(path=str(folder))
    return SequentialRunner().run(pipeline, catalog)["sum"].load()


def test_results_that_are_collected_give_the_same_numbers(tmp_path: Any) -> None:
    plain = small_pipeline()
    collected = collect_results(plain, shown=("sum",))
    assert run(collected, tmp_path / "collected") == run(plain, tmp_path / "plain") == 11 + 100 + 5 + 9
    assert (tmp_path / "collected" / "number.txt").read_text() == "10"


def test_a_stage_shows_nothing_but_its_results_and_what_is_named() -> None:
    assert boxes(small_pipeline()) == {
        "start", "unet", "unet.work_folder", "unet.more", "unet.less", "unet.unread", "report", "sum",
    }  # fmt: skip
    assert boxes(collect_results(small_pipeline(), shown=("sum",))) == {
        "start",
        "unet",
        "unet.results",
        "report",
        "sum",
    }


def test_nodes_keep_their_names_tags_and_the_types_of_their_parameters() -> None:
    before = {node.name: node for node in small_pipeline().nodes}
    after = {node.name: node for node in collect_results(small_pipeline(), shown=("sum",)).nodes}
    assert {name: after[name].tags for name in before} == {name: node.tags for name, node in before.items()}
    assert set(after) - set(before) == {"unet.collect_results", "unet.open_folders"}
    node = after["report.add"]
    arguments = dict(zip(node.inputs, inspect.signature(node.func).parameters, strict=False))
    assert get_type_hints(node.func)[arguments["params:adding"]] == dict[str, Any]


def test_a_run_by_tag_has_the_nodes_that_collect_what_it_reads() -> None:
    pipeline = collect_results(small_pipeline(), shown=("sum",))
    assert {node.name for node in pipeline.only_nodes_with_tags("last").nodes} == {"unet.collect_results", "report.add"}
    trained = {node.name for node in pipeline.only_nodes_with_tags("training").nodes}
    assert "unet.open_folders" in trained and "unet.collect_results" not in trained


def test_the_lineage_of_the_full_pipeline_is_a_story_of_at_most_25_boxes() -> None:
    pipeline = register_pipelines()["__default__"]
    stages = {stage_of(node) for node in pipeline.nodes}
    assert stages == {"sample_data", "conversion", "preparation", "yolo", "resunet", "unetpp", "comparison", "report"}
    assert len(boxes(pipeline)) <= 25


@pytest.mark.parametrize("model", MODELS)
def test_any_model_adds_no_more_than_itself_its_data_and_its_results(model: str) -> None:
    try:
        choose_models([model])
        shown = boxes(register_pipelines()["__default__"])
    finally:
        choose_models(None)
    assert {name for name in shown if name.partition(".")[0] == model} == {model, f"{model}.results"}
    assert len(shown) <= 20


def test_the_full_pipeline_makes_what_its_parts_make_and_keeps_their_parameters() -> None:
    pipelines = register_pipelines()
    full = pipelines["__default__"]
    for name in ("sample_data", "train_yolo", "train_unetpp", "evaluation", "reporting"):
        made = {node.name: set(node.outputs) for node in full.nodes}
        assert {node.name: set(node.outputs) for node in pipelines[name].nodes}.items() <= made.items()
    settings = {n for name in ("evaluation", "reporting") for n in pipelines[name].inputs() if n.startswith("params:")}
    assert settings <= full.inputs()
