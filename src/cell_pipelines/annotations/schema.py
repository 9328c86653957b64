"""The one form of annotation and prediction: one row per image, one row per object, in Arrow columns."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Geometry = str
GEOMETRIES: tuple[Geometry, ...] = ("box", "point", "polygon", "mask")

IMAGE_SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),  # relative path below the image folder, with /
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("split", pa.string()),  # train, val, test, or null where the source has none
        pa.field("group", pa.string()),  # series, well or recording that must stay on one side of a split
        pa.field("sha256", pa.string()),  # of the decoded pixels
        pa.field("pixel_height_um", pa.float64()),  # null where the image doesn't say
        pa.field("pixel_width_um", pa.float64()),
    ]
)
OBJECT_SCHEMA = pa.schema(
    [
        pa.field("image", pa.int32(), nullable=False),  # row in images
        pa.field("category", pa.int32(), nullable=False),  # index into categories
        pa.field("geometry", pa.int8(), nullable=False),  # index into GEOMETRIES
        pa.field("x_min", pa.float64(), nullable=False),
        pa.field("y_min", pa.float64(), nullable=False),
        pa.field("x_max", pa.float64(), nullable=False),
        pa.field("y_max", pa.float64(), nullable=False),
        pa.field("rings", pa.list_(pa.list_(pa.float64()))),  # polygon: x, y, x, y, … a ring
        pa.field("counts", pa.list_(pa.uint32())),  # mask: COCO run lengths, column by column, background first
        pa.field("score", pa.float32()),  # null for ground truth
        pa.field("crowd", pa.bool_(), nullable=False),  # a region of many objects, ignored by matching
        pa.field("attributes", pa.string()),  # what the source said besides, as JSON
    ]
)


@dataclass(frozen=True, eq=False)
class AnnotationSet:
    """Images with their objects, ground truth and predictions alike; a prediction adds scores.

    Coordinates are pixel edges: pixel column ``i`` covers ``[i, i + 1)``, so a box around pixels 2..4 has
    ``x_min = 2`` and ``x_max = 5``. A million objects cost no Python object each.

    Attributes:
        images: Table of `IMAGE_SCHEMA`; names are unique.
        objects: Table of `OBJECT_SCHEMA`, in the order of the source.
        categories: Class names; an object's `category` is an index into them.
    """

    images: pa.Table
    objects: pa.Table
    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _conform(self.images, IMAGE_SCHEMA))
        object.__setattr__(self, "objects", _conform(self.objects, OBJECT_SCHEMA))
        object.__setattr__(self, "categories", tuple(self.categories))
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"`categories` must differ from each other, got {list(self.categories)}.")
        if pc.count_distinct(self.images["name"]).as_py() != self.images.num_rows:
            raise ValueError("`images` must have one row per name; some names come twice.")
        _check_index(self.objects["image"], self.images.num_rows, "image")
        _check_index(self.objects["category"], len(self.categories), "category")

    @classmethod
    def empty(cls, categories: Sequence[str] = ()) -> "AnnotationSet":
        """Return a set without images."""
        return cls(IMAGE_SCHEMA.empty_table(), OBJECT_SCHEMA.empty_table(), tuple(categories))

    @property
    def n_images(self) -> int:
        """Number of images."""
        return int(self.images.num_rows)

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return int(self.objects.num_rows)

    @property
    def names(self) -> list[str]:
        """Image names in row order."""
        return list(self.images["name"].to_pylist())

    @property
    def image_index(self) -> npt.NDArray[np.int64]:
        """Row of its image for every object, shape (N,)."""
        return self._column("image").astype(np.int64)

    @property
    def category(self) -> npt.NDArray[np.int64]:
        """Category index of every object, shape (N,)."""
        return self._column("category").astype(np.int64)

    @property
    def crowd(self) -> npt.NDArray[np.bool_]:
        """Whether an object stands for a crowd, shape (N,)."""
        return self._column("crowd")

    @property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Boxes as x_min, y_min, x_max, y_max in pixel edges, shape (N, 4)."""
        return box_array(self.objects)

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """Scores in [0, 1], NaN for ground truth, shape (N,)."""
        return self._column("score")

    def _column(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self.objects[name].to_numpy(zero_copy_only=False))

    def counts(self) -> npt.NDArray[np.int64]:
        """Count the objects of each image and category, shape (images, categories)."""
        shape = (self.n_images, len(self.categories))
        flat = self.image_index.astype(np.int64) * shape[1] + self.category
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)

    def rows_by_image(self) -> list[npt.NDArray[np.int64]]:
        """Return the rows of the objects of each image, in the order of the images."""
        order = np.argsort(self.image_index, kind="stable")
        starts = np.searchsorted(self.image_index[order], np.arange(1, self.n_images))
        return np.split(order, starts) if self.n_images else []

    def with_image_column(self, name: str, values: Sequence[Any]) -> "AnnotationSet":
        """Return the same set with one image column replaced."""
        position = IMAGE_SCHEMA.get_field_index(name)
        column = pa.array(values, IMAGE_SCHEMA.field(name).type)
        return replace(self, images=self.images.set_column(position, IMAGE_SCHEMA.field(name), column))

    def fingerprint(self) -> str:
        """Return the SHA-256 of images (pixel hashes included), objects and categories together."""
        digest = hashlib.sha256("\0".join(self.categories).encode())
        for table in (self.images.drop_columns(["split", "group"]), self.objects):
            for column in table.columns:
                _hash_column(digest, column.combine_chunks())
        return digest.hexdigest()


def with_object_columns(objects: pa.Table, **columns: Any) -> pa.Table:
    """Return a table of `OBJECT_SCHEMA` with columns replaced; each by an array or a sequence of one value per row."""
    for name, values in columns.items():
        field = OBJECT_SCHEMA.field(name)
        column = values if isinstance(values, pa.Array) else pa.array(values, field.type)
        objects = objects.set_column(OBJECT_SCHEMA.get_field_index(name), field, column)
    return objects


def box_array(objects: pa.Table) -> npt.NDArray[np.float64]:
    """Return the boxes of a table of `OBJECT_SCHEMA` as x_min, y_min, x_max, y_max, shape (N, 4)."""
    columns = [objects[name].to_numpy(zero_copy_only=False) for name in ("x_min", "y_min", "x_max", "y_max")]
    return np.stack(columns, axis=1)


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns and types of a schema; as it is where it has them, which parts of a set do."""
    needed = (field.name for field in schema if not field.nullable)
    if table.schema.equals(schema) and not any(table[name].null_count for name in needed):
        return table
    return table.select(schema.names).cast(schema)


def _check_index(column: pa.ChunkedArray, size: int, name: str) -> None:
    if column.null_count:
        raise ValueError(f"`{name}` of an object must be given, got {column.null_count} missing values.")
    if len(column):
        low, high = (pc.min_max(column)[k].as_py() for k in ("min", "max"))
        if low < 0 or high >= size:
            raise ValueError(f"`{name}` of an object must lie in 0..{size - 1}, got {low}..{high}.")


def _hash_column(digest: Any, column: Any) -> None:
    """Add what a column says to a hash, however it lies in memory."""
    digest.update(np.packbits(column.is_null().to_numpy(zero_copy_only=False)).tobytes())
    if pa.types.is_list(column.type):
        digest.update(pc.list_value_length(column).fill_null(0).to_numpy().tobytes())
        _hash_column(digest, pc.list_flatten(column))
    elif pa.types.is_string(column.type):
        digest.update("\0".join(column.drop_null().to_pylist()).encode())
    else:
        numbers = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
        digest.update(numbers.fill_null(0).to_numpy(zero_copy_only=False).tobytes())
