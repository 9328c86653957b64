"""Log the progress of a training where no bar can be shown."""

import logging
from collections.abc import Callable

from cell_pipelines.progress import create_progress, is_told
from cell_pipelines.training.reports import EpochReport

logger = logging.getLogger(__name__)

# Times that a training by minutes tells how far it is, at most.
_TOLD = 10


class EpochLog:
    """Logs some ten epochs of a training, and hands each on.

    Args:
        on_epoch: Is given each report; None for nobody.
    """

    def __init__(self, on_epoch: Callable[[EpochReport], None] | None) -> None:
        self._on_epoch = on_epoch
        self._is_terminal = create_progress().console.is_terminal
        self._told = 0

    def __call__(self, report: EpochReport) -> None:
        """Take the report of an epoch."""
        if not self._is_terminal:
            logger.log(logging.INFO if self._is_due(report) else logging.DEBUG, "%s", _describe(report))
        if self._on_epoch is not None:
            self._on_epoch(report)

    def _is_due(self, report: EpochReport) -> bool:
        if report.epochs is not None:
            return is_told(report.row["epoch"], report.epochs)
        before, self._told = self._told, int(_TOLD * (report.share or 0))
        return self._told > before


def _describe(report: EpochReport) -> str:
    row = report.row
    losses = "training loss {train_loss:.4f}, validation loss {val_loss:.4f}, Dice {val_dice:.3f}".format(**row)
    if report.epochs is None:
        return f"epoch {row['epoch']}, {100 * (report.share or 0):.0f} % of the minutes, {losses}"
    left = (report.epochs - row["epoch"]) * row["seconds"] / row["epoch"]
    return f"epoch {row['epoch']} of {report.epochs}, {losses}, at most {left:.0f} s left"
