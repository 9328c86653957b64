"""CreateML: a JSON list of images, each with its boxes as centre and size in pixels.

Coordinates are pixel edges from the upper left corner (Apple's defaults: pixels, top left, anchor in the centre);
labelImg and Roboflow write the centre as the left edge plus half the width. A ``confidence`` is a score, as in the
predictions of Apple's Turi Create.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages, split_files_first
from cell_pipelines.annotations.formats.sources.json_files import entries, mapping, write_json
from cell_pipelines.annotations.formats.sources.json_values import to_name, to_number
from cell_pipelines.annotations.formats.sources.tables import data_files, evidence, peek
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet, box_array

CAPABILITIES = Capabilities(geometries=("box",), attributes=False, splits=True, classes="used")
SUMMARY = "CreateML JSON: boxes by centre and size (Apple Create ML, labelImg, Roboflow, RectLabel)."

# Apple's older documents say the longer names, its tools and all others write the shorter.
_IMAGE_KEYS = ("image", "imagefilename", "filename")
_LIST_KEYS = ("annotations", "annotation")
_BEGIN = re.compile(r"\s*\[\s*(\{|\])")
_IMAGE = re.compile(r'"(image|imagefilename|filename)"\s*:\s*"')
_LIST = re.compile(r'"annotations?"\s*:\s*\[')
# Label Studio's lists have images and annotations as well.
_OTHERS = re.compile(r'"(data|result|shapes|labels)"\s*:')


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".json") if _is_createml(path))
    return evidence(folder, found, "a JSON list of images with annotations")


def _is_createml(path: Path) -> bool:
    text = peek(path)
    if not _BEGIN.match(text):
        return False
    named = "createml" in path.name.lower()
    return named or bool(_IMAGE.search(text) and _LIST.search(text) and not _OTHERS.search(text))


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every such JSON file below `folder`; a folder or file called train, valid or test is a split.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    paths = split_files_first(folder, [p for p in data_files(folder, ".json") if _is_createml(p)])
    for file, content in read_each(folder, paths, read_json, collector.skip_file):
        if isinstance(content, list):
            _read_list(collector, file, content)
        else:
            collector.skip_file(file, f"expected a list of images, got {type(content).__name__}.")
    return collector.finish("create_ml")


def _read_list(collector: AnnotationCollector, file: str, content: list[Any]) -> None:
    images = FileImages(collector, file)
    for position, value in enumerate(content):
        record = mapping(value)
        name = next((record[key] for key in _IMAGE_KEYS if isinstance(record.get(key), str)), "")
        annotations = next((entries(record[key]) for key in _LIST_KEYS if key in record), [])
        if not name:
            collector.skip_file(file, f"image at position {position}: expected the name of an image in `image`.")
            collector.drop(
                file, f"image at position {position}", "objects of an image without a name.", len(annotations)
            )
            continue
        row = images.row(name)
        for count, annotation in enumerate(annotations, start=1):
            if row is None:
                images.leave_out(name)
            else:
                _read_object(collector, (file, f"{name}, object {count}"), row, mapping(annotation))
    images.finish()


def _read_object(
    collector: AnnotationCollector, place: tuple[str, str], row: int, annotation: Mapping[str, Any]
) -> None:
    coordinates, confidence = mapping(annotation.get("coordinates")), annotation.get("confidence")
    try:
        label = to_name(annotation.get("label"), "label")
        x, y, width, height = (to_number(coordinates.get(key), key) for key in ("x", "y", "width", "height"))
        score = None if confidence is None else to_number(confidence, "confidence")
    except ValueError as error:
        collector.drop(*place, f"the object can't be read: {error}")
        return
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    collector.add_box(*place, row, label.strip(), box, score=score)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``_annotations.createml.json``, and ``train.createml.json`` and so on for images with a split."""
    objects = annotations.objects
    found: list[list[dict[str, Any]]] = [[] for _ in range(annotations.n_images)]
    columns = (objects[name].to_pylist() for name in ("image", "category", "score"))
    for image, category, score, box in zip(*columns, box_array(objects).tolist(), strict=True):
        entry: dict[str, Any] = {"label": annotations.categories[category], "coordinates": _coordinates(*box)}
        found[image].append(entry if score is None else {**entry, "confidence": score})
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, split, boxes in zip(annotations.names, annotations.images["split"].to_pylist(), found, strict=True):
        file = f"{split}.createml.json" if split else "_annotations.createml.json"
        files[file].append({"image": name, "annotations": boxes})
    for file, content in (files or {"_annotations.createml.json": []}).items():
        write_json(folder / file, content)
    return ()


def _coordinates(x_min: float, y_min: float, x_max: float, y_max: float) -> dict[str, float]:
    return {"x": (x_min + x_max) / 2, "y": (y_min + y_max) / 2, "width": x_max - x_min, "height": y_max - y_min}
