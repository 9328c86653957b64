"""The MLflow runs of an experiment: one for all, and below it one for each trial and for each call."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from cell_pipelines.files import atomic_path
from cell_pipelines.model_runs import OWNER
from cell_pipelines.processes import this_process

logger = logging.getLogger(__name__)


class ExperimentRuns:
    """The runs of one experiment; without MLflow there are none, and nothing is logged.

    Args:
        name: The experiment's name, which its run gets.
        folder: Keeps the id of its run from call to call.
    """

    def __init__(self, name: str, folder: Path) -> None:
        active = mlflow.active_run()
        self._client = mlflow.MlflowClient() if active else None
        self._experiment_id = active.info.experiment_id if active else ""
        self.run_id = self._open(name, folder / "run_id") if active else None
        if active:
            self._tag(active.info.run_id, {"mlflow.parentRunId": self.run_id or "", "kind": "call"})

    def _open(self, name: str, kept: Path) -> str:
        client = self._client or mlflow.MlflowClient()
        if kept.is_file():
            run_id = kept.read_text(encoding="utf-8").strip()
            if self._status(run_id) is not None:
                client.update_run(run_id, status="RUNNING")
                client.set_tag(run_id, OWNER, str(this_process()))
                return run_id
        run_id = client.create_run(
            self._experiment_id, run_name=name, tags={"kind": "experiment", OWNER: str(this_process())}
        ).info.run_id
        with atomic_path(kept) as temporary:
            temporary.write_text(run_id, encoding="utf-8")
        return str(run_id)

    def open_trial(self, name: str, model: str) -> str | None:
        """Open a trial's run and return its id."""
        if self._client is None:
            return None
        tags = {"mlflow.parentRunId": self.run_id or "", "kind": "trial", "model": model, OWNER: str(this_process())}
        return str(self._client.create_run(self._experiment_id, run_name=name, tags=tags).info.run_id)

    def end_trial(self, run_id: str | None, status: str) -> None:
        """Close a trial's run where it could not do so itself."""
        if run_id is not None and self._status(run_id) in ("RUNNING", "SCHEDULED"):
            (self._client or mlflow.MlflowClient()).set_terminated(run_id, status)

    def is_finished(self, run_id: str | None) -> bool:
        """Say whether a trial's run says that it came to its end."""
        return run_id is not None and self._status(run_id) == "FINISHED"

    def end(self, status: str) -> None:
        """Close the experiment's run as FINISHED or KILLED."""
        if self._client is not None and self.run_id is not None:
            self._client.set_terminated(self.run_id, status)

    def log(self, metrics: dict[str, float]) -> None:
        """Log numbers of the experiment itself."""
        for name, value in metrics.items():
            if self._client is not None and self.run_id is not None:
                self._client.log_metric(self.run_id, name, value)

    def describe_trial(self, run_id: str | None, parameters: Mapping[str, Any]) -> None:
        """Log the parameters that a search has chosen for a trial to its run, as ``search.…``."""
        for name, value in parameters.items() if self._client is not None and run_id is not None else ():
            (self._client or mlflow.MlflowClient()).log_param(run_id, f"search.{name}", value)

    def close_trial(self, run_id: str | None, state: str, value: float | None) -> None:
        """Write down in a trial's run how a search sees its end: its state, and its F1 on validation images."""
        if self._client is None or run_id is None:
            return
        self._client.set_tag(run_id, "trial_state", state)
        if value is not None:
            self._client.log_metric(run_id, "validation_f1", value)

    def _status(self, run_id: str) -> str | None:
        """Return the status of a run; None where the store at hand does not know it."""
        if self._client is None:
            return None
        try:
            return str(self._client.get_run(run_id).info.status)
        except MlflowException as error:
            logger.info("MLflow does not know run %s: %s", run_id, error)
            return None

    def _tag(self, run_id: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            if self._client is not None:
                self._client.set_tag(run_id, key, value)
