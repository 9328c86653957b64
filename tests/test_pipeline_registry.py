"""Pipelines that are run together run in the order that their data sets ask for."""

from collections.abc import Iterator

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from cell_pipelines.pipeline_registry import register_pipelines
from cell_pipelines.run_checks import _is_missing
from cell_pipelines.settings import CONFIG_LOADER_ARGS
from cell_pipelines.study import choose_cells, choose_experiments, chosen_experiments

from .integration.conftest import ROOT

WRITERS = ("prediction", "next_images", "suspected_labels", "viability", "morphology", "fish", "tracking", "grid",
           "learning_curve")  # fmt: skip


@pytest.fixture
def pipelines() -> Iterator[dict[str, Pipeline]]:
    before = chosen_experiments()
    choose_cells(["truth", "new", "unetpp"])
    choose_experiments({"grid": {}, "learning_curve": {"kind": "learning_curve"}})
    yield register_pipelines()
    choose_cells(None)
    choose_experiments(before)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_is_written_before_the_studys_page_that_shows_it(
    pipelines: dict[str, Pipeline], name: str, *, is_first: bool
) -> None:
    parts = [pipelines["reporting"], pipelines[name]]
    together = sum(parts[::-1] if is_first else parts, Pipeline([]))
    order = [node for group in together.grouped_nodes for node in group]
    ranks = {output: rank for rank, group in enumerate(together.grouped_nodes) for n in group for output in n.outputs}
    pages = {page for page in pipelines[name].all_outputs() if page.endswith("_report")} - {"conversion_report"}
    assert pages and all(ranks[page] < ranks["study_report"] for page in pages)
    assert len(order) == len(together.nodes)


def test_pages_that_nobody_has_written_yet_are_not_asked_for(pipelines: dict[str, Pipeline]) -> None:
    loader = OmegaConfigLoader(
        conf_source=str(ROOT / "conf"), env="test", runtime_params={"data_root": "/nowhere"}, **CONFIG_LOADER_ARGS
    )
    catalog = DataCatalog.from_config(loader["catalog"])
    (node,) = (node for node in pipelines["reporting"].nodes if node.name.endswith("describe_study"))
    free = {name for name in node.inputs if name in pipelines["reporting"].inputs() and name.endswith("_report")}
    assert {"truth.viability_report", "unetpp.fish_report", "new_report", "methods.morphology_report"} <= free
    assert not any(_is_missing(name, catalog) for name in free)
    assert all(catalog.load(name) is None for name in free)
    assert _is_missing("comparison_report", catalog), "a page that must be there is asked for"


def test_no_pipeline_writes_a_page_that_the_studys_page_does_not_wait_for(pipelines: dict[str, Pipeline]) -> None:
    reporting = pipelines["reporting"]
    written = {n for p in pipelines.values() for n in p.all_outputs() if n.endswith("_report")}
    alone = {"conversion_report", "study_report", "model_benchmark_report", "network_benchmark_report"}
    (node,) = (node for node in reporting.nodes if node.name.endswith("describe_study"))
    assert written - alone == {name for name in node.inputs if name.endswith("_report")}
