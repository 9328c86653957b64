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
    if isinstance(cause, (MistakeError, *_INPUT_ERRORS)) or type(cause).__module__.startswith("kedro."):
        return True
    return isinstance(cause, _DELIBERATE) and _is_raised_here(cause)


def describe(error: BaseException) -> str:
    """Return what happened as one sentence without a traceback."""
    cause = root_cause(error)
    if isinstance(cause, OSError) and cause.filename is not None and cause.strerror:
        return f"{cause.filename}: {cause.strerror[0].lower()}{cause.strerror[1:]}."
    text = re.sub(r"^Failed while (loading data from|saving data to) dataset .*?\.\n", "", str(cause), flags=re.DOTALL)
    text = " ".join(text.split())
    if is_mistake(error) and text:
        return text
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


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
