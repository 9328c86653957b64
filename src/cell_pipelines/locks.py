"""Locks between processes, which end with whoever holds them, and say who that is."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from cell_pipelines.files import WriteError, atomic_path
from cell_pipelines.processes import ProcessIdentity, this_process


class LockedError(RuntimeError):
    """Another process holds a lock that was not to be waited for any longer."""


@contextmanager
def locked(path: Path, *, reason: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock while the block runs.

    Args:
        path: The lock's file, made if need be; beside it lies a note about who holds it.
        reason: What another holder means, a sentence without its full stop.
        seconds: How long to wait for another holder; below 0 for as long as it takes.

    Raises:
        LockedError: Another process holds it; names that process where it runs on this machine.
        WriteError: The lock's file can't be made.
    """
    lock = take_lock(path, reason=reason, seconds=seconds)
    try:
        yield
    finally:
        release_lock(lock)


def take_lock(path: Path, *, reason: str, seconds: float = 0.0) -> FileLock:
    """Take a lock as `locked` does, for as long as the process runs or until `release_lock`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=seconds, thread_local=False)
        lock.acquire()
        _write_holder(path)
    except Timeout as error:
        raise LockedError(f"{reason}{_describe_holder(path)}.") from error
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise WriteError(error.errno, f"{path.parent}: this folder can't be written into: {reason}.") from error
    return lock


def release_lock(lock: FileLock) -> None:
    """Give a lock back."""
    _holder(Path(lock.lock_file)).unlink(missing_ok=True)
    lock.release()


def _holder(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")


def _write_holder(path: Path) -> None:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    with atomic_path(_holder(path)) as temporary:
        temporary.write_text(
            json.dumps({"process": str(this_process()), "pid": os.getpid(), "since": since}), encoding="utf-8"
        )


def _describe_holder(path: Path) -> str:
    try:
        holder = json.loads(_holder(path).read_text(encoding="utf-8"))
        identity = ProcessIdentity.parse(holder["process"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if identity is None or identity.is_gone():
        return ""  # of an earlier holder; the present one has not written its own yet
    where = "" if identity.host == this_process().host else " of another machine"
    return f" (process {identity.pid}{where}, since {holder['since']})"
