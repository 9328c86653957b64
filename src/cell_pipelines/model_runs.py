"""One MLflow run a model: where a Kedro run works on several, each gets a run of its own below it.

Metrics have the same names for every model, so that runs compare; two models in one run would write over each other.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.time import get_current_time_millis

from cell_pipelines.processes import ProcessIdentity, this_process

logger = logging.getLogger(__name__)

#: Tag of the process that works on a run.
OWNER = "cell_pipelines.owner"
# MLflow takes the tags of new runs from here.
_CONTEXT = "MLFLOW_RUN_CONTEXT"

_runs: dict[str, str] = {}


def open_runs(models: Iterable[str]) -> None:
    """Open a run below the active one for each model, when there are several; a run of one model is called as it."""
    _runs.clear()
    names, active = sorted(models), mlflow.active_run()
    if not names or active is None:
        return
    client = mlflow.MlflowClient()
    if len(names) == 1:
        if active.info.run_name == "__default__":
            client.set_tag(active.info.run_id, "mlflow.runName", names[0])
        return
    for model in names:
        tags = {"mlflow.parentRunId": active.info.run_id, "model": model, OWNER: str(this_process())}
        _runs[model] = client.create_run(active.info.experiment_id, run_name=model, tags=tags).info.run_id


def close_runs(status: str) -> None:
    """Close the models' own runs as FINISHED, FAILED or KILLED."""
    client = mlflow.MlflowClient()
    for run_id in _runs.values():
        client.set_terminated(run_id, status)
    _runs.clear()


def open_run_ids() -> list[str]:
    """Return the ids of the models' own runs that are open."""
    return list(_runs.values())


@contextmanager
def owned_runs() -> Iterator[None]:
    """Tag the runs that are opened in the block with this process from their first moment on."""
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = json.dumps({**json.loads(before or "{}"), OWNER: str(this_process())})
    try:
        yield
    finally:
        os.environ.pop(_CONTEXT)
        if before is not None:
            os.environ[_CONTEXT] = before
    if mlflow.active_run() is not None:  # one that was opened by another process has its tag
        mlflow.set_tag(OWNER, str(this_process()))


def close_abandoned() -> None:
    """Close the runs as KILLED that say RUNNING though the process that worked on them is certainly gone."""
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(experiments, "attributes.status = 'RUNNING'"):
        owner = ProcessIdentity.parse(run.data.tags.get(OWNER, ""))
        if owner is not None and owner.is_gone():
            logger.info("run %s was left by a process that is gone; it is closed as KILLED.", run.info.run_id)
            client.set_terminated(run.info.run_id, "KILLED")


def mark_killed(run_id: str | None) -> None:
    """Close a run and those of its models as KILLED, whatever the process is doing."""
    client = mlflow.MlflowClient()
    for own in (run_id, *_runs.values()):
        try:
            if own is not None:
                client.set_terminated(own, "KILLED")
        except MlflowException as error:
            logger.warning("run %s could not be marked as KILLED: %s", own, error)


def run_of(model: str) -> str | None:
    """Return the id of the run that a model's metrics go to: its own, else the active one; None without any."""
    active = mlflow.active_run()
    return _runs.get(model) or (active.info.run_id if active else None)


def log_metrics(run_id: str, metrics: Mapping[str, Any], step: int) -> None:
    """Log one step of several metrics; those that are nan are left out."""
    now = get_current_time_millis()
    points = [Metric(name, float(value), now, step) for name, value in metrics.items() if pd.notna(value)]
    mlflow.MlflowClient().log_batch(run_id, metrics=points)


def logged_metrics(run_id: str) -> dict[str, float]:
    """Return the last value of each metric of a run by name."""
    return dict(mlflow.MlflowClient().get_run(run_id).data.metrics)


def log_files(model: str, files: Iterable[Path], folder: str) -> None:
    """Log files to the run of a model, or of others whose cells they are about; without an active run log nothing."""
    run_id = run_of(model)
    if run_id is None:
        return
    client = mlflow.MlflowClient()
    for file in files:
        client.log_artifact(run_id, str(file), folder)
