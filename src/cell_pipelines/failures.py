"""Errors in one sentence for the person at the terminal, with the traceback in a file."""

import os
import platform
import re
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

#: Exit status of a mistake that a user can mend, as click and the shell have it.
MISTAKE = 2
_PACKAGE = Path(__file__).parent
# Errors that say by their type that what was given is wrong, whoever raises them.
_INPUT_ERRORS = (OSError, ValidationError)
# What SQLite says, with which MLflow's store is written, and what a person can do about it.
_STORE_ERRORS = {
    "database or disk is full": "MLflow's store can't be written: the disk is full.",
    "attempt to write a readonly database": "MLflow's store can't be written: permission denied.",
    "database is locked": "MLflow's store can't be written: other runs kept it locked for too long; run this again.",
    "disk I/O error": "MLflow's store can't be written: the disk reports an error, or is full.",
    "unable to open database file": "MLflow's store can't be opened: its folder is not there, or permission is denied.",
    "database disk image is malformed": "MLflow's store is damaged; move it away, or put a copy of it in its place.",
}
# Errors that the project raises on purpose, with a sentence, on bad input.
_DELIBERATE = (ValueError, TypeError, RuntimeError, OSError, ImportError)


class MistakeError(ValueError):
    """Something that a user asked for can't be done; the text is a sentence for that person."""


def root_cause(error: BaseException) -> BaseException:
    """Return the error that another was raised from, at the end of the chain; Kedro wraps what data sets raise."""
    while type(error).__module__.startswith("kedro.") and error.__cause__ is not None:
        error = error.__cause__
    return error


def is_mistake(error: BaseException) -> bool:
    """Say whether an error is about what was given, and not a fault of the program.

    It is when the project itself raised it with a sentence, when Kedro refused what a catalog or a parameter says,
    and when the system can't give a file.
    """
    cause = root_cause(error)
    if _describe_store(cause) or _describe_home(cause):
        return True
    if isinstance(cause, (MistakeError, *_INPUT_ERRORS)) or type(cause).__module__.startswith("kedro."):
        return True
    return isinstance(cause, _DELIBERATE) and _is_raised_here(cause)


def describe(error: BaseException) -> str:
    """Return what happened as one sentence without a traceback."""
    cause = root_cause(error)
    if known := _describe_store(cause) or _describe_home(cause):
        return known
    if isinstance(cause, OSError) and cause.filename is not None and cause.strerror:
        return f"{cause.filename}: {cause.strerror[0].lower()}{cause.strerror[1:]}."
    text = re.sub(r"^Failed while (loading data from|saving data to) dataset .*?\.\n", "", str(cause), flags=re.DOTALL)
    text = " ".join(text.split())
    if is_mistake(error) and text:
        return text
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def _describe_store(error: BaseException) -> str | None:
    """Return what is wrong with MLflow's store; None where an error is of something else."""
    is_store = type(error).__module__.split(".")[0] in ("mlflow", "sqlalchemy", "sqlite3")
    return next((said for text, said in _STORE_ERRORS.items() if is_store and text in str(error)), None)


def _describe_home(error: BaseException) -> str | None:
    """Return what is wrong with a path that begins with `~`; None where an error is of something else."""
    if not isinstance(error, RuntimeError) or str(error) != "Could not determine home directory.":
        return None
    return "a path begins with `~` and a name that no user of this machine has; write the whole path."


def write_traceback(error: BaseException, folder: Path) -> Path | None:
    """Write the traceback with the command and the versions into a new file.

    Args:
        error: What was raised.
        folder: Where logs lie; made if need be. Where it can't be written to, the system's temporary folder serves.

    Returns:
        The file; None where there is no place for it.
    """
    stamp = datetime.now().astimezone()
    head = [
        f"time: {stamp.isoformat(timespec='seconds')}",
        f"command: {' '.join(sys.argv)}",
        f"python: {platform.python_version()} on {platform.platform()}",
    ]
    text = "\n".join([*head, "", "".join(traceback.format_exception(error))])
    for place in (folder, Path(tempfile.gettempdir())):
        path = place / f"error_{stamp:%Y%m%d_%H%M%S}_{os.getpid()}.log"
        try:
            place.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return None


def _is_raised_here(error: BaseException) -> bool:
    """Say whether a `raise` of the project's own code is where an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not Path(frames[-1].filename).is_relative_to(_PACKAGE):
        return False
    return not frames[-1].line or frames[-1].line.startswith("raise")
