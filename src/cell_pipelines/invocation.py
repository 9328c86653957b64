"""Describe the running command: its project, study and parameters, for commands that it starts and for logs."""

import csv
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cell_pipelines.command_parameters import format_parameters
from cell_pipelines.spreadsheet_text import protect

#: Parts of pipelines that a command chooses: what Kedro calls them, and the options that name them.
SELECTIONS = {
    "tags": "--tags", "node_names": "--nodes", "from_nodes": "--from-nodes", "to_nodes": "--to-nodes",
    "from_inputs": "--from-inputs", "to_outputs": "--to-outputs", "namespaces": "--namespaces",
}  # fmt: skip


@dataclass(frozen=True)
class Invocation:
    """A run of Kedro as it was asked for.

    Attributes:
        project: The project's folder.
        environment: The study, a folder of ``conf``; None for the base.
        conf_source: Where the configuration lies, where that was said.
        pipelines: What is run.
        parameters: Those given on the command line, nested.
        selection: Parts of the pipelines, by the names of `SELECTIONS`; empty for all of them.
        only_missing: Whether nodes were left out whose outputs were there.
    """

    project: Path
    environment: str | None = None
    conf_source: str | None = None
    pipelines: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    selection: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_missing: bool = False

    @classmethod
    def from_run(cls, run_params: Mapping[str, Any]) -> "Invocation":
        """Return the invocation that Kedro's hooks are told of."""
        return cls(
            Path(run_params["project_path"]),
            run_params.get("env"),
            run_params.get("conf_source"),
            tuple(run_params.get("pipeline_names") or ()),
            dict(run_params.get("runtime_params") or {}),
            {name: tuple(run_params[name]) for name in SELECTIONS if run_params.get(name)},
            bool(run_params.get("only_missing_outputs")),
        )

    def command(self) -> str:
        """Return the line that a user types for it."""
        words = ["kedro", "run"]
        if self.environment:
            words.append(f"--env={self.environment}")
        if self.pipelines:
            words.append(f"--pipelines={','.join(self.pipelines)}")
        words += [f"{SELECTIONS[name]}={','.join(chosen)}" for name, chosen in self.selection.items()]
        if self.only_missing:
            words.append("--only-missing-outputs")
        if self.conf_source:
            words.append(f"--conf-source={self.conf_source}")
        if self.parameters:
            words.append(f"--params={format_parameters(self.parameters)}")
        return shlex.join(words)


def python_command() -> list[str]:
    """Return how this Python starts Kedro again."""
    return [sys.executable, "-m", "kedro", "run"]


def note_command(path: Path, invocation: Invocation, run_id: str) -> None:
    """Add a line to a study's list of commands; trials of experiments have files of their own and are left out.

    Args:
        path: CSV file with `time`, `command`, `pipeline` and `run_id`; made if need be in a folder that is there.
        invocation: What was run to its end.
        run_id: Its MLflow run.
    """
    if "results" in invocation.parameters or not path.parent.is_dir():
        return
    is_new = not path.is_file()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [["time", "command", "pipeline", "run_id"]] if is_new else []
    rows += [[now, invocation.command(), "+".join(invocation.pipelines) or "__default__", run_id]]
    with path.open("a", newline="", encoding="utf-8") as file:
        size = file.tell()
        try:
            csv.writer(file).writerows([list(map(protect, row)) for row in rows])
            file.flush()
        except OSError:
            file.truncate(size)  # no half of a line on a full disk
            raise


_current: list[Invocation] = []


def remember(invocation: Invocation) -> None:
    """Keep the invocation at hand."""
    _current[:] = [invocation]


def current() -> Invocation:
    """Return the invocation at hand; without a run that of the working folder."""
    return _current[0] if _current else Invocation(Path.cwd())
