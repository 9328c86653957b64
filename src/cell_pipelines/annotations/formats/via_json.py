"""VGG Image Annotator (VIA 1 and 2), JSON: a whole project, or its annotations alone.

Images are keyed by file name and size in bytes. The annotator lists every image that was opened, so an image without
regions counts as one without objects; `via_regions` says how shapes and classes are read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.via_regions import (
    CLASS,
    SPLIT,
    ImageEntry,
    choose_class_attribute,
    read_entries,
    regions_by_image,
    used_classes,
)  # fmt: skip
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import split_files_first
from cell_pipelines.annotations.formats.sources.json_files import entries, mapping, write_json
from cell_pipelines.annotations.formats.sources.tables import data_files, evidence, peek
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.images import SPLITS, ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("box", "point", "polygon"), holes=False, pieces=False, splits=True)
SUMMARY = "VIA JSON: projects or annotations of the VGG Image Annotator 1 and 2."

_FILE = "via_project.json"
_TEXT = {"type": "text", "description": "", "default_value": ""}
# What the annotator reads of a project's settings without falling back on its own.
_UI = {
    "annotation_editor_height": 25, "annotation_editor_fontsize": 0.8, "leftsidebar_width": 18,
    "image_grid": {
        "img_height": 80, "rshape_fill": "none", "rshape_fill_opacity": 0.3, "rshape_stroke": "yellow",
        "rshape_stroke_width": 2, "show_region_shape": True, "show_image_policy": "all",
    },
    "image": {
        "region_label": CLASS, "region_color": CLASS, "region_label_font": "10px Sans",
        "on_image_annotation_editor_placement": "NEAR_REGION",
    },
}  # fmt: skip
_CORE = {"buffer_size": 18, "filepath": {}, "default_filepath": ""}
_OWN_KEYS = re.compile(r'"(_via_img_metadata|shape_attributes)"\s*:')
_REGIONS = re.compile(r'"regions"\s*:\s*[\[{]')
_FILE_ATTRIBUTES = re.compile(r'"file_attributes"\s*:')


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".json") if _is_via(path))
    return evidence(folder, found, "a JSON file of the VGG Image Annotator")


def _is_via(path: Path) -> bool:
    text = peek(path)
    return bool(_OWN_KEYS.search(text) or (_REGIONS.search(text) and _FILE_ATTRIBUTES.search(text)))


def read(folder: Path, images: ImageIndex, *, class_attribute: str | None = None, **options: Any) -> Conversion:
    """Read every such JSON file below `folder`; a folder or file called train, val or test is a split.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there.
        class_attribute: The region attribute that holds the class; None for the only one, or one called class,
            label or the like.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: It can't be told which attribute is the class.
    """
    paths = split_files_first(folder, [path for path in data_files(folder, ".json") if _is_via(path)])
    problems: dict[str, str] = {}
    contents = dict(read_each(folder, paths, read_json, problems.__setitem__))
    found = {file: _entries(mapping(content)) for file, content in contents.items()}
    chosen = choose_class_attribute([entry for listed in found.values() for entry in listed], class_attribute)
    choices = _listed_classes(contents.values(), chosen or CLASS) if options.get("classes") is None else None
    used = used_classes([entry for listed in found.values() for entry in listed], chosen) if choices else []
    if choices:
        options["classes"] = list(dict.fromkeys([*choices, *used]))
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for name in [name for name in used if name not in (choices or used)]:
        reason = (
            f"the class {name!r} is none of the choices that the project lists ({', '.join(choices or [])}); taken."
        )
        collector.note(", ".join(found), "", "noted", reason, 0, category=name)
    for problem in problems.items():
        collector.skip_file(*problem)
    for file, listed_images in found.items():
        read_entries(collector, file, listed_images, chosen)
    return collector.finish("via_json")


def _entries(content: Mapping[str, Any]) -> list[ImageEntry]:
    images = mapping(content.get("_via_img_metadata", content))
    found = []
    for key, value in images.items():
        record = mapping(value)
        name = record.get("filename", re.sub(r"-?\d+$", "", key))
        # Settings stand beside the images of a project without metadata.
        if isinstance(name, str) and "regions" in record:
            regions = [mapping(region) for region in entries(record["regions"])]
            found.append(ImageEntry(name, regions, mapping(record.get("file_attributes"))))
    return found


def _listed_classes(contents: Iterable[Any], class_attribute: str) -> list[str] | None:
    """Return the choices that every project offers for the class; None where a file offers none."""
    names: dict[str, None] = {}
    for content in contents:
        attributes = mapping(mapping(mapping(content).get("_via_attributes")).get("region"))
        options = mapping(mapping(attributes.get(class_attribute)).get("options"))
        if not options:
            return None
        names.update((name.strip(), None) for name in options if name.strip())
    return list(names) or None


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``via_project.json``; the split of an image is one of its file attributes."""
    splits = annotations.images["split"].to_pylist()
    images: dict[str, Any] = {}
    for name, split, regions in zip(annotations.names, splits, regions_by_image(annotations), strict=True):
        attributes = {SPLIT: split} if split else {}
        # The size in bytes is unknown; the annotator writes -1 for an image that it has by address only.
        images[f"{name}-1"] = {"filename": name, "size": -1, "regions": regions, "file_attributes": attributes}
    names = {name for found in images.values() for region in found["regions"] for name in region["region_attributes"]}
    project = {
        "_via_settings": {"ui": _UI, "core": _CORE, "project": {"name": "annotations"}},
        "_via_img_metadata": images,
        "_via_attributes": {
            "region": {**dict.fromkeys(sorted(names), _TEXT), CLASS: _choices(annotations.categories)},
            "file": {SPLIT: _choices(SPLITS)},
        },
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(images),
    }
    write_json(folder / _FILE, project)
    return ()


def _choices(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "dropdown", "description": "", "options": dict.fromkeys(names, ""), "default_options": {}}
