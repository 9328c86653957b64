"""Record what a run was made of, so that it can be repeated elsewhere: command, variables, and where its data lie."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader, OmegaConfigLoader
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from cell_pipelines.credentials import plain_without_credentials, public_variables, without_credentials
from cell_pipelines.datasets.chosen_model_dataset import ChosenModelDataset
from cell_pipelines.datasets.folder_dataset import NewFolderDataset, WorkFolderDataset
from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.provenance import code_hash, code_versions, constraints_hash, files_hash, machine
from cell_pipelines.run_checks import stored_at
from cell_pipelines.tracking_names import to_plain
from cell_pipelines.workflows.run_record import StoredData

#: The record among a run's artifacts.
FOLDER, NAME = "lineage", "run.json"
#: Data sets that are model files, by the ends of their names.
MODELS = (".checkpoint", ".model", "chosen_model")
_FORMAT = 1
# Files of the configuration that say what is computed; the others are about it.
_SETTINGS = (".yml", ".yaml", ".csv", ".json")
_VARIABLE = re.compile(r"oc\.env:\s*(\w+)")
# What results depend on though no configuration reads it.
_COMPUTING = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
# Of one process only, not of what it computes.
_PASSING = ("CELL_PIPELINES_RUN_ID",)


@dataclass(frozen=True)
class Lineage:
    """Command, variables and data with which a run is repeated.

    Attributes:
        invocation: What was asked for.
        study: The folder that the study's data lie in, absolute.
        variables: Environment variables that the configuration reads, or that the computing depends on.
        inputs: Data that were there before the run.
        outputs: Data that the run wrote, or would have written.
    """

    invocation: Invocation
    study: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[StoredData, ...] = ()
    outputs: tuple[StoredData, ...] = ()

    @classmethod
    def of_run(
        cls, invocation: Invocation, study: Path, pipeline: Pipeline, catalog: DataCatalog, loader: OmegaConfigLoader
    ) -> "Lineage":
        """Describe a run that begins.

        Args:
            invocation: What was asked for.
            study: The folder of the study's data.
            pipeline: What is run.
            catalog: Its data sets.
            loader: The study's configuration.
        """
        source = Path(str(loader.conf_source)).absolute()
        if source != invocation.project.absolute() / "conf":
            invocation = replace(invocation, conf_source=str(source))
        inputs = _stored(pipeline.inputs(), catalog, invocation.project)
        written = [name for name in pipeline.all_outputs() if _is_written(name, catalog)]
        return cls(
            invocation,
            study.absolute(),
            variables_of(configuration_files(source, environments(loader))),
            tuple(_hashed(data) for data in inputs if Path(data.path).exists()),
            _stored(written, catalog, invocation.project),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, without passwords in addresses."""
        plain: dict[str, Any] = to_plain(asdict(replace(self.invocation, parameters={})))
        plain["parameters"] = plain_without_credentials(to_plain(dict(self.invocation.parameters)))
        return {
            "format": _FORMAT,
            "command": without_credentials(self.invocation.command()),
            "invocation": {**plain, "project": str(self.invocation.project)},
            "study": str(self.study),
            "variables": dict(self.variables),
            "inputs": [asdict(data) for data in self.inputs],
            "outputs": [asdict(data) for data in self.outputs],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Lineage":
        """Return what `to_dict` wrote.

        Raises:
            MistakeError: It is of another format, such as that of a later version.
        """
        try:
            if data["format"] != _FORMAT:
                raise MistakeError(f"{FOLDER}/{NAME}: expected format {_FORMAT}, got {data['format']}.")
            given = dict(data["invocation"])
            selection = {name: tuple(chosen) for name, chosen in given.pop("selection").items()}
            project, pipelines = Path(given.pop("project")), tuple(given.pop("pipelines"))
            invocation = Invocation(project=project, pipelines=pipelines, selection=selection, **given)
            inputs, outputs = (tuple(StoredData(**one) for one in data[key]) for key in ("inputs", "outputs"))
            return cls(invocation, Path(data["study"]), dict(data["variables"]), inputs, outputs)
        except (KeyError, TypeError) as error:
            raise MistakeError(f"{FOLDER}/{NAME}: expected the record of a run; it has no valid {error}.") from error


def environments(loader: OmegaConfigLoader) -> tuple[str, ...]:
    """Return the folders of the configuration that a run reads: the base and the study."""
    return str(loader.base_env), str(loader.env or loader.default_run_env)


def configuration_files(source: Path, names: Iterable[str]) -> list[Path]:
    """Return the settings in folders of the configuration; an archive is one file, and credentials are left out."""
    if source.is_file():
        return [source]
    paths = (path for name in names for path in sorted((source / name).rglob("*")))
    return [path for path in paths if path.suffix in _SETTINGS and not path.name.startswith("credentials")]


def origin_tags(project: Path, loader: AbstractConfigLoader | None) -> dict[str, str]:
    """Return what says by which code, settings, versions and processors a result is made.

    Args:
        project: Folder of the project.
        loader: The study's configuration.
    """
    tags = {**code_versions(project), **machine(), "code.sha256": code_hash(), **constraints_hash(project)}
    if isinstance(loader, OmegaConfigLoader):
        tags["configuration.sha256"] = configuration_hash(Path(str(loader.conf_source)), environments(loader))
    return tags


def configuration_hash(source: Path, names: Iterable[str]) -> str:
    """Return the SHA-256 of the settings in folders of a configuration."""
    return files_hash(source, configuration_files(source, names))


def variables_of(files: Iterable[Path]) -> dict[str, str]:
    """Return the environment variables that are set and read by settings, or that computing depends on; no secrets.

    Args:
        files: See `configuration_files`.
    """
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in (".yml", ".yaml")]
    names = {*_COMPUTING, *(name for text in texts for name in _VARIABLE.findall(text))}
    return public_variables({name: os.environ[name] for name in sorted(names - {*_PASSING}) if name in os.environ})


def _is_written(name: str, catalog: DataCatalog) -> bool:
    """Say whether saving a data set writes it; a study's own images stay as they are."""
    return not getattr(catalog.get(name), "_read_only", False)


def _stored(names: Iterable[str], catalog: DataCatalog, project: Path) -> tuple[StoredData, ...]:
    """Return where data sets lie; those that lie nowhere, or whose place is new each time, are left out."""
    found = []
    for name in sorted(names):
        dataset, path = catalog.get(name), _path_of(name, catalog)
        if path is not None and not isinstance(dataset, NewFolderDataset):
            found.append(StoredData(name, str(project / path), isinstance(dataset, WorkFolderDataset)))
    return tuple(found)


def _path_of(name: str, catalog: DataCatalog) -> str | None:
    """Return the file or folder of a data set; of the chosen model the file that is chosen."""
    dataset = catalog.get(name)
    if isinstance(dataset, ChosenModelDataset):
        return str(dataset.load()) if dataset.exists() else None
    return stored_at(name, catalog)


def _hashed(data: StoredData) -> StoredData:
    """Return an input with the hash of its file, where that is a model."""
    path = Path(data.path)
    is_model = data.name.endswith(MODELS) and path.is_file()
    return replace(data, sha256=hashlib.sha256(path.read_bytes()).hexdigest()) if is_model else data
