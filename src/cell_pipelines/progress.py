"""The one look of every progress bar: what, how far, how long, how long yet."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Seconds that work takes at least for its bar to stay when it is done: a run has dozens of quick steps.
_WORTH_KEEPING = 5.0
# Epochs that a training tells of where no bar can be shown.
_TOLD_EPOCHS = 10


#: Is told what is being done, how much of it is done, and of how much; it may raise to end the work.
Listener = Callable[[str, int, int], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


_everywhere: list[Listener] = []


def tell_always(listener: Listener) -> None:
    """Tell a function, too, how far the work of this process is, whatever thread does it, until the process ends."""
    _everywhere[:] = [listener]


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Tell a function, too, how far the work of this thread is, while the block runs."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class _Progress(Progress):
    """A progress bar of which nothing is left where the work was quick, and only its last state in a file."""

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        for listener in [own] if (own := _listener.get()) else _everywhere:
            task = self.tasks[self.task_ids.index(task_id)]
            listener(task.description, int(task.completed), int(task.total or 0))

    def start(self) -> None:
        self._started_at = time.monotonic()
        super().start()

    def stop(self) -> None:
        is_quick = time.monotonic() - self._started_at < _WORTH_KEEPING
        if not self.disable:
            self.live.transient = is_quick
            super().stop()
        elif not is_quick and _listener.get() is None:
            self.console.print(self.get_renderable())


def is_told(epoch: int, epochs: int) -> bool:
    """Say whether the log tells of an epoch (1, 2, …): of some ten, evenly spread, and the last.

    >>> [epoch for epoch in range(1, 26) if is_told(epoch, 25)]
    [3, 6, 9, 12, 15, 18, 21, 24, 25]
    """
    return epoch == epochs or epoch % max(-(-epochs // _TOLD_EPOCHS), 1) == 0


def create_progress() -> Progress:
    """Return a progress bar on the error stream; where that is no terminal, long work shows its last state only.

    None is shown to a person where `told_to` tells of the work.
    """
    console = Console(stderr=True)
    return _Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal or _listener.get() is not None,
    )
