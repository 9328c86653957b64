"""Project hooks: every run tracked in MLflow, with its origin, and closed with the status it earned."""

import atexit
import hashlib
import logging
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import click
import mlflow
from kedro.config import AbstractConfigLoader, OmegaConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

from cell_pipelines import invocation, lineage, mlflow_store, model_runs, run_checks
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError, is_mistake
from cell_pipelines.files import remove_abandoned
from cell_pipelines.invocation import Invocation
from cell_pipelines.output_locks import OutputLocks
from cell_pipelines.parameter_checks import REGISTRY
from cell_pipelines.pipeline_stages import COLLECTING
from cell_pipelines.run_summary import RunSummary, next_commands
from cell_pipelines.study import CHOICES, OTHER_CELLS, choose_experiments, known_models
from cell_pipelines.termination import TerminationGuard, watch_driver, watch_signals
from cell_pipelines.tracking_names import to_plain, to_tracking_names

os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")

logger = logging.getLogger(__name__)

#: Ground truth whose content names the data that a run worked on.
_TRUTH = "prepared_annotations"
# Seconds from which on the log tells of a node.
_LONG_NODE = 10.0
#: Model files that a run reads.
_MODELS = (".checkpoint", "chosen_model")


class TrackingHooks(MlflowHook):
    """The hooks of kedro-mlflow with a project-absolute store, typed parameters, origin and a run's true status."""

    _open = False
    _study = Path()
    _commands: Path | None = None
    _locks: OutputLocks | None = None
    _truth = ""
    _guard: TerminationGuard | None = None
    _node = threading.local()
    _loader: AbstractConfigLoader | None = None
    _completed = 0
    _summary = RunSummary()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Let the study say which models and cells there are; point MLflow at a SQLite file unless a store is named."""
        self._close_interrupted()  # a run that was interrupted in this process, as in a notebook
        watch_driver()
        config = self._loader = context.config_loader
        for name, choose in CHOICES.items():
            choose(config["parameters"].get(name) or config["globals"].get(name))
        choose_experiments(
            config["parameters"].get("experiments"), dry_run=bool(config["parameters"].get("dry_run", False))
        )
        pipelines.configure(REGISTRY)  # so that they are made of these models
        root = Path(context.project_path)
        study = root / config["globals"]["data_root"] / config["globals"]["study"]
        self._study, self._commands = study, study / "08_reporting" / "commands.csv"
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{(root / 'mlflow.db').as_posix()}")
        uri = config["mlflow"].get("server", {}).get("mlflow_tracking_uri") or os.environ["MLFLOW_TRACKING_URI"]
        with mlflow_store.prepared_store(str(uri)):
            super().after_context_created(context)

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Open the run and write where its code comes from."""
        run_checks.check_runner(run_params.get("runner"))
        called = Invocation.from_run(run_params)
        invocation.remember(called)
        if isinstance(self._loader, OmegaConfigLoader):
            only_missing = bool(run_params.get("only_missing_outputs"))
            run_checks.check_run(called, pipeline, catalog, self._loader, only_missing=only_missing)
        results = Path(called.parameters.get("results") or self._study)
        remove_abandoned(results, skip=("01_raw",))
        self._locks, self._truth = OutputLocks(results), ""
        self._locks.take(pipeline.all_outputs())
        self._summary, self._completed = RunSummary(), 0
        self.run_id = None
        self._guard = watch_signals(lambda: model_runs.mark_killed(self.run_id))
        with model_runs.owned_runs():
            super().before_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        if not self._is_mlflow_enabled:
            return
        model_runs.close_abandoned()
        mlflow.set_tags(lineage.origin_tags(called.project, self._loader))
        if isinstance(self._loader, OmegaConfigLoader):
            described = lineage.Lineage.of_run(called, self._study, pipeline, catalog, self._loader)
            mlflow.log_dict(described.to_dict(), f"{lineage.FOLDER}/{lineage.NAME}")
        parent = (run_params.get("runtime_params") or {}).get("mlflow_parent")
        if parent:
            mlflow.set_tag("mlflow.parentRunId", parent)
        owners = (*known_models(), *OTHER_CELLS)
        named = [node for node in pipeline.nodes if node.namespace in owners and node.func.__name__ != COLLECTING]
        model_runs.open_runs({str(node.namespace) for node in named})
        self._open = True
        atexit.register(self._leave)  # runs before MLflow's own, which would say FINISHED

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool) -> None:
        """Log the node's parameters, flattened; end here where the run was asked to end and the node before went on."""
        self._check_ended()
        self._enter(node)
        self._node.started = time.monotonic()
        # All parameters together are those of the trials that an experiment starts; each logs its own.
        plain = {k: to_plain(v) if k.startswith("params:") else v for k, v in inputs.items() if k != "parameters"}
        self._node.parameters = {}
        super().before_node_run(node=node, catalog=catalog, inputs=plain, is_async=is_async)
        if self._node.parameters:
            names = to_tracking_names(self._node.parameters)
            mlflow.log_params({names[name]: value for name, value in self._node.parameters.items()})

    def sanitize_param_name(self, name: str) -> str:
        """Return the name as it is: names are mended when all of a node are known, so that no two become the same."""
        return name

    def _log_param(self, name: str, value: Any) -> None:
        """Keep a parameter until the node has them all: a store in a file waits for the disk at each call."""
        text = str(value)
        if len(text) > MAX_PARAM_VAL_LENGTH:
            self._logger.warning("Parameter '%s' is logged by its first %d characters", name, MAX_PARAM_VAL_LENGTH)
        self._node.parameters[name] = text[:MAX_PARAM_VAL_LENGTH]

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        """Wait for other runs where the node writes what they write, too."""
        self._enter(node)

    def _enter(self, node: Node) -> None:
        if self._locks is not None:
            self._locks.enter(node.outputs)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Count the nodes that ran to their end, and tell of those that took long."""
        self._completed += 1
        seconds = time.monotonic() - self._node.started
        if seconds >= _LONG_NODE:
            logger.info("%s took %.0f s (%d steps done).", node.name, seconds, self._completed)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Tag the run with the hash of the data and the model it reads."""
        self._tag_data(dataset_name, data)
        if self._locks is not None and dataset_name == _TRUTH and isinstance(data, AnnotationSet):
            self._check_same(data.fingerprint())

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Tag the run with the hash of the data it made."""
        if self._locks is not None:
            self._locks.saved(dataset_name)
        self._tag_data(dataset_name, data)
        self._summary.note(dataset_name, data)

    def _tag_data(self, dataset_name: str, data: Any) -> None:
        if not self._open:
            return
        if dataset_name == _TRUTH and isinstance(data, AnnotationSet):
            mlflow.set_tag("data.sha256", data.fingerprint())
        elif dataset_name.endswith(_MODELS) and isinstance(data, Path):
            mlflow.set_tag("model.sha256", hashlib.sha256(data.read_bytes()).hexdigest())

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Close the run as finished, and note the command for whoever wants to repeat it."""
        self._check_ended()
        active = mlflow.active_run()
        if self._commands is not None:
            invocation.note_command(self._commands, invocation.current(), active.info.run_id if active else "")
        self._close_models("FINISHED")
        super().after_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        self._stop_watching()
        if "results" not in (run_params.get("runtime_params") or {}):  # no trial of an experiment
            for line in self._summary.lines(partial(run_checks.stored_at, catalog=catalog), next_commands(run_params)):
                click.echo(line)

    @hook_impl
    def on_pipeline_error(
        self, error: Exception, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Close the run as failed, or as killed where a signal came; a mistake before anything ran leaves no run."""
        if self._guard is not None and self._guard.signum is not None:
            self._close_interrupted()
        active = mlflow.active_run()
        runs = [*model_runs.open_run_ids(), *([active.info.run_id] if active else [])]
        self._close_models("FAILED")
        super().on_pipeline_error(error=error, run_params=run_params, pipeline=pipeline, catalog=catalog)
        self._stop_watching()
        is_trial = (run_params.get("runtime_params") or {}).get("results") is not None
        if self._completed == 0 and is_mistake(error) and not is_trial:
            for run_id in runs:
                mlflow.MlflowClient().delete_run(run_id)

    def _close_models(self, status: str) -> None:
        if self._open:
            model_runs.close_runs(status)
        self._open = False

    def _leave(self) -> None:
        self._close_interrupted()
        if self._guard is not None:
            self._guard.leave()

    def _check_ended(self) -> None:
        if self._guard is not None:
            self._guard.check()

    def _check_same(self, fingerprint: str) -> None:
        if self._truth not in ("", fingerprint):
            raise MistakeError(
                f"{self._study}: the prepared annotations are others than when this run began, since another run has "
                "prepared the study anew; run this one again."
            )
        self._truth = fingerprint

    def _stop_watching(self) -> None:
        if self._guard is not None:
            self._guard.remove()
        if self._locks is not None:
            self._locks.release()
            self._locks = None

    def _close_interrupted(self) -> None:
        if self._open:
            model_runs.close_runs("KILLED")
        while self._open and mlflow.active_run():
            mlflow.end_run("KILLED")
        self._open = False
        self._stop_watching()
