"""Annotations as another tool wrote them, and our own form of them."""

import difflib
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from cell_pipelines.annotations.class_columns import class_columns
from cell_pipelines.annotations.formats.registry import FORMATS, Reader, read_annotations
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.storage import read_parquet, write_parquet


class SourceAnnotationDataset(AbstractDataset[Any, Reader]):
    """Annotations of any known format below a folder, or in one file; loads as a function of the images that are there.

    ::

        raw_annotations:
          type: cell_pipelines.datasets.annotation_dataset.SourceAnnotationDataset
          path: data/bccd/01_raw
          format: pascal_voc          # or auto
          load_args: {unlabelled: skip}
    """

    def __init__(
        self,
        *,
        path: str,
        format: str = "auto",
        load_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if format not in ("auto", *FORMATS):
            close = difflib.get_close_matches(format, FORMATS, n=1)
            hint = f" did you mean {close[0]!r}?" if close else f" expected auto, {', '.join(FORMATS)}."
            raise DatasetError(f"there is no format {format!r} of annotations (`raw_format`, `format`);{hint}")
        self._path = Path(path).expanduser()
        self._format = format
        self._load_args = load_args or {}
        self.metadata = metadata

    def load(self) -> Reader:
        """Return the reader of the folder."""
        return partial(read_annotations, self._path, format=self._format, **self._load_args)

    def save(self, data: Any) -> None:
        """Refuse: a study's annotations are never written over."""
        raise DatasetError(f"{self._path}: source annotations are only read.")

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "format": self._format}


class AnnotationDataset(AbstractDataset[AnnotationSet, AnnotationSet]):
    """An `AnnotationSet` in a folder of two Parquet tables.

    ::

        annotations:
          type: cell_pipelines.datasets.annotation_dataset.AnnotationDataset
          path: data/demo/02_intermediate/annotations
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> AnnotationSet:
        """Read both tables."""
        if not self.exists():
            raise FileNotFoundError(
                f"{self._path}: expected annotations as Parquet tables; run the pipeline that makes them first, for a "
                "model's predictions `evaluation`."
            )
        return read_parquet(self._path)

    def save(self, data: AnnotationSet) -> None:
        """Write both tables, or none."""
        write_parquet(data, self._path)

    def _exists(self) -> bool:
        return (self._path / "objects.parquet").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}

    def preview(self, nrows: int = 20) -> TablePreview:
        """Return the first images with their numbers of objects for kedro-viz."""
        annotations = self.load()
        images = annotations.images.select(["name", "width", "height", "split"]).to_pandas()
        columns = class_columns(annotations.categories, images.columns)
        table = pd.DataFrame(annotations.counts(), columns=list(columns.values()))
        return TablePreview(pd.concat([images, table], axis=1).head(nrows).to_dict(orient="split"))
