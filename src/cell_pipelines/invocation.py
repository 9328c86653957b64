"""Describe the running command: its project, study and parameters, for commands that it starts and for logs."""

import csv
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cell_pipelines.spreadsheet_text import protect


@dataclass(frozen=True)
class Invocation:
    """A run of Kedro as it was asked for.

    Attributes:
        project: The project's folder.
        environment: The study, a folder of ``conf``; None for the base.
        conf_source: Where the configuration lies, where that was said.
        pipelines: What is run.
        parameters: Those given on the command line, nested.
    """

    project: Path
    environment: str | None = None
    conf_source: str | None = None
    pipelines: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_run(cls, run_params: Mapping[str, Any]) -> "Invocation":
        """Return the invocation that Kedro's hooks are told of."""
        return cls(
            Path(run_params["project_path"]),
            run_params.get("env"),
            run_params.get("conf_source"),
            tuple(run_params.get("pipeline_names") or ()),
            dict(run_params.get("runtime_params") or {}),
        )

    def command(self) -> str:
        """Return the line that a user types for it."""
        words = ["kedro", "run"]
        if self.environment:
            words.append(f"--env={self.environment}")
        if self.pipelines:
            words.append(f"--pipelines={','.join(self.pipelines)}")
        flat = flatten(self.parameters)
        if flat:
            words.append("--params=" + ",".join(f"{key}={value}" for key, value in flat.items()))
        return shlex.join(words)


def flatten(parameters: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested parameters by their dotted names; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def nest(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by dotted names as Kedro nests them.

    Raises:
        ValueError: One name is a value and also holds others.
    """
    nested: dict[str, Any] = {}
    for key, value in dotted.items():
        *above, last = key.split(".")
        place = nested
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ValueError(f"parameter {key!r} can't be set beside {part!r}, which holds a value.")
        if isinstance(place.get(last), dict):
            raise ValueError(f"parameter {key!r} can't be set beside others below it.")
        place[last] = value
    return nested


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, nested ones too; the second goes before the first."""
    merged = dict(first)
    for key, value in second.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


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
