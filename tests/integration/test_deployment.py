"""The template by which kedro-airflow makes tasks of a study's stages; Airflow itself is not installed here."""

import ast
import re
from pathlib import Path

import jinja2
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from slugify import slugify

from cell_pipelines.pipeline_registry import register_pipelines
from cell_pipelines.settings import CONFIG_LOADER_ARGS
from cell_pipelines.study import choose_models

from .conftest import ROOT

STUDIES = ("test", "dsb2018")


@pytest.fixture(params=STUDIES)
def study(request):
    loader = OmegaConfigLoader(conf_source=str(ROOT / "conf"), env=request.param, **CONFIG_LOADER_ARGS)
    choose_models(loader["globals"]["models"])
    yield request.param, loader, register_pipelines()["__default__"]
    choose_models(None)


def render(name: str, pipeline: Pipeline) -> str:
    environment = jinja2.Environment(autoescape=False)
    environment.filters["slugify"] = slugify
    template = environment.from_string(Path(ROOT / "docs" / "scripts" / "airflow_dag.j2").read_text(encoding="utf-8"))
    groups = pipeline.group_nodes_by("namespace")
    return template.render(node_objs=groups, env=name, pipeline_name="__default__", dag_name="cell_pipelines")


def tasks_of(text: str) -> list[list[str]]:
    """Return the nodes that each task names."""
    lists = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assign)]
    return [ast.literal_eval(value) for value in lists if isinstance(value, ast.List)]


def test_every_node_is_run_by_one_task_and_what_is_handed_over_in_memory_is_made_in_the_same_task(study):
    name, loader, pipeline = study
    text = render(name, pipeline)
    assert f'RUN = ".venv/bin/kedro run --env={name} --pipelines=__default__"' in text
    tasks = tasks_of(text)
    own = [[node for node in nodes if node.partition(".")[0] == nodes[0].partition(".")[0]] for nodes in tasks]
    assert sorted(node for nodes in own for node in nodes) == sorted(node.name for node in pipeline.nodes)
    catalog = DataCatalog.from_config(loader["catalog"])
    for nodes in tasks:
        part = pipeline.filter(node_names=nodes)
        inputs = [n for n in part.inputs() if not n.startswith("params:") and n != "parameters"]
        assert [n for n in inputs if isinstance(catalog.get(n), MemoryDataset)] == []


def test_tasks_wait_for_those_whose_results_they_read(study):
    name, _, pipeline = study
    waits = re.findall(r'tasks\["(\w+)"\] >> tasks\["(\w+)"\]', render(name, pipeline))
    expected = {
        (maker.namespace, reader.namespace)
        for maker in pipeline.nodes for reader in pipeline.nodes
        if maker.namespace != reader.namespace and set(maker.outputs) & set(reader.inputs)
    }  # fmt: skip
    assert expected <= set(waits)
    assert expected
