"""A table that people and programs read: one CSV and one Parquet file, both in the MLflow run."""

from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from cell_pipelines import model_runs
from cell_pipelines.files import atomic_path
from cell_pipelines.spreadsheet_text import protect_table, restore_table


class TidyTableDataset(AbstractDataset[pd.DataFrame, pd.DataFrame]):
    """A table, one row per observation, as ``….csv`` and ``….parquet``; loaded from the latter, so types are kept.

    ::

        "{model}.viability_{table}":
          type: cell_pipelines.datasets.tidy_table_dataset.TidyTableDataset
          filepath: data/demo/08_reporting/{model}/viability/{table}
          model: "{model}"
    """

    def __init__(self, *, filepath: str, model: str, metadata: dict[str, Any] | None = None) -> None:
        self._csv, self._parquet = (Path(f"{filepath}.{ending}") for ending in ("csv", "parquet"))
        self._model = model
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the Parquet file."""
        if not self._parquet.is_file():
            raise FileNotFoundError(f"{self._parquet}: expected a table; run the pipeline that makes it first.")
        return pd.read_parquet(self._parquet)

    def save(self, data: pd.DataFrame) -> None:
        """Write both files, each whole or not at all, and log them."""
        with atomic_path(self._csv, durable=True) as csv, atomic_path(self._parquet, durable=True) as parquet:
            protect_table(data).to_csv(csv, index=False)
            data.to_parquet(parquet, index=False)
        model_runs.log_files(self._model, (self._csv, self._parquet), f"{self._model}/tables/{self._csv.parent.name}")

    def _exists(self) -> bool:
        return self._csv.is_file() and self._parquet.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"csv": str(self._csv), "parquet": str(self._parquet)}

    def preview(self, nrows: int = 20) -> TablePreview:
        """Return the first rows for kedro-viz."""
        return TablePreview(pd.read_csv(self._csv, nrows=nrows).to_dict(orient="split"))


class OptionalTableDataset(AbstractDataset[Any, pd.DataFrame]):
    """A laboratory's metadata of its images, a CSV file with one row per image; an empty table where there is none.

    ::

        image_metadata:
          type: cell_pipelines.datasets.tidy_table_dataset.OptionalTableDataset
          filepath: ${runtime_params:image_metadata,null}    # must exist if given
          default: data/demo/01_raw/fields.csv               # need not
    """

    def __init__(
        self,
        *,
        default: str,
        filepath: str | None = None,
        as_text: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._as_text = as_text
        self._filepath = Path(filepath).expanduser() if filepath else None
        self._default = Path(default).expanduser()
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the table; of the default only if it is there."""
        path = self._filepath or self._default
        if path.is_file():
            return restore_table(pd.read_csv(path, dtype="str") if self._as_text else pd.read_csv(path))
        if self._filepath:
            raise FileNotFoundError(f"{path}: expected a CSV table with one row per image; there is none.")
        return pd.DataFrame()

    def save(self, data: Any) -> None:
        """Refuse: it is the laboratory's."""
        raise DatasetError(f"{self._filepath or self._default}: image metadata are only read.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath or self._default)}


class OptionalTablesDataset(AbstractDataset[Any, dict[str, pd.DataFrame]]):
    """Several CSV files as text, by their names; an empty table for one that is not there.

    ::

        study_notes:
          type: cell_pipelines.datasets.tidy_table_dataset.OptionalTablesDataset
          tables: { plan: data/demo/01_raw/plan.csv, commands: data/demo/08_reporting/commands.csv }
    """

    def __init__(self, *, tables: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
        self._tables = {name: OptionalTableDataset(default=path, as_text=True) for name, path in tables.items()}
        self.metadata = metadata

    def load(self) -> dict[str, pd.DataFrame]:
        """Read the tables."""
        return {name: table.load() for name, table in self._tables.items()}

    def save(self, data: Any) -> None:
        """Refuse: other parts of the project write them."""
        raise DatasetError(f"{', '.join(self._tables)}: these tables are only read.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {name: table._describe()["filepath"] for name, table in self._tables.items()}
