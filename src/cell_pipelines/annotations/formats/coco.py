"""COCO: one JSON for many images; boxes as x, y, width, height, polygons, run-length masks, scores."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.intake import Intake
from cell_pipelines.annotations.formats.text import read_json
from cell_pipelines.annotations.geometry import (
    decompress_run_lengths,
    mask_box,
    polygon_area,
    run_lengths_to_mask,
    to_rings,
)
from cell_pipelines.annotations.images import SPLITS, ImageIndex, split_of
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet

_PEEK_BYTES = 1 << 16


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for path in _json_files(folder):
        with path.open("rb") as file:
            text = file.read(_PEEK_BYTES)
            file.seek(max(0, path.stat().st_size - _PEEK_BYTES))
            text += file.read()
        # In a large file the lists may begin out of sight; then their entries tell.
        images = b'"images"' in text or b'"file_name"' in text
        if images and any(key in text for key in (b'"annotations"', b'"categories"', b'"image_id"')):
            return f"{path.relative_to(folder).as_posix()} lists images and annotations"
    return None


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every COCO file below `folder`; its name or folder may tell the split.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there; an image without objects in the file is one without cells.
        **options: As for `Intake`: `classes`, `unlabelled`.
    """
    contents: dict[str, Mapping[str, Any]] = {}
    problems: list[tuple[str, str]] = []
    for path in _json_files(folder):
        file = path.relative_to(folder).as_posix()
        try:
            content = read_json(path)
        except ValueError as error:
            problems.append((file, str(error)))
            continue
        # Other JSON, such as settings, may lie beside.
        if isinstance(content, Mapping) and {"images", "annotations"} & set(content):
            contents[file] = content
    if options.get("classes") is None:
        options["classes"] = list(_categories(contents.values())) or None
    intake = Intake(images, **options)
    for problem in problems:
        intake.skip_file(*problem)
    for file, content in contents.items():
        _read_content(intake, file, content)
    return intake.finish("coco")


def _json_files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*.json")) if p.is_file() and not p.name.startswith("."))


def _categories(contents: Iterable[Mapping[str, Any]]) -> dict[str, None]:
    names: dict[str, None] = {}
    for content in contents:
        used = {_key(a.get("category_id")) for a in _entries(content, "annotations")}
        listed = [c for c in _entries(content, "categories") if isinstance(c.get("name"), str)]
        parents = {c["supercategory"] for c in listed if isinstance(c.get("supercategory"), str)}
        for category in sorted(listed, key=lambda c: str(c.get("id")).zfill(9)):
            # Some exporters add an unused parent class, which would be a class that no model can learn.
            is_parent = category["name"] in parents and category.get("supercategory") != category["name"]
            if _key(category.get("id")) in used or not is_parent:
                names[category["name"]] = None
    return names


def _entries(content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = content.get(key)
    return [e if isinstance(e, Mapping) else {} for e in entries] if isinstance(entries, list) else []


def _key(identity: Any) -> int | float | str | None:
    """Return an id that can be looked up; None where none was given."""
    return identity if isinstance(identity, int | float | str) else None


def _read_content(intake: Intake, file: str, content: Mapping[str, Any]) -> None:
    missing = [key for key in ("images", "categories", "annotations") if not isinstance(content.get(key), list)]
    if missing:
        intake.skip_file(
            file, f"expected lists `images`, `categories` and `annotations`; no {' and no '.join(missing)}."
        )
        intake.drop(file, "", "the objects of a file that is skipped.", len(_entries(content, "annotations")))
        return
    listed = [c for c in _entries(content, "categories") if isinstance(c.get("name"), str)]
    names: dict[Any, str] = {key: c["name"] for c in listed if (key := _key(c.get("id"))) is not None}
    rows = _read_images(intake, file, content)
    for position, annotation in enumerate(_entries(content, "annotations")):
        entry = f"annotation {annotation.get('id', f'at position {position}')}"
        row, category = rows.get(_key(annotation.get("image_id"))), names.get(_key(annotation.get("category_id")))
        if row is None:
            intake.drop(file, entry, f"its image {annotation.get('image_id')!r} is not among the images.")
        elif category is None:
            intake.drop(file, entry, f"unknown class number {annotation.get('category_id')!r}.")
        else:
            _read_annotation(intake, (file, entry), row, category, annotation)


def _read_images(intake: Intake, file: str, content: Mapping[str, Any]) -> dict[Any, int | None]:
    """Return the row of each image number; None where the image is missing or its number comes twice."""
    rows: dict[Any, int | None] = {}
    for position, record in enumerate(_entries(content, "images")):
        name, number = record.get("file_name"), _key(record.get("id"))
        if not isinstance(name, str) or number is None:
            intake.skip_file(file, f"image at position {position}: expected `id` and `file_name`.")
            continue
        if number in rows:
            intake.skip_file(file, f"image {name!r}: its id {number!r} comes twice.")
            rows[number] = None
            continue
        size = record.get("width"), record.get("height")
        known = (size[0], size[1]) if isinstance(size[0], int) and isinstance(size[1], int) else None
        split, near = split_of(file, file_name=True) or split_of(name), str(PurePosixPath(file).parent)
        if split and intake.images.find(name, near) is None:
            near = split
        row = intake.image(file, name, near=near, split=split, size=known)
        rows[number] = row
        if row is not None and (first := intake.first_label(file, row)) != file:
            reason = f"image {name!r} is also labelled in {first}; the objects of both are taken."
            intake.note(file, "", "noted", reason, 0)
    return rows


def _read_annotation(
    intake: Intake, place: tuple[str, str], row: int, category: str, annotation: Mapping[str, Any]
) -> None:
    file, entry = place
    segmentation, attributes = annotation.get("segmentation"), annotation.get("attributes")
    width, height = intake.size(row)
    try:
        extra: dict[str, Any] = {
            "score": None if annotation.get("score") is None else float(annotation["score"]),
            "crowd": bool(annotation.get("iscrowd", 0)),
            "attributes": attributes if isinstance(attributes, Mapping) else None,
        }
        if isinstance(segmentation, Mapping):
            counts = _run_lengths(segmentation, (height, width))
            box = mask_box(run_lengths_to_mask(counts, height, width))
            intake.add_mask(file, entry, row, category, box, counts.astype(np.uint32), **extra)
        elif segmentation and any(len(ring) for ring in segmentation):
            rings = [np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in segmentation]
            intake.add_polygon(file, entry, row, category, rings, **extra)
        else:
            x, y, w, h = (float(v) for v in annotation["bbox"])
            intake.add_box(file, entry, row, category, (x, y, x + w, y + h), **extra)
    except KeyError as error:
        intake.drop(file, entry, f"box or segmentation can't be read: no {error}.")
    except (TypeError, ValueError, OverflowError) as error:
        intake.drop(file, entry, f"box, segmentation or score can't be read: {error}.")


def _run_lengths(segmentation: Mapping[str, Any], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    if tuple(segmentation.get("size", size)) != size:
        raise ValueError(f"the mask has {segmentation['size']} pixels, the image {list(size)} (height, width)")
    counts = segmentation["counts"]
    if not isinstance(counts, str) and not all(isinstance(run, int) for run in counts):
        raise ValueError("run lengths must be whole numbers")
    return np.asarray(decompress_run_lengths(counts) if isinstance(counts, str) else counts, dtype=np.int64)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``instances_<split>.json`` for each split and ``annotations.json`` for images without one.

    Every geometry but the point keeps its form; scores, crowds and attributes stay. Numbers count from 1, since
    evaluation tools take an annotation 0 for none.
    """
    files = [
        f"instances_{s}.json" if s in SPLITS else "annotations.json" for s in annotations.images["split"].to_pylist()
    ]
    findings: list[Finding] = []
    for file in sorted(set(files)) or ["annotations.json"]:
        rows = np.flatnonzero(np.array(files, dtype=object) == file)
        findings += _write_file(annotations, rows, folder / file)
    return tuple(findings)


def _write_file(annotations: AnnotationSet, rows: npt.NDArray[np.int64], path: Path) -> Iterator[Finding]:
    objects = annotations.objects.filter(pc.is_in(annotations.objects["image"], pa.array(rows, pa.int32())))
    images = {
        row: {"id": row + 1, "file_name": record["name"], "width": record["width"], "height": record["height"]}
        for row, record in zip(rows.tolist(), annotations.images.take(rows).to_pylist(), strict=True)
    }
    content = {
        "images": list(images.values()),
        "categories": [{"id": i, "name": n, "supercategory": "cell"} for i, n in enumerate(annotations.categories, 1)],
        "annotations": [_annotation(i, r, images[r["image"]]) for i, r in enumerate(objects.to_pylist(), 1)],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    points = objects["geometry"].to_pylist().count(GEOMETRIES.index("point"))
    if points:
        yield Finding(path.name, "", "changed", "points written as boxes without area.", points)


def _annotation(number: int, record: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    x, y = record["x_min"], record["y_min"]
    width, height = record["x_max"] - x, record["y_max"] - y
    area: float = width * height
    segmentation: Any = []
    if record["rings"]:
        area, segmentation = polygon_area(to_rings(record["rings"])), record["rings"]
    elif record["counts"]:
        size = [image["height"], image["width"]]
        area, segmentation = sum(record["counts"][1::2]), {"size": size, "counts": record["counts"]}
    extra: dict[str, Any] = {} if record["score"] is None else {"score": record["score"]}
    if record["attributes"]:
        extra["attributes"] = json.loads(record["attributes"])
    return {
        "id": number, "image_id": image["id"], "category_id": record["category"] + 1,
        "bbox": [x, y, width, height], "area": area, "segmentation": segmentation,
        "iscrowd": int(record["crowd"]), **extra,
    }  # fmt: skip
