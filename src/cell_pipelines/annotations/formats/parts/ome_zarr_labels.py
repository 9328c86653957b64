"""The label images of OME-Zarr 0.4 and 0.5: where they lie below a folder, and what one holds."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.label_pictures.rasters import Raster
from cell_pipelines.annotations.formats.parts.ome_zarr_places import check_place
from cell_pipelines.annotations.formats.sources.json_values import to_attributes
from cell_pipelines.annotations.images import FilePlane, ImageRecord
from cell_pipelines.inside_paths import is_file_inside
from cell_pipelines.zarr_folders import (
    ZarrFolderError,
    inside,
    is_array,
    is_zarr,
    open_full_resolution,
    read_attributes,
    read_ome,
)

#: Attribute in which our own writer names the class of a label image.
OWN = "cell_pipelines"
LABELS = "labels"
_ENDINGS = (".zarr", ".ome")
# A chunk is unpacked as a whole; beyond this, or the image itself, its size is damaged or meant to exhaust memory.
_MAX_CHUNK = 1 << 26


@dataclass(frozen=True)
class LabelGroup:
    """The label images of one image or film.

    Attributes:
        folder: Where they lie.
        file: The same, as findings name it.
        image_names: Names that the image may have, the likeliest first.
        names: What the label images are called.
    """

    folder: Path
    file: str
    image_names: tuple[str, ...]
    names: tuple[str, ...]


def label_groups(folder: Path) -> Iterator[LabelGroup]:
    """Yield what lies in each folder ``labels`` of an OME-Zarr below `folder`, which may be that folder itself.

    A folder whose description is damaged or lists nothing has no names. One with links that lead out of `folder` is
    passed over; whoever lists links that are not followed lists them.
    """
    for place, folders, _ in os.walk(folder):
        path = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if _is_array(path):
            folders.clear()
        elif path.resolve().name == LABELS and is_zarr(path):
            folders.clear()
            if _leads_out(path, folder.resolve()):
                continue
            file = path.relative_to(folder).as_posix()
            yield LabelGroup(path, file, tuple(_image_names(folder, path)), read_names(path))


def _leads_out(path: Path, home: Path) -> bool:
    return any(one.is_symlink() and not is_file_inside(home, one) for one in path.rglob("*"))


def _is_array(path: Path) -> bool:
    try:
        return is_array(path)
    except ZarrFolderError:
        return False


def read_names(path: Path) -> tuple[str, ...]:
    """Return what a folder ``labels`` lists; nothing where its description is damaged."""
    try:
        listed = read_ome(path).get(LABELS)
    except ZarrFolderError:
        return ()
    return tuple(dict.fromkeys(name for name in listed if isinstance(name, str))) if isinstance(listed, list) else ()


def _image_names(folder: Path, path: Path) -> Iterator[str]:
    """Yield the name of an image whose labels lie in `path`: from the folder that ends in ``.zarr``, or below `folder`.

    Labels of an image that is no OME-Zarr lie in a folder that is called like it, with another ending or one more.
    """
    parts = path.resolve().parent.parts
    start = next((i for i, part in enumerate(parts) if part.lower().endswith(".zarr")), len(parts) - 1)
    above = path.relative_to(folder).parent.parts
    name = "/".join(parts[min(start, len(parts) - max(len(above), 1)) :])
    yield name
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            yield name


@dataclass(frozen=True)
class LabelLayer:
    """One label image, of which no pixel is read yet.

    Attributes:
        name: What it is called.
        array: The Zarr array at full resolution.
        axes: One of t, c, z, y and x for each axis of the array.
        own_class: Its class, where our own writer made it.
        properties: What is said of each label.
    """

    name: str
    array: Any
    axes: str
    own_class: str | None
    properties: Mapping[int, Mapping[str, Any]]

    def length(self, axis: str) -> int:
        """Return the length of an axis; 1 where there is none."""
        return int(self.array.shape[self.axes.index(axis)]) if axis in self.axes else 1

    def plane(self, record: ImageRecord) -> Raster:
        """Return the labels (H, W) of an image: those of its own time point and depth, where there are several.

        Raises:
            AnnotationFormatError: They are of another size or film, or of several channels.
        """
        plane = record.plane or FilePlane(record.name)
        if self.length("c") > 1:
            raise AnnotationFormatError(f"expected labels of one channel, got {self.length('c')}.")
        if self.length("y") * self.length("x") > 2 * record.width * record.height:
            raise AnnotationFormatError(
                f"expected labels of {record.width}x{record.height} pixels as their image has, or fewer, "
                f"got {self.length('x')}x{self.length('y')}."
            )
        _check_chunks(self.array)
        where = {"t": self._index("t", plane.time, plane.lengths[0]), "c": 0}
        where["z"] = self._index("z", plane.z, plane.lengths[1])
        part = np.asarray(self.array[tuple(where.get(axis, slice(None)) for axis in self.axes)])
        return part if self.axes.index("y") < self.axes.index("x") else part.T

    def _index(self, axis: str, number: int | None, length: int) -> int:
        """Return which of the planes along an axis an image shows, given its own number and how many its file has."""
        labelled = self.length(axis)
        if labelled == 1:
            return 0
        what = "time points" if axis == "t" else "depths"
        if labelled != length:
            raise AnnotationFormatError(
                f"expected labels of {length} {what}, as their image has, or 1, got {labelled}."
            )
        if number is None:
            raise AnnotationFormatError(f"its labels are of {labelled} {what}, and the image is a projection of all.")
        return number


def _check_chunks(array: Any) -> None:
    chunk = math.prod(array.shards or array.chunks)
    if chunk > max(_MAX_CHUNK, math.prod(array.shape)):
        raise AnnotationFormatError(f"expected chunks no larger than the array, got {chunk} pixels.")


def open_layer(group: LabelGroup, name: str) -> LabelLayer:
    """Open one of the label images of a group.

    Raises:
        ValueError: It is none, lies elsewhere, is of a part of its image, could run code, or says what can't be kept.
        Exception: Whatever zarr raises for a damaged array.
    """
    path = inside(group.folder, name)
    ome = read_ome(path)
    multiscales = ome.get("multiscales")
    if not isinstance(multiscales, list) or not multiscales:
        raise ZarrFolderError(f"{path}: expected a label image of OME-Zarr, whose attributes name `multiscales`.")
    array, axes = open_full_resolution(path, multiscales[0])
    check_place(multiscales[0], axes, group.folder.parent)
    own = read_attributes(path).get(OWN)
    own_class = own.get("class") if isinstance(own, Mapping) else None
    described = ome.get("image-label")
    listed = described.get("properties") if isinstance(described, Mapping) else None
    return LabelLayer(name, array, axes, own_class if isinstance(own_class, str) else None, _by_label(listed))


def _by_label(listed: Any) -> dict[int, Mapping[str, Any]]:
    entries: Sequence[Any] = listed if isinstance(listed, list) else ()
    return {
        int(entry["label-value"]): to_attributes({key: value for key, value in entry.items() if key != "label-value"})
        for entry in entries
        if isinstance(entry, Mapping) and _is_whole(entry.get("label-value"))
    }


def _is_whole(value: Any) -> bool:
    return type(value) is int or (isinstance(value, float) and value.is_integer())
