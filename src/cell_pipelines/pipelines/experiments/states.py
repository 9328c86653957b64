"""Store the state of a trial on disk, so that a call that was killed is completed by the next."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cell_pipelines.files import atomic_path

Status = Literal["waiting", "running", "finished", "pruned", "failed", "impossible"]


@dataclass(frozen=True)
class State:
    """State of a trial.

    Attributes:
        status: Whether it is still to be trained, is, was, was ended early by a search, crashed, or can't be built.
        key: Hash of all that goes into it; with another one it is trained anew.
        run_id: Its MLflow run.
        seconds: How long the whole trial took.
        error: Why it failed, one line.
    """

    status: Status = "waiting"
    key: str = ""
    run_id: str | None = None
    seconds: float | None = None
    error: str | None = None

    def changed(self, **values: Any) -> "State":
        """Return it with other values."""
        return replace(self, **values)


def read_state(folder: Path) -> State:
    """Return the state of the trial in `folder`; waiting where there is none.

    Raises:
        ValueError: The file there is not a state.
    """
    path = folder / "state.json"
    if not path.is_file():
        return State()
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: expected the state of a trial, got {error}; remove it to train anew.") from error


def write_state(folder: Path, state: State) -> None:
    """Keep the state of the trial in `folder`."""
    with atomic_path(folder / "state.json") as temporary:
        temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
