"""Type commands one after the other, each in a process of its own that has imported already what takes long to import.

As a program it reads a line of JSON for each command (words, folder, environment, file for what is printed), and
answers with the exit status. A process that is forked for a command does what `python -m PROGRAM WORDS` does.
"""

import json
import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Python modules that stand for the programs.
PROGRAMS = {"cell-pipelines": "cell_pipelines", "kedro": "kedro"}
_IMPORTED = (
    "torch", "pandas", "cv2", "mlflow", "lightning.pytorch", "segmentation_models_pytorch", "matplotlib.pyplot",
    "alembic", "sqlalchemy.orm", "kedro.framework.cli.cli", "kedro.framework.session", "cell_pipelines.api",
    "cell_pipelines.pipeline_registry",
)  # fmt: skip


class Typist:
    """Someone who types commands and notes what they print."""

    def __init__(self, notes: Path, environment: Mapping[str, str]) -> None:
        self._notes, self._environment, self._number = notes, dict(environment), 0
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._environment
        )

    def type(self, words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Type a command in a folder; return its exit status and what it printed."""
        self._number += 1
        notes = self._notes / f"{self._number}.txt"
        wanted = {"words": words, "folder": str(folder), "notes": str(notes),
                  "environment": self._environment | dict(environment or {})}  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return status, notes.read_text(encoding="utf-8", errors="replace")

    def complain(self, words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
        """Type a command; return what went wrong, if anything."""
        status, printed = self.type(words, folder, environment)
        return f"exit status {status}: {shlex.join(words)}\n{printed[-1500:]}" if status else ""

    def leave(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


def _serve() -> None:
    for name in _IMPORTED:
        __import__(name)
    for line in iter(sys.stdin.readline, ""):
        wanted = json.loads(line)
        child = os.fork()
        if not child:
            _do(wanted)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _do(wanted: Mapping[str, Any]) -> None:
    """Be the process of a command."""
    with Path(wanted["notes"]).open("wb") as notes:
        for stream in (1, 2):
            os.dup2(notes.fileno(), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    program, *rest = wanted["words"]
    sys.argv = [program, *rest]
    sys.path[0] = ""
    if rest[:1] == ["-c"]:
        exec(rest[1], {"__name__": "__main__"})
    else:
        runpy.run_module(PROGRAMS[program], run_name="__main__", alter_sys=True)
    raise SystemExit(0)


if __name__ == "__main__":
    _serve()
