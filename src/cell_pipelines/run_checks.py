"""Checks before anything runs: every parameter is read by something, and what is read is there."""

import logging
from collections.abc import Mapping
from pathlib import Path

from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Pipeline

from cell_pipelines.datasets.metrics_dataset import ModelMetricsDataset
from cell_pipelines.failures import MistakeError, describe
from cell_pipelines.invocation import Invocation
from cell_pipelines.parameter_checks import Configuration, check_choice, check_configured, check_parameters
from cell_pipelines.study import CHOICES

logger = logging.getLogger(__name__)


def check_run(
    invocation: Invocation,
    pipeline: Pipeline,
    catalog: DataCatalog,
    loader: OmegaConfigLoader,
    *,
    only_missing: bool,
) -> None:
    """Refuse a run that reads other things than it was told to, or things that are not there.

    Args:
        invocation: The run with its parameters.
        pipeline: What is run.
        catalog: The data sets.
        loader: The study's configuration.
        only_missing: Nodes whose outputs are there will be left out, so that their inputs need not be there.

    Raises:
        MistakeError: Nothing reads a parameter, or an input is missing.
    """
    source = Path(str(loader.conf_source))
    base, study = (source / str(name) for name in (loader.base_env, loader.env or loader.default_run_env))
    configuration = Configuration(base, study)
    check_parameters(invocation, pipeline, catalog, configuration)
    for name in CHOICES.keys() & invocation.parameters.keys() - configuration.read_by(pipeline, catalog):
        check_choice(name, invocation, loader["globals"].get(name))
    configured = [name for name in loader["parameters"] if name not in invocation.parameters]
    check_configured("parameter group", configured, configuration.groups)
    check_configured("global", loader["globals"], configuration.globals)
    if study.is_dir() and study.name != "local":
        _warn_of_another_study(loader["globals"].get("study"), study.name)
    if not only_missing:
        check_inputs(invocation, pipeline, catalog)


def check_runner(runner: object, *, is_async: bool = False) -> None:
    """Refuse to run several nodes, or to load and save, at the same time.

    Trainings at the same time in one process draw from the same random numbers and divide the cores, so that models
    and measured costs are others each time.

    Args:
        runner: Kedro's runner, its class or a name.
        is_async: Whether data are to be loaded and saved in threads.

    Raises:
        MistakeError: It is not Kedro's SequentialRunner, or one of somebody's own.
    """
    chosen = next((name for name in ("ThreadRunner", "ParallelRunner") if name in str(runner)), None)
    if chosen or is_async:
        asked = "--async" if is_async else f"--runner={chosen}"
        raise MistakeError(
            f"{asked}: expected Kedro's SequentialRunner, since trainings at the same time would not give the same "
            "models again. Divide the images of each node among processes or machines by "
            "--params=<pipeline>.parallel.engine=processes (or dask); experiments train several models at once by "
            "`parallel` of their own."
        )


def _warn_of_another_study(study: str | None, environment: str) -> None:
    if study != environment:
        logger.warning(
            "conf/%s/globals.yml says `study: %s`: results go to the folder of the study %s.", environment, study, study
        )


def check_inputs(invocation: Invocation, pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Refuse a run whose inputs are not there yet, and name the pipelines that make them.

    Args:
        invocation: The run.
        pipeline: What is run.
        catalog: The data sets.

    Raises:
        MistakeError: The data set of an input has nothing to load.
    """
    inputs = dict.fromkeys(name for node in pipeline.nodes for name in node.inputs if name in pipeline.inputs())
    missing = {name: location(name, catalog) for name in inputs if _is_missing(name, catalog)}
    if not missing:
        return
    name, place = next(iter(missing.items()))
    if isinstance(catalog.get(name), MemoryDataset):
        raise MistakeError(_memory_sentence(name))
    makers = _makers(missing, catalog)
    if not makers:
        raise MistakeError(_own_sentence(name, place, catalog))
    others = f" Missing inputs in all: {len(missing)}." if len(missing) > 1 else ""
    study = f" --env={invocation.environment}" if invocation.environment else ""
    raise MistakeError(
        f"{place}: expected `{name}`; it is not there.{others} "
        f"Run `kedro run{study} --pipelines={','.join(makers)}` first."
    )


def _own_sentence(name: str, place: str, catalog: DataCatalog) -> str:
    """Return what a data set says itself when there is nothing to load."""
    try:
        catalog.load(name)
    except DatasetError as error:
        return describe(error)
    return f"{place}: expected `{name}`; it is not there."


def _memory_sentence(name: str) -> str:
    """Return what to do about a data set that nodes hand over in memory."""
    nodes = {node.name for pipeline in pipelines.values() for node in pipeline.nodes if name in node.outputs}
    makers = "".join(f"; begin with the node that makes it: --from-nodes={node}" for node in sorted(nodes)[:1])
    return f"expected `{name}`, which nodes hand over in memory{makers}."


def _is_missing(name: str, catalog: DataCatalog) -> bool:
    """Say whether an input has nothing to load; data sets that can't say so are asked when they are read."""
    if name.startswith("params:") or name == "parameters":
        return False
    dataset = catalog.get(name)
    if dataset is None or isinstance(dataset, ModelMetricsDataset):  # which are of this run, or there are none
        return False
    if type(dataset)._exists is AbstractDataset._exists or getattr(dataset, "optional", False):
        return False
    return not dataset.exists()


def location(name: str, catalog: DataCatalog) -> str:
    """Return the file or folder of a data set; its name where it has none."""
    return stored_at(name, catalog) or name


def stored_at(name: str, catalog: DataCatalog) -> str | None:
    """Return the file or folder of a data set; None where it has none."""
    dataset = catalog.get(name)
    described = dataset._describe() if dataset is not None else {}
    place = described.get("filepath") or described.get("path") or described.get("csv")
    return None if place is None else str(place)


def _makers(missing: Mapping[str, str], catalog: DataCatalog) -> list[str]:
    """Return the smallest pipelines that make data sets, in the order in which they are registered.

    A data set is made by a pipeline that has it, another transcoding of it or one at the same place as an output.
    """
    made = {other: {n for n in missing if _makes(p, n, missing[n], catalog)} for other, p in pipelines.items()}
    smallest = {
        min((other for other in pipelines if name in made[other]), key=lambda other: len(pipelines[other].nodes))
        for name in missing
        if any(name in names for names in made.values())
    }
    return [n for n in pipelines if n in smallest and not any(made[n] < made[other] for other in smallest)]


def _makes(pipeline: Pipeline, name: str, place: str, catalog: DataCatalog) -> bool:
    for output in dict.fromkeys(output for node in pipeline.nodes for output in node.outputs):
        there = location(output, catalog)
        is_other_form = output.partition("@")[0] == name.partition("@")[0] and Path(place).is_relative_to(there)
        if (output == name or there == place or is_other_form) and not getattr(
            catalog.get(output), "_read_only", False
        ):
            return True
    return False
