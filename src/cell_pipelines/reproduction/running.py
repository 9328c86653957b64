"""Run a recorded command again, with results, store and log in a folder of its own."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings

from cell_pipelines import lineage
from cell_pipelines.credentials import without_credentials
from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation, python_command
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction.inputs import take_along
from cell_pipelines.reproduction.source import Source, environment_of
from cell_pipelines.run_reading import REPRODUCES, configured_uri

#: Names of what a reproduction leaves in its folder.
LOG, STORE, DATA, ARTIFACTS, SETTINGS = "log.txt", "mlflow.db", "data", "mlartifacts", "run.yml"
# Lets the run end when this process ends, since it watches its standard input then.
_WATCHED = "CELL_PIPELINES_WATCHED"
# How long a run that was asked to end may take for it.
_PATIENCE_S = 10.0
# Letters of a log's last line that are shown.
_LONGEST = 300


@dataclass(frozen=True)
class Repetition:
    """A run that repeated another one.

    Attributes:
        study: The folder of its study's data.
        uri: MLflow's store that it was recorded in.
    """

    study: Path
    uri: str


def run_again(run_id: str, described: Lineage, source: Source, project: Path, folder: Path) -> Repetition:
    """Run the command of a run in a process of its own, with results, store and log in a folder.

    Args:
        run_id: Of the run.
        described: What repeats it.
        source: Code and configuration.
        project: Folder of the project.
        folder: That results go into.

    Returns:
        Its data, below `folder`, and its store: the folder's own, unless the configuration names another one.

    Raises:
        MistakeError: A study's configuration keeps results from going elsewhere.
        RuntimeError: The command failed; the text names its log.
    """
    environment = _variables(run_id, described, source, folder)
    with _variables_set(environment):
        study = _study_folder(described, source)
        named = configured_uri(source.configuration, described.invocation.environment)
    if not study.is_relative_to(folder):
        raise MistakeError(
            f"{source.configuration}: the study's data lie in {study} whatever CELL_DATA_ROOT says, so that its "
            "results would be written over; set `data_root` as conf/base/globals.yml does."
        )
    folder.mkdir(parents=True, exist_ok=True)
    take_along(described, study)
    _write_settings(described.invocation, source, folder)
    command = [*python_command(), "--config", str(folder / SETTINGS)]
    with (folder / LOG).open("wb") as log:
        code = _wait(command, project, environment, log)
    if code:
        raise RuntimeError(
            f"the command failed with exit status {code}; its log is {folder / LOG}: {_end(folder / LOG)}"
        )
    return Repetition(study, named or environment["MLFLOW_TRACKING_URI"])


def _variables(run_id: str, described: Lineage, source: Source, folder: Path) -> dict[str, str]:
    """Return the environment of the run, with data, artifacts and store in a folder."""
    folders = str(settings.CONFIG_LOADER_ARGS["base_env"]), environment_of(described)
    present = lineage.variables_of(lineage.configuration_files(source.configuration, folders))
    environment = {name: value for name, value in os.environ.items() if name not in present}
    environment |= {name: _with_password(name, value) for name, value in described.variables.items()}
    environment |= {"PYTHONUTF8": "1", _WATCHED: "1"}
    environment |= {"CELL_DATA_ROOT": str(folder / DATA), "CELL_ARTIFACT_ROOT": str(folder / ARTIFACTS)}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{(folder / STORE).as_posix()}"
    environment["MLFLOW_RUN_CONTEXT"] = json.dumps({REPRODUCES: run_id})
    if source.package is not None:
        others = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = os.pathsep.join([str(source.package), *filter(None, [others])])
    return environment


def _with_password(name: str, recorded: str) -> str:
    """Return a recorded variable; where only a password is missing, which is never recorded, as it is set now."""
    now = os.environ.get(name, recorded)
    return now if without_credentials(now) == recorded else recorded


@contextmanager
def _variables_set(environment: Mapping[str, str]) -> Iterator[None]:
    """Read settings in the block as a process with this environment does."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _study_folder(described: Lineage, source: Source) -> Path:
    """Return the folder that a study's data lie in with the variables that are set."""
    loader = OmegaConfigLoader(
        conf_source=str(source.configuration), env=described.invocation.environment, **settings.CONFIG_LOADER_ARGS
    )
    names: dict[str, Any] = loader["globals"]
    return Path(str(names["data_root"])).absolute() / str(names["study"])


def _write_settings(invocation: Invocation, source: Source, folder: Path) -> None:
    """Write what `kedro run --config` reads."""
    parameters = dict(invocation.parameters)
    if "results" in parameters:
        parameters["results"] = str(folder / "results")
    run: dict[str, Any] = {"params": parameters, "conf_source": str(source.configuration)}
    run |= {name: ",".join(chosen) for name, chosen in invocation.selection.items()}
    if invocation.pipelines:
        run["pipelines"] = ",".join(invocation.pipelines)
    if invocation.environment is not None:
        run["env"] = invocation.environment
    (folder / SETTINGS).write_text(yaml.safe_dump({"run": run}, sort_keys=False), encoding="utf-8")


def _end(log: Path) -> str:
    """Return the last line of a log, shortened."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:_LONGEST] if lines else "it is empty."


def _wait(command: list[str], project: Path, environment: Mapping[str, str], log: Any) -> int:
    """Run a command to its end; it is ended with this process."""
    process = subprocess.Popen(
        command, cwd=project, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    finally:
        if process.stdin:
            process.stdin.close()
