"""The command that is running, as an input of the nodes that show it or start others like it."""

from typing import Any

from kedro.io import AbstractDataset, DatasetError

from cell_pipelines import invocation
from cell_pipelines.invocation import Invocation


class InvocationDataset(AbstractDataset[Any, Invocation]):
    """The running command with its project, study and parameters; without a run that of the working folder.

    ::

        invocation:
          type: cell_pipelines.datasets.invocation_dataset.InvocationDataset
    """

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> Invocation:
        """Return the command."""
        return invocation.current()

    def save(self, data: Any) -> None:
        """Refuse: only the start of a run says what is running."""
        raise DatasetError("the running command is only read.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
