"""OME-Zarr labels: label images in the folder ``labels`` of an image, of 0.4 and 0.5, with classes and scores.

Written as ``<image>.zarr/labels/<class>``; of an image that is itself an OME-Zarr, such as the field of a plate, at the
same path, so that a folder ``labels`` can be copied to where there is none. A label is the place of its object in the
image, from 1, whatever its class. Objects that share pixels with others of their class go into a further label image.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_values import read_labels
from cell_pipelines.annotations.formats.parts.ome_zarr_labels import (
    LABELS,
    OWN,
    LabelGroup,
    LabelLayer,
    label_groups,
    open_layer,
    read_names,
)
from cell_pipelines.annotations.formats.parts.ome_zarr_writing import Version, write_label_group
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.zarr_folders import ZarrFolderError, import_zarr, read_attributes

CAPABILITIES = Capabilities(geometries=("mask",), ignored_regions=True, classes="used")
SUMMARY = "OME-Zarr labels, a multiscale label image per class: napari, Fractal and others write them; 0.4 and 0.5."


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for group in label_groups(folder):
        if group.names:
            described = next(name for name in ("zarr.json", ".zattrs") if (group.folder / name).is_file())
            return f"{group.file}/{described} lists label images"
    return None


def read(
    folder: Path,
    images: ImageIndex,
    *,
    labels: Sequence[str] | None = None,
    category: str | None = None,
    **options: Any,
) -> Conversion:
    """Read the label images of every OME-Zarr below `folder`; each number of a label image is one object.

    Args:
        folder: Where they lie, at any depth.
        images: The images that are there; label images that are all background tell of an image without cells.
        labels: Names of the label images to take, such as ``["nuclei"]``; None takes all.
        category: Class of the labels of which the file says none; None for the name of their label image.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: The package zarr is not installed.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for group in label_groups(folder):
        with _explained():
            import_zarr(group.folder)
        names = [name for name in group.names if labels is None or name in labels]
        if not names:
            listed = ", ".join(group.names) or "none"
            collector.skip_file(group.file, f"expected label images{_asked(labels)}; it lists {listed}.")
        layers = [layer for name in names if (layer := _open(collector, group, name)) is not None]
        found = (collector.images.planes(name) for name in group.image_names)
        records = next(filter(None, found), [])
        if layers and not records:
            collector.image(group.file, group.image_names[0])
        for record in records if layers else ():
            _read_image(collector, group, layers, record, category)
    return collector.finish("ome_zarr")


def _asked(labels: Sequence[str] | None) -> str:
    return f" called {' or '.join(labels)}" if labels else ""


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ZarrFolderError as error:
        raise AnnotationFormatError(str(error)) from error


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn whatever zarr raises in a block into `AnnotationFormatError`."""
    try:
        yield
    except (AnnotationFormatError, ZarrFolderError):
        raise
    except Exception as error:  # decoders share no base class, and damaged bytes raise whatever they do
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise AnnotationFormatError(f"expected a whole label image, got: {reason.rstrip('.')}.") from error


def _open(collector: AnnotationCollector, group: LabelGroup, name: str) -> LabelLayer | None:
    try:
        with _plain_errors():
            return open_layer(group, name)
    except ValueError as error:
        collector.skip_file(f"{group.file}/{name}", str(error).replace(f"{group.folder}", group.file))
    return None


def _read_image(
    collector: AnnotationCollector, group: LabelGroup, layers: Sequence[LabelLayer], record: ImageRecord,
    category: str | None,
) -> None:  # fmt: skip
    """Bring the objects of all label images of one image to it, in the order of their numbers."""
    if record.is_damaged:
        collector.image(group.file, record.name)
        return
    objects: list[tuple[int, LabelLayer, int, Any, Any]] = []
    for layer in layers:
        file = f"{group.file}/{layer.name}"
        try:
            with _plain_errors():
                plane = layer.plane(record)
            labels, remarks = read_labels(plane, doubt=layer.own_class is None)
        except ValueError as error:
            collector.skip_file(file, str(error))
            continue
        row = collector.image(group.file, record.name, size=labels.shape[::-1])
        if row is None or collector.refuse_second_label(group.file, row):
            continue
        for said in remarks:
            collector.objects_in += said.objects if said.action == "dropped" else 0
            collector.note(file, "", said.action, said.reason, said.objects)
        ids, boxes, counts = labels_to_objects(labels)
        objects += [
            (label, layer, row, *mask) for label, *mask in zip(ids.tolist(), boxes.tolist(), counts, strict=True)
        ]
    for label, layer, row, box, counts in sorted(objects, key=lambda one: one[0]):
        name, extra = _describe(layer, label, category)
        collector.add_mask(f"{group.file}/{layer.name}", f"label {label}", row, name, box, counts, **extra)


def _describe(layer: LabelLayer, label: int, category: str | None) -> tuple[str, dict[str, Any]]:
    """Return class, score, mark and attributes of a label."""
    said = dict(layer.properties.get(label, {}))
    named, crowd = said.pop("class", None), said.pop("ignored_region", None) is True
    extra = {"score": said.pop("score") if _is_score(said.get("score")) else None, "crowd": crowd}
    if layer.own_class is not None:
        attributes = said.get("attributes")
        return layer.own_class, {**extra, "attributes": attributes if isinstance(attributes, dict) else {}}
    name = named if isinstance(named, str) and named else category or layer.name
    # The number may be that of a track.
    return name, {**extra, "attributes": {"label": label, **said}}


def _is_score(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def write(annotations: AnnotationSet, folder: Path, *, version: Version = "0.5") -> tuple[Finding, ...]:
    """Write ``<image>.zarr/labels/<class>`` for each image and class.

    Args:
        annotations: The objects, all masks.
        folder: Where to.
        version: Of OME-Zarr: 0.5, or 0.4 for programs that do not read Zarr 3.

    Raises:
        AnnotationFormatError: The package zarr is not installed, or labels of another program lie in the place.
        ValueError: `version` is unknown.
    """
    if version not in get_args(Version):
        raise ValueError(f"`version` must be one of {', '.join(get_args(Version))}, got {version!r}.")
    with _explained():
        zarr = import_zarr(folder, "writing")
    short = label_paths(annotations.names, ".zarr")
    homes = [name if _is_in_zarr(name) else path for name, path in zip(annotations.names, short, strict=True)]
    paths = resolve_all(folder, [f"{home}/{LABELS}" for home in homes])
    for path in paths:
        _refuse_labels_of_others(path)
    for one, path in zip(iterate_images(annotations), paths, strict=True):
        write_label_group(zarr, one, path, version)
    return ()


def _is_in_zarr(name: str) -> bool:
    return any(part.lower().endswith(".zarr") for part in PurePosixPath(name).parts)


def _refuse_labels_of_others(path: Path) -> None:
    """Refuse a folder ``labels`` that lists or holds what our own writer did not make; it is replaced as a whole."""
    if not path.exists():
        return
    with _explained():
        listed = [path / name for name in read_names(path)]
        held = sorted(one for one in path.iterdir() if one.is_dir()) if path.is_dir() else []
        for one in (path, *(name for name in listed if name.exists()), *held):
            if OWN not in read_attributes(one):
                raise AnnotationFormatError(
                    f"{one}: expected a place without labels of another program; labels of another program lie there, "
                    "so write elsewhere, and copy what you need."
                )
