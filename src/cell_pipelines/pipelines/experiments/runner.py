"""Starting the trials of an experiment: each a Kedro run in a process of its own, some at once, none twice.

A trial dies with the call that started it, since it watches a pipe that closes with that call; and the next call
waits for it to be gone, since it holds the lock of what it writes. So no kill leaves two at the same work.
"""

import itertools
import logging
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import yaml

from cell_pipelines.files import atomic_path
from cell_pipelines.invocation import Invocation, python_command
from cell_pipelines.locks import release_lock, take_lock
from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.output_locks import lock_file
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.tracking import ExperimentRuns
from cell_pipelines.pipelines.experiments.trials import Trial

logger = logging.getLogger(__name__)

#: Tells a trial that its standard input closes when the call that started it ends.
WATCH = "CELL_PIPELINES_WATCHED"
#: Names the MLflow run that a trial goes on with.
RUN_ID = "CELL_PIPELINES_RUN_ID"
# How long a trial of an earlier call may take to end after that call was killed.
_PATIENCE_S = 120.0
# Parameters of the call that are not those of its trials.
_OWN = ("experiments", "models", "cells", "dry_run", "run_name", "results")
# What MLflow calls the states of trials that have ended.
_RUN_STATUS = {"finished": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}
_ERROR = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b.*")


@dataclass(frozen=True)
class Runner:
    """Runner of an experiment's trials.

    Attributes:
        invocation: The call, whose study and parameters trials share.
        folder: Holds one folder per trial.
        runs: The MLflow runs.
        devices: A place for each trial that may run at once: ``auto`` or numbers of GPUs.
        prepare: Called with a trial and the id of its run before it starts; a ValueError is why it failed.
        is_hopeless: Asked every `pause` seconds while a trial runs; one that is, is ended and its state is pruned.
        on_end: Called with a trial and its state when it has ended, before another one is taken.
        pause: Seconds.
    """

    invocation: Invocation
    folder: Path
    runs: ExperimentRuns
    devices: Sequence[str]
    prepare: Callable[[Trial, str | None], None] | None = None
    is_hopeless: Callable[[Trial], bool] | None = None
    on_end: Callable[[Trial, State], None] | None = None
    pause: float = 2.0
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _pruned: set[str] = field(default_factory=set)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, trials: Iterable[tuple[Trial, str]], *, total: int) -> None:
        """Train trials, given with their keys; one that crashes is marked, and the others go on.

        Args:
            trials: Each is taken when there is a place for it.
            total: How many there are, or may be.

        Raises:
            RuntimeError: A trial of an earlier call does not end.
        """
        places: Queue[str] = Queue()
        for device in self.devices:
            places.put(device)
        started, waiting, numbers = time.monotonic(), iter(trials), itertools.count(1)
        jobs: dict[Future[State], Trial] = {}
        with ThreadPoolExecutor(len(self.devices)) as pool:
            try:
                while True:
                    for trial, key in itertools.islice(waiting, len(self.devices) - len(jobs)):
                        jobs[pool.submit(self._run_trial, trial, key, places)] = trial
                    if not jobs:
                        return
                    for job in wait(jobs, return_when=FIRST_COMPLETED).done:
                        self._report_end(jobs.pop(job), job, next(numbers), total, time.monotonic() - started)
            except BaseException:
                self._stop(list(jobs))
                raise

    def _report_end(self, trial: Trial, job: "Future[State]", number: int, total: int, seconds: float) -> None:
        state = job.result()
        if self.on_end is not None:
            self.on_end(trial, state)
        left = seconds / number * (total - number)
        level = logging.INFO if state.status in ("finished", "pruned") else logging.ERROR
        text = "trial %d of %d, %s: %s%s; about %.0f s left"
        why = f" ({state.error})" if state.error else ""
        logger.log(level, text, number, total, trial.name, state.status, why, left)

    def _stop(self, jobs: "Sequence[Future[State]]") -> None:
        self._stopping.set()
        for job in jobs:
            job.cancel()
        for process in list(self._processes.values()):
            _ask_to_end(process)

    def _run_trial(self, trial: Trial, key: str, places: "Queue[str]") -> State:
        folder = self.folder / trial.name
        device = places.get()
        try:
            reason = f"{folder}: the trial is still being trained by an earlier call, after {_PATIENCE_S:.0f} s"
            # From here on it is the new trial's own.
            release_lock(take_lock(lock_file(folder, trial.model), seconds=_PATIENCE_S, reason=reason))
            return self._train(trial, key, device)
        finally:
            places.put(device)

    def _train(self, trial: Trial, key: str, device: str) -> State:
        folder = self.folder / trial.name
        before = read_state(folder)
        # One that was killed goes on from its last epoch; one that crashed starts anew.
        resume = before.status == "running" and before.key == key
        self.runs.end_trial(before.run_id, "KILLED")
        state = State("running", key, self.runs.open_trial(trial.name, trial.model))
        write_state(folder, state)
        write_command(self.invocation, trial, folder, resume=resume)
        started = time.monotonic()
        if self.prepare is not None:
            try:
                self.prepare(trial, state.run_id)
            except ValueError as refused:
                return self._end(folder, state.changed(status="failed", error=" ".join(str(refused).split())[:300]))
        code = self._wait(trial, folder, self._environment(device, state.run_id))
        if self._stopping.is_set():
            return state
        seconds = time.monotonic() - started
        if code == 0:
            return self._end(folder, state.changed(status="finished", seconds=seconds))
        if trial.name in self._pruned:
            return self._end(folder, state.changed(status="pruned", seconds=seconds))
        return self._end(
            folder, state.changed(status="failed", seconds=seconds, error=_reason(folder / "log.txt", code))
        )

    def _end(self, folder: Path, state: State) -> State:
        self.runs.end_trial(state.run_id, _RUN_STATUS[state.status])
        write_state(folder, state)
        return state

    def _wait(self, trial: Trial, folder: Path, environment: Mapping[str, str]) -> int:
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [*python_command(), "--config", str(folder / "trial.yml")], cwd=self.invocation.project,
                env=dict(environment), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._processes[trial.name] = process
        if self._stopping.is_set():
            _ask_to_end(process)
        while self.is_hopeless is not None and _is_running(process, self.pause):
            if self.is_hopeless(trial):
                self._pruned.add(trial.name)
                _ask_to_end(process)
                break
        code = process.wait()
        del self._processes[trial.name]
        if process.stdin:
            process.stdin.close()
        return code

    def _environment(self, device: str, run_id: str | None) -> dict[str, str]:
        threads = max(1, (os.cpu_count() or 1) // len(self.devices))
        more = {WATCH: "1", RUN_ID: run_id or "null", "PYTHONUTF8": "1"}  # its log is read as UTF-8
        if device != "auto":
            more["CUDA_VISIBLE_DEVICES"] = device
        if len(self.devices) > 1 and "OMP_NUM_THREADS" not in os.environ:
            more["OMP_NUM_THREADS"] = str(threads)
        return {**os.environ, **more}


def _is_running(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait for a process for some seconds, and tell whether it still runs."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _ask_to_end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a trial to end in good order: by a signal, on Windows, where that kills, by closing the pipe it watches."""
    if os.name == "nt" and process.stdin:
        process.stdin.close()
    else:
        process.terminate()


def write_command(invocation: Invocation, trial: Trial, folder: Path, *, resume: bool) -> None:
    """Write what starts a trial into its folder, as ``kedro run --config`` reads it."""
    shared = {key: value for key, value in invocation.parameters.items() if key not in _OWN}
    given = merge(shared, nest(trial.changes))
    own: dict[str, Any] = {"models": trial.model, "results": str(folder.absolute()), "run_name": trial.name}
    if resume:
        own[trial.model if trial.is_detector else "segmentation"] = {"resume": True}
    run: dict[str, Any] = {
        "pipelines": ",".join(trial.pipelines),
        "from_inputs": trial.starts_from,
        "params": merge(given, own),
    }
    for key, value in (("env", invocation.environment), ("conf_source", invocation.conf_source)):
        if value is not None:
            run[key] = value
    with atomic_path(folder / "trial.yml") as temporary:
        temporary.write_text(yaml.safe_dump({"run": run}, sort_keys=False), encoding="utf-8")


def _reason(log: Path, code: int) -> str:
    """Return in one line why a trial ended as it did."""
    if code < 0:
        return f"ended by signal {-code}"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line.strip() for line in lines if _ERROR.match(line.strip())]
    return (found or [line for line in lines if line.strip()] or [f"exit status {code}"])[-1][:300]
