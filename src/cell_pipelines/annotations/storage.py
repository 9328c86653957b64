"""An `AnnotationSet` on disk: two Parquet tables in a folder, written whole."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_folder

_CATEGORIES = b"categories"


def write_parquet(annotations: AnnotationSet, folder: Path) -> None:
    """Write ``images.parquet`` and ``objects.parquet``; the categories stand in their metadata."""
    metadata = {_CATEGORIES: json.dumps(annotations.categories).encode()}
    with atomic_folder(folder) as temporary:
        pq.write_table(annotations.images.replace_schema_metadata(metadata), temporary / "images.parquet")
        pq.write_table(annotations.objects.replace_schema_metadata(metadata), temporary / "objects.parquet")


def read_parquet(folder: Path) -> AnnotationSet:
    """Read what `write_parquet` wrote."""
    images, objects = (pq.read_table(folder / f"{name}.parquet") for name in ("images", "objects"))
    categories = json.loads(images.schema.metadata[_CATEGORIES])
    return AnnotationSet(images.replace_schema_metadata(), objects.replace_schema_metadata(), tuple(categories))
