"""Kedro's data sets of one file, written whole or not at all.

Kedro writes into the file itself: a full disk or a kill leaves half of a table, which the next run takes for all of it.
"""

from copy import copy
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io.core import AbstractVersionedDataset
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset

from cell_pipelines.files import atomic_path
from cell_pipelines.spreadsheet_text import protect_table, restore_table

# The same bytes on every system: Windows would take another encoding, and end a table's lines twice.
_TEXT = {
    "open_args_load": {"mode": "r", "encoding": "utf-8"},
    "open_args_save": {"mode": "w", "encoding": "utf-8", "newline": ""},
}


def _save_whole(kind: type[AbstractVersionedDataset[Any, Any]], dataset: Any, data: Any) -> None:
    """Save through `kind` into a temporary file beside the data set's own, which it replaces when it is complete."""
    if dataset._protocol != "file":
        kind.save.__wrapped__(dataset, data)  # type: ignore[attr-defined]  # object stores are atomic themselves
        return
    with atomic_path(Path(dataset._get_save_path()), durable=True) as temporary:
        twin = copy(dataset)
        twin._filepath, twin._version = PurePosixPath(temporary), None
        kind.save.__wrapped__(twin, data)  # type: ignore[attr-defined]
    dataset._invalidate_cache()


class WholeCSVDataset(CSVDataset):
    """A pandas table as a CSV file.

    ::

        image_table:
          type: cell_pipelines.datasets.whole_file_dataset.WholeCSVDataset
          filepath: data/demo/02_intermediate/images.csv
          save_args: { index: false }
    """

    DEFAULT_FS_ARGS = _TEXT

    def load(self) -> Any:
        """Read the table as it was saved."""
        return restore_table(CSVDataset.load.__wrapped__(self))

    def save(self, data: Any) -> None:
        """Write the file, whole or not at all, with text that no spreadsheet takes for a formula."""
        _save_whole(CSVDataset, self, protect_table(data))


class WholeJSONDataset(JSONDataset):
    """Plain values as a JSON file."""

    DEFAULT_FS_ARGS = _TEXT

    def save(self, data: Any) -> None:
        """Write the file, whole or not at all."""
        _save_whole(JSONDataset, self, data)


class WholeTextDataset(TextDataset):
    """A text file, such as a page."""

    DEFAULT_FS_ARGS = _TEXT

    def save(self, data: str) -> None:
        """Write the file, whole or not at all."""
        _save_whole(TextDataset, self, data)
