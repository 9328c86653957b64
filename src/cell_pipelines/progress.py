"""The one look of every progress bar: what, how far, how long, how long yet."""

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Seconds that work takes at least for its bar to stay when it is done: a run has dozens of quick steps.
_WORTH_KEEPING = 5.0
# Epochs that a training tells of where no bar can be shown.
_TOLD_EPOCHS = 10


class _Progress(Progress):
    """A progress bar of which nothing is left where the work was quick, and only its last state in a file."""

    def start(self) -> None:
        self._started_at = time.monotonic()
        super().start()

    def stop(self) -> None:
        is_quick = time.monotonic() - self._started_at < _WORTH_KEEPING
        if not self.disable:
            self.live.transient = is_quick
            super().stop()
        elif not is_quick:
            self.console.print(self.get_renderable())


def is_told(epoch: int, epochs: int) -> bool:
    """Say whether the log tells of an epoch (1, 2, …): of some ten, evenly spread, and the last.

    >>> [epoch for epoch in range(1, 26) if is_told(epoch, 25)]
    [3, 6, 9, 12, 15, 18, 21, 24, 25]
    """
    return epoch == epochs or epoch % max(-(-epochs // _TOLD_EPOCHS), 1) == 0


def create_progress() -> Progress:
    """Return a progress bar on the error stream; where that is no terminal, long work shows its last state only."""
    console = Console(stderr=True)
    return _Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
