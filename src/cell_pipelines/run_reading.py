"""Read runs from MLflow: their records, and the files that they logged."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import mlflow
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, settings
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from cell_pipelines import lineage, mlflow_store
from cell_pipelines.credentials import without_credentials
from cell_pipelines.failures import MistakeError
from cell_pipelines.lineage import Lineage
from cell_pipelines.project import current_project
from cell_pipelines.workflows.run_record import RunRecord

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one per file

#: Tag of a run that repeats another one, with that one's id.
REPRODUCES = "cell_pipelines.reproduces"
_PARENT = "mlflow.parentRunId"
# How many runs are named where one isn't there.
_LATEST = 5


@dataclass(frozen=True)
class StoredRun:
    """A run of a store, with the models' own runs below it.

    Attributes:
        record: What is known of it.
        lineage: What repeats it; None of runs of earlier versions.
        files: Where each logged file lies, by its name below the run.
    """

    record: RunRecord
    lineage: Lineage | None
    files: dict[str, tuple[str, str]]

    def download(self, name: str, folder: Path) -> Path:
        """Copy a logged file below a folder, and return its path there."""
        run_id, path = self.files[name]
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        downloaded = Path(mlflow.MlflowClient().download_artifacts(run_id, path, str(target.parent)))
        return downloaded.replace(target)


@contextmanager
def current_store() -> Iterator[Path]:
    """Use the store of the project in the working folder while the block runs, and give the project's folder.

    Raises:
        MistakeError: There is no project here, or no store.
    """
    project = current_project()
    with opened_store(tracking_uri(project)):
        yield project


@contextmanager
def opened_store(uri: str) -> Iterator[None]:
    """Use a store while the block runs.

    Args:
        uri: MLflow's tracking URI.

    Raises:
        MistakeError: It is a file that is not there.
        mlflow_store.StoreError: It is no whole store.
    """
    path = mlflow_store.sqlite_file(uri)
    if path is not None and not path.is_file():
        raise MistakeError(
            f"{path}: expected MLflow's store with the runs; it is not there. Begin in the folder of the project that "
            "has them, or name the store by the environment variable MLFLOW_TRACKING_URI."
        )
    before = mlflow.get_tracking_uri()
    with mlflow_store.prepared_store(uri):  # which brings it up to date where need be
        mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def tracking_uri(project: Path) -> str:
    """Return the URI of the store that a project's runs go to, as its configuration and the environment say."""
    configure_project(Path(__file__).parent.name)
    default = f"sqlite:///{(project / 'mlflow.db').as_posix()}"
    return configured_uri(project / settings.CONF_SOURCE) or os.environ.get("MLFLOW_TRACKING_URI") or default


def configured_uri(source: Path, environment: str | None = None) -> str | None:
    """Return the URI of the store that a configuration names, and None where it leaves that to the environment."""
    loader = OmegaConfigLoader(conf_source=str(source), env=environment, **settings.CONFIG_LOADER_ARGS)
    named = loader["mlflow"].get("server", {}).get("mlflow_tracking_uri")
    return None if named is None else str(named)


def read_reproduction(run_id: str) -> StoredRun:
    """Return the latest run of the open store that repeats a run.

    Raises:
        MistakeError: There is none.
    """
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`{REPRODUCES}` = '{run_id}'", max_results=1)
    if not runs:
        raise MistakeError(
            f"{without_credentials(mlflow.get_tracking_uri())}: expected a run that repeats {run_id}; there is none."
        )
    return read_run(runs[0].info.run_id)


def read_run(run_id: str) -> StoredRun:
    """Return a run of the open store; of a model's own run that which it belongs to.

    Raises:
        MistakeError: There is none of that id, or it has not ended.
    """
    client = mlflow.MlflowClient()
    run = _whole(client, _get(client, run_id))
    if run.info.end_time is None:
        raise MistakeError(f"run {run.info.run_id} has not ended; it is {run.info.status}.")
    models = _models(client, run)
    files = {name: (run.info.run_id, name) for name in _files(client, run.info.run_id)}
    for model, own in models.items():
        for name in _files(client, own.info.run_id):
            files[name if name not in files else f"{model}/{name}"] = (own.info.run_id, name)
    described = _read_lineage(run) if f"{lineage.FOLDER}/{lineage.NAME}" in files else None
    study = client.get_experiment(run.info.experiment_id).name
    return StoredRun(_to_record(run, models, described, study), described, files)


def _get(client: mlflow.MlflowClient, run_id: str) -> Run:
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, max_results=_LATEST) if experiments else []
        latest = [
            f"{run.info.run_id} ({run.info.run_name}, {_time(run.info.start_time):%Y-%m-%d %H:%M})" for run in runs
        ]
        raise MistakeError(
            f"{without_credentials(mlflow.get_tracking_uri())}: expected a run {run_id}; there is none."
            + (f" The latest ones are {'; '.join(latest)}." if latest else "")
        ) from error


def _whole(client: mlflow.MlflowClient, run: Run) -> Run:
    """Return the run that a model's own one is a part of; any other as it is."""
    return client.get_run(run.data.tags[_PARENT]) if _is_part(run) else run


def _is_part(run: Run) -> bool:
    """Say whether a run is that of one model within another run, and no trial of an experiment."""
    tags = run.data.tags
    return _PARENT in tags and "model" in tags and "kind" not in tags


def _models(client: mlflow.MlflowClient, run: Run) -> dict[str, Run]:
    """Return the models' own runs below a run, by model."""
    below = client.search_runs([run.info.experiment_id], f"tags.`{_PARENT}` = '{run.info.run_id}'")
    return {own.data.tags["model"]: own for own in below if _is_part(own)}


def _files(client: mlflow.MlflowClient, run_id: str, folder: str | None = None) -> list[str]:
    names = []
    for file in client.list_artifacts(run_id, folder):
        names += _files(client, run_id, file.path) if file.is_dir else [PurePosixPath(file.path).as_posix()]
    return names


def _read_lineage(run: Run) -> Lineage:
    data: dict[str, Any] = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/{lineage.FOLDER}/{lineage.NAME}")
    return Lineage.from_dict(data)


def _to_record(run: Run, models: dict[str, Run], described: Lineage | None, study: str) -> RunRecord:
    tags = dict(run.data.tags)
    return RunRecord(
        run_id=run.info.run_id,
        name=str(run.info.run_name),
        study=study,
        status=run.info.status,
        started=_time(run.info.start_time),
        ended=_time(run.info.end_time),
        command=described.invocation.command() if described else tags.get("kedro_command", "kedro run"),
        tags=tags,
        parameters=dict(run.data.params),
        metrics={"": dict(run.data.metrics), **{name: dict(own.data.metrics) for name, own in models.items()}},
        variables=dict(described.variables) if described else {},
        inputs=described.inputs if described else (),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
