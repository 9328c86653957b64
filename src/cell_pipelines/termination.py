"""End a run that was asked to end, whatever the signal interrupts.

An exception that a signal handler raises lands wherever the interpreter happens to be: in a callback of a weak
reference, where Python prints and forgets it, or in a library that catches everything. So it is only the friendly half.
The other half is a thread that the system itself wakes: it has the run marked at once, and ends the process after a few
seconds.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from types import FrameType
from typing import Any

from cell_pipelines.processes import end_children
from cell_pipelines.unfinished import remove_unfinished

logger = logging.getLogger(__name__)

#: Seconds that a run has for closing files and ending its own processes.
GRACE_S = 5.0
#: Seconds that its processes have after that.
CHILDREN_S = 3.0
_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
_SIGNALS = tuple(int(getattr(signal, name)) for name in _NAMES if hasattr(signal, name))
# Not a signal: an exception was lost, raise it again.
_AGAIN = b"\xff"
# After one of these times the thread is where an exception can be raised; uneven, so as not to fall into step with it.
_DELAYS_S = (0.002, 0.007, 0.017, 0.041, 0.097)


class TerminationGuard:
    """Watches for signals that ask the process to end, from `install` to `remove`.

    Attributes:
        signum: The first of these signals that came; None before.
    """

    def __init__(self, mark: Callable[[], None]) -> None:
        """Take what has to be written down about a run that is ended; called in a thread of its own, at once."""
        self._mark = mark
        self.signum: int | None = None
        self._handlers: dict[int, Any] = {}
        self._is_marked = threading.Event()

    def install(self) -> None:
        """Begin to watch; not in a thread, where Python allows no handlers, nor at a prompt, which has its own."""
        if threading.current_thread() is not threading.main_thread() or hasattr(sys, "ps1"):
            return
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        # What is ignored, as by nohup, stays so.
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._handlers = {number: signal.signal(number, self._interrupt) for number in heard}
        self._fd_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._unraisable_before, sys.unraisablehook = sys.unraisablehook, self._catch_lost
        threading.Thread(target=self._watch, daemon=True, name="termination").start()

    def remove(self) -> None:
        """Leave signals as they were before; a process that was asked to end still does."""
        if not self._handlers or self.signum is not None or threading.current_thread() is not threading.main_thread():
            return
        signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        sys.unraisablehook = self._unraisable_before
        self._sender.close()

    def check(self) -> None:
        """Raise once more what may have been lost, where the run was asked to end.

        Raises:
            SystemExit: With the status of a process that a signal ended.
        """
        if self.signum is not None:
            raise SystemExit(128 + self.signum)

    def leave(self) -> None:
        """End the process at once where it was asked to end: Python's own tidying up takes long on a busy machine.

        Meant for `atexit`, where all that has to be written down is.
        """
        if self.signum is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed by whoever read it
                stream.flush()
        os._exit(128 + self.signum)

    def wait_until_marked(self) -> None:
        """Wait for what has to be written down, some seconds at most."""
        if self.signum is not None and self._handlers:
            self._is_marked.wait(GRACE_S)

    def _write_down(self) -> None:
        try:
            self._mark()
        finally:
            self._is_marked.set()

    def _interrupt(self, signum: int, _: FrameType | None) -> None:
        self.signum = self.signum or signum
        try:
            self._sender.send(bytes([signum]))  # in case somebody else has taken the wake-up
        except OSError as error:
            logger.debug("the thread that ends the process is awake already: %s", error)
        if signum == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + signum)

    def _catch_lost(self, unraisable: Any) -> None:
        """Take note of an exception that Python can't raise where it came up."""
        if self.signum is not None and isinstance(unraisable.exc_value, SystemExit | KeyboardInterrupt):
            self._sender.send(_AGAIN)
            return
        self._unraisable_before(unraisable)

    def _watch(self) -> None:
        with self._receiver:
            while received := self._receiver.recv(1):
                if received[0] in self._handlers:
                    self.signum = self.signum or received[0]
                    self._end(self.signum)

    def _end(self, signum: int) -> None:
        marking = threading.Thread(target=self._write_down, daemon=True, name="mark_killed")
        marking.start()
        until, delays = time.monotonic() + GRACE_S, cycle(_DELAYS_S)
        while (left := until - time.monotonic()) > 0:
            self._receiver.settimeout(left)
            try:
                received = self._receiver.recv(1)
            except TimeoutError:
                break
            if not received:
                return  # the run has ended by itself
            if received == _AGAIN:
                time.sleep(next(delays))
                signal_main_thread(signum)
        os.write(2, f"The run was asked to end {GRACE_S:.0f} s ago and has not; it is ended now.\n".encode())
        end_children(CHILDREN_S)
        marking.join(CHILDREN_S)
        remove_unfinished()
        os._exit(128 + signum)


def signal_main_thread(signum: int) -> None:
    """Let the main thread of this process hear a signal, also where the system knows no such thing: Windows."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signum)
    else:
        signal.raise_signal(signum)


_current: list[TerminationGuard] = []


def watch_signals(mark: Callable[[], None]) -> TerminationGuard:
    """Begin to watch for signals that ask a run to end; it is the one that `exit_status` asks about.

    Args:
        mark: Writes down that the run was ended; called at once, in a thread of its own.
    """
    guard = TerminationGuard(mark)
    _current[:] = [guard]
    guard.install()
    return guard


@contextmanager
def exit_status() -> Iterator[None]:
    """Let the process end with 128 + the signal's number where one ended the run, whatever became of its exception."""
    try:
        yield
    except BaseException as error:
        if not _current or _current[0].signum is None:
            raise
        _current[0].wait_until_marked()
        raise SystemExit(128 + _current[0].signum) from error


def watch_driver() -> None:
    """Let a trial of an experiment end with the call that started it, whose pipe is its standard input."""
    if os.environ.pop("CELL_PIPELINES_WATCHED", None) is None:
        return

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin, whose lock would be held when Python ends
            continue
        signal_main_thread(signal.SIGTERM)  # os.kill would end it on Windows, with nothing written down

    threading.Thread(target=watch, daemon=True).start()
