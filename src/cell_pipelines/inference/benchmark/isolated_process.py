"""Work in a process of its own, which starts with nothing in memory and takes nothing down with it."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from cell_pipelines.processes import end_with_parent


class ProcessEndedError(RuntimeError):
    """A process that ended before its work was done, as one does that takes more memory than there is."""


def call_in_isolated_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `work(*arguments)` returns in a new process.

    Args:
        work: A function that can be found by its name.
        *arguments: Anything that can be pickled.

    Raises:
        ProcessEndedError: The process ended unexpectedly.
        Exception: What `work` raised.
    """
    # Never forked: a copy of this process would begin with all its memory.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, work, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError as error:
        process.join()
        raise ProcessEndedError(f"the process ended unexpectedly, with exit code {process.exitcode}.") from error
    finally:
        receiver.close()
        if process.is_alive():
            process.join(timeout=10)
            process.kill()
        process.join()
    if isinstance(found, Exception):
        raise found
    return found


def _answer(sender: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    end_with_parent()
    try:
        found = work(*arguments)
    except Exception as error:  # noqa: BLE001, whatever it is, the other process raises it
        found = RuntimeError(f"{type(error).__name__}: {error}")
    sender.send(found)
    sender.close()
