"""Checks that every parameter of a run and every name in a study's files is read by something."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.project import pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.study import CHOICES, OTHER_CELLS, known_models, member_names

#: Parameters that the project reads itself, before there is a pipeline.
PROJECT_PARAMETERS = frozenset({"models", "cells", "dry_run", "experiments", "mlflow_parent"})
#: The module that makes the pipelines.
REGISTRY = "cell_pipelines.pipeline_registry"
_GLOBAL = re.compile(r"globals:\s*(\w+)")
_SHARED = re.compile(r"\$\{(_\w+)\}")
_RUNTIME = re.compile(r"runtime_params:\s*(\w+)")


class Configuration:
    """Configuration entries and the runtime parameters that they read, by the text of a study's YAML files.

    Attributes:
        groups: Names of the parameter groups of the base.
        globals: Names of the base's globals, and of those that files of the base or the study refer to.
        always: Parameters that every run reads.
    """

    def __init__(self, base: Path, study: Path) -> None:
        """Read the catalogs, the names of the parameters and MLflow's settings.

        Args:
            base: Folder of the base's configuration.
            study: Folder of the study's, whose entries replace the base's; it need not be there.
        """
        self._entries: dict[str, frozenset[str]] = {}
        self.always: frozenset[str] = PROJECT_PARAMETERS
        self.groups = PROJECT_PARAMETERS.union(*map(_read_yaml, base.rglob("parameters*.yml")))
        self.globals = frozenset().union(*map(_read_yaml, base.rglob("globals*.yml")))
        for folder in (base, study):
            for path in sorted(folder.rglob("*.yml")):
                self.globals |= frozenset(_GLOBAL.findall(path.read_text(encoding="utf-8")))
            catalog: dict[str, Any] = {}
            for path in sorted(folder.rglob("catalog*.yml")):
                catalog |= _read_yaml(path)
            self._entries |= {name: _runtime_names(_fill_in(str(entry), catalog)) for name, entry in catalog.items()}
            for path in sorted(folder.rglob("mlflow*.yml")):
                self.always |= _runtime_names(path.read_text(encoding="utf-8"))

    def read_by(self, pipeline: Pipeline, catalog: DataCatalog) -> set[str]:
        """Return the runtime parameters that the data sets of a pipeline are made of."""
        names: set[str] = set()
        for dataset in pipeline.datasets():
            entry = dataset if dataset in self._entries else catalog.config_resolver.match_dataset_pattern(dataset)
            names |= self._entries.get(str(entry), frozenset())
        return names


def _read_yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {})


def _fill_in(entry: str, catalog: Mapping[str, Any]) -> str:
    """Return the text of a catalog's entry with that of what it refers to by ``${_name}``."""
    while (filled := _SHARED.sub(lambda name: str(catalog.get(name[1], "")), entry)) != entry:
        entry = filled
    return entry


def _runtime_names(entry: Any) -> frozenset[str]:
    return frozenset(_RUNTIME.findall(str(entry)))


def parameter_groups(pipeline: Pipeline) -> set[str]:
    """Return the first words of the parameters that a pipeline's nodes take; ``parameters`` for all of them."""
    names = {name for node in pipeline.nodes for name in node.inputs}
    return {n.removeprefix("params:").split(".")[0] for n in names if n.startswith("params:") or n == "parameters"}


def check_configured(kind: str, configured: Iterable[str], known: Collection[str]) -> None:
    """Refuse names in a study's files that nothing reads, most often misspelt ones.

    Args:
        kind: What is named, for the sentence.
        configured: The names in the study's files.
        known: The names that are read.

    Raises:
        MistakeError: A name is not known.
    """
    for name in configured:
        if name not in known:
            raise MistakeError(f"nothing reads the {kind} `{name}` of the study's configuration{suggest(name, known)}.")


def check_parameters(
    invocation: Invocation, pipeline: Pipeline, catalog: DataCatalog, configuration: Configuration
) -> None:
    """Refuse runtime parameters that nothing in this run reads.

    Args:
        invocation: The run with its parameters.
        pipeline: What is run.
        catalog: The data sets.
        configuration: What the data sets are made of.

    Raises:
        MistakeError: A parameter is known nowhere, or only to other pipelines.
    """
    groups = parameter_groups(pipeline)
    readers = {name: parameter_groups(p) | configuration.read_by(p, catalog) for name, p in pipelines.items()}
    known = set(configuration.always | configuration.groups).union(*readers.values())
    read = groups | configuration.read_by(pipeline, catalog) | configuration.always
    is_trial = "results" in invocation.parameters  # gets all parameters of the experiment that started it
    for name in invocation.parameters:
        if name not in known:
            raise MistakeError(f"nothing reads the parameter `{name}`{suggest(name, known)}.")
        if name not in read and "parameters" not in groups and not is_trial:
            others = [other for other, names in readers.items() if name in names]
            raise MistakeError(
                f"`{_names(invocation)}` does not read the parameter `{name}`"
                f"{suggest(name, read)}; pipelines that read it: {_enumerate(others)}."
            )


def check_choice(name: str, invocation: Invocation, configured: Any) -> None:
    """Refuse a choice of models or sources of cells that makes no difference to the pipelines that are run.

    Args:
        name: Of the parameter.
        invocation: The run.
        configured: What the study chooses itself.

    Raises:
        MistakeError: The same nodes would be run with the study's own choice, which is another one.
    """
    given = invocation.parameters[name]
    run = {node.namespace for pipeline in _run_pipelines(invocation) for node in pipeline.nodes}
    run &= {*known_models(), *OTHER_CELLS}  # not stages such as the conversion
    names_what_is_run = bool(run) and run <= set(member_names(_listed(given)))
    if _listed(given) == _listed(configured) or names_what_is_run or "results" in invocation.parameters:
        return
    chosen = _nodes(invocation)
    try:
        CHOICES[name](configured)
        pipelines.configure(REGISTRY)
        if _nodes(invocation) == chosen:
            raise MistakeError(f"`{_names(invocation)}` does not read the parameter `{name}`: it is the same for all.")
    finally:
        CHOICES[name](given)
        pipelines.configure(REGISTRY)


def _listed(names: Any) -> list[str]:
    return names.split("+") if isinstance(names, str) else list(names or [])


def _nodes(invocation: Invocation) -> set[tuple[str, ...]]:
    """Return the nodes of the pipelines that are run, with what goes into them and comes out."""
    return {
        (node.name, *node.inputs, "", *node.outputs)
        for pipeline in _run_pipelines(invocation)
        for node in pipeline.nodes
    }


def _run_pipelines(invocation: Invocation) -> list[Pipeline]:
    return [pipelines[name] for name in invocation.pipelines or ("__default__",)]


def _names(invocation: Invocation) -> str:
    return "+".join(invocation.pipelines) or "__default__"


def suggest(name: str, known: Collection[str]) -> str:
    """Return ``(did you mean …?)`` for names that are alike, else nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=3)
    return f" (did you mean {' or '.join(f'`{other}`' for other in close)}?)" if close else ""


def _enumerate(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
