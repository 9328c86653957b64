"""One image's objects as the label images of an OME-Zarr: one for each class, and more where its objects overlap."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.formats.parts.ome_zarr_labels import LABELS, OWN
from cell_pipelines.annotations.formats.writing.class_colours import class_colour
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_folder
from cell_pipelines.typing import IntArray, LabelImage

Version = Literal["0.5", "0.4"]
_UNCLASSIFIED = "cell"
# Larger labels are also there at half the size, a quarter and so on.
_CHUNK = 1024
# Bytes of a folder's name, to which a number is added; most file systems allow 255.
_MAX_NAME = 200
# What a folder's name can't hold on every system; Zarr keeps names that begin with two underscores for itself.
_UNSAFE = re.compile(r"[^\w -]|^[\s_]+|\s+$")


def write_label_group(zarr: Any, annotations: AnnotationSet, path: Path, version: Version) -> None:
    """Write the label images of one image, all or none.

    Args:
        zarr: The package.
        annotations: One image, whose objects are masks.
        path: The folder ``labels``; what lies there is replaced.
        version: Of OME-Zarr; 0.5 is Zarr 3, 0.4 is Zarr 2.

    Raises:
        WriteError: The folder can't be written: a full disk, no permission.
    """
    records = annotations.objects.drop_columns(["rings", "counts"]).to_pylist()
    names: list[str] = []
    with atomic_folder(path, durable=False) as temporary:
        group = zarr.open_group(str(temporary), mode="w", zarr_format=3 if version == "0.5" else 2)
        for category, labels in _layers(annotations):
            names.append(_new_name(category, names))
            described = {
                "multiscales": [_write_levels(group.create_group(names[-1]), labels, annotations, version)],
                "image-label": _describe_labels(category, labels, records),
            }
            group[names[-1]].attrs.update(_versioned(described, version) | {OWN: {"class": category}})
        group.attrs.update(_versioned({LABELS: names}, version) | {OWN: {}})


def _layers(annotations: AnnotationSet) -> Iterator[tuple[str, LabelImage]]:
    """Yield class and labels (H, W) until every object is in one; a label is the place of its object, from 1."""
    category = annotations.category
    for number in np.unique(category).tolist():
        for labels in _layers_of_class(annotations, np.flatnonzero(category == number)):
            yield annotations.categories[number], labels
    if not category.size:
        yield next(iter(annotations.categories), _UNCLASSIFIED), objects_to_labels(annotations)[0]


def _layers_of_class(annotations: AnnotationSet, rows: IntArray) -> list[LabelImage]:
    """Return the labels (H, W) of the masks in `rows`: each is in the first in which its pixels are free."""
    own = annotations.objects.take(rows)
    drawn, lost = objects_to_labels(replace(annotations, objects=own))
    # Column by column, as run lengths count.
    layers = [np.append(0, np.where(lost == 0, rows + 1, 0)).astype(np.int32)[drawn.T].ravel()]
    owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_arrow(own["counts"]))
    for place in np.flatnonzero(lost).tolist():
        parts = zip(start[owner == place].tolist(), stop[owner == place].tolist(), strict=True)
        pixels = np.concatenate([np.arange(*part) for part in parts])
        layer = next((one for one in layers if not one[pixels].any()), None)
        if layer is None:
            layer = np.zeros_like(layers[0])
            layers.append(layer)
        layer[pixels] = rows[place] + 1
    return [layer.reshape(drawn.shape[::-1]).T for layer in layers]


def _new_name(category: str, names: Sequence[str]) -> str:
    """Return the name of a class's next label image, shortened where it is long.

    Capitals alone make no other name, as on some systems.
    """
    short = category.encode()[:_MAX_NAME].decode(errors="ignore")
    base, taken, number = _UNSAFE.sub("_", short).lstrip("_") or _UNCLASSIFIED, {name.lower() for name in names}, 1
    while (name := base if number == 1 else f"{base}_{number}").lower() in taken:
        number += 1
    return name


def _write_levels(group: Any, labels: LabelImage, annotations: AnnotationSet, version: Version) -> dict[str, Any]:
    """Write labels at full resolution and at halves of it, each with every second row and column of the last.

    Returns:
        The entry of `multiscales`.
    """
    sizes = [annotations.images[f"pixel_{side}_um"][0].as_py() for side in ("height", "width")]
    unit = {} if None in sizes else {"unit": "micrometer"}
    steps = [1.0 if None in sizes else size for size in sizes]
    levels = [labels]
    while max(levels[-1].shape) > _CHUNK:
        levels.append(levels[-1][::2, ::2])
    for number, level in enumerate(levels):
        _write_array(group, str(number), level, version)
    scales = [[step * 2**number for step in steps] for number in range(len(levels))]
    datasets = [
        {"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for number, scale in enumerate(scales)
    ]
    axes = [{"name": axis, "type": "space", **unit} for axis in "yx"]
    return {"name": group.basename, "axes": axes, "datasets": datasets}


def _write_array(group: Any, name: str, labels: LabelImage, version: Version) -> None:
    kind: dict[str, Any] = {"dimension_names": ("y", "x")}
    if version == "0.4":
        import numcodecs

        kind = {"compressors": numcodecs.Blosc(), "chunk_key_encoding": {"name": "v2", "separator": "/"}}
    chunks = tuple(min(length, _CHUNK) for length in labels.shape)
    group.create_array(name, shape=labels.shape, dtype=labels.dtype, chunks=chunks, **kind)[...] = labels


def _describe_labels(category: str, labels: LabelImage, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `image-label`: colour, class, and what is said besides, of each label."""
    values = np.unique(labels[labels > 0]).tolist()
    colour = [*class_colour(category), 255]
    return {
        "colors": [{"label-value": value, "rgba": colour} for value in values],
        "properties": [{"label-value": value, "class": category, **_said(records[value - 1])} for value in values],
        "source": {"image": "../../"},
    }


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    score, text = record["score"], record["attributes"]
    return {
        **({} if score is None else {"score": float(score)}),
        **({"ignored_region": True} if record["crowd"] else {}),
        **({"attributes": json.loads(text)} if text else {}),
    }


def _versioned(described: dict[str, Any], version: Version) -> dict[str, Any]:
    """Return attributes: 0.5 puts all under one key with one version, 0.4 gives most parts a version."""
    if version == "0.5":
        return {"ome": {"version": version, **described}}
    return {key: value if key == LABELS else _dated(value, version) for key, value in described.items()}


def _dated(part: Any, version: str) -> Any:
    return [{"version": version, **one} for one in part] if isinstance(part, list) else {"version": version, **part}
