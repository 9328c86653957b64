"""Identify processes across runs: which one owns a thing, and whether that one is certainly gone."""

import hashlib
import multiprocessing
import os
import re
import signal
import socket
import threading
import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
# The inode of Linux' first PID namespace, whose numbers are those of the machine itself.
_FIRST_NAMESPACE = 4026531836
_DIGITS = 8


@dataclass(frozen=True)
class ProcessIdentity:
    """A process as another one, later or elsewhere, can recognise it.

    Attributes:
        host: Where process numbers mean the same: a machine, or one container's life on it; 8 hexadecimal digits.
        boot: Of a machine, the time between two of its starts; 8 hexadecimal digits.
        pid: Process number.
        started: When it was started, in ticks of the system's own clock.
    """

    host: str
    boot: str
    pid: int
    started: int

    #: How an identity is written, to be searched for in names.
    PATTERN = r"[0-9a-f]{8}-[0-9a-f]{8}-\d+-\d+"

    def __str__(self) -> str:
        """Return it as a part of a file name."""
        return f"{self.host}-{self.boot}-{self.pid}-{self.started}"

    @classmethod
    def parse(cls, text: str) -> "ProcessIdentity | None":
        """Return the identity that was written as `text`; None where `text` is none."""
        if not re.fullmatch(cls.PATTERN, text):
            return None
        host, boot, pid, started = text.split("-")
        return cls(host, boot, int(pid), int(started))

    def is_gone(self) -> bool:
        """Say whether the process has certainly ended; of a process of another machine that is never certain."""
        host, boot = _host()
        if self.host != host:
            return False
        return self.boot != boot or _started(self.pid) != self.started


def this_process() -> ProcessIdentity:
    """Return the identity of the process that asks."""
    return _identify(os.getpid())


@lru_cache(maxsize=4)
def _identify(pid: int) -> ProcessIdentity:
    return ProcessIdentity(*_host(), pid, _started(pid) or 0)


@lru_cache(maxsize=1)
def _host() -> tuple[str, str]:
    """Return where process numbers mean the same, and which of its starts this is."""
    if not (_PROC / "self" / "ns" / "pid").exists():
        return _digest(socket.gethostname(), f"{uuid.getnode():x}"), "0" * _DIGITS
    boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    namespace = (_PROC / "self" / "ns" / "pid").stat().st_ino
    machine = Path("/etc/machine-id")
    if namespace == _FIRST_NAMESPACE and machine.is_file():
        return _digest(machine.read_text(encoding="ascii").strip(), socket.gethostname()), _digest(boot)
    return _digest(boot, str(namespace)), "0" * _DIGITS


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _started(pid: int) -> int | None:
    """Return when a process was started; None where there is none, or only what its parent has not collected yet."""
    if not (_PROC / "self" / "stat").exists():
        return _started_elsewhere(pid)
    try:
        # The name stands in brackets and may contain anything; state and start are the 3rd and 22nd field.
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _started_elsewhere(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(100 * process.create_time())
    except psutil.NoSuchProcess:
        return None


def end_with_parent() -> None:
    """Let this process, started by `multiprocessing`, end with the one that started it, and leave Ctrl-C to it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="end_with_parent").start()


def end_children(patience_s: float) -> None:
    """End all processes below this one: ask them to, and kill those that still run after `patience_s` seconds."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        _send(child, kill=False)
    _, alive = psutil.wait_procs(children, timeout=patience_s)
    for child in alive:
        _send(child, kill=True)


def _send(process: Any, *, kill: bool) -> None:
    import psutil

    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # Windows denies it for one that is just ending
        return
