"""An `AnnotationSet` on disk: two Parquet tables in a folder, written whole."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from cell_pipelines.annotations.schema import IMAGE_SCHEMA, OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.files import atomic_folder

_CATEGORIES = b"categories"


def write_parquet(annotations: AnnotationSet, folder: Path) -> None:
    """Write ``images.parquet`` and ``objects.parquet``; the categories stand in their metadata."""
    metadata = {_CATEGORIES: json.dumps(annotations.categories).encode()}
    with atomic_folder(folder) as temporary:
        pq.write_table(annotations.images.replace_schema_metadata(metadata), temporary / "images.parquet")
        pq.write_table(annotations.objects.replace_schema_metadata(metadata), temporary / "objects.parquet")


def read_parquet(folder: Path) -> AnnotationSet:
    """Read what `write_parquet` wrote; a column that an older version didn't know is null."""
    metadata = pq.read_schema(folder / "images.parquet").metadata
    images = pq.read_table(folder / "images.parquet", schema=IMAGE_SCHEMA)
    objects = pq.read_table(folder / "objects.parquet", schema=OBJECT_SCHEMA)
    return AnnotationSet(images, objects, tuple(json.loads(metadata[_CATEGORIES])))
