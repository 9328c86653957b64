"""YOLO labels as Ultralytics loads them: one kind of object a set, no scores, and a ``data.yaml`` with all its keys."""

from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
import yaml

from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.formats.parts.yolo_lines import ROUNDING, to_texts
from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import resolve_inside

_FILE = "data.yaml"


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``labels/<image>.txt`` and ``data.yaml``; every image gets a file, also one without objects.

    Ultralytics takes labels without scores only, boxes or polygons but not both, and asks for images to train and to
    validate on: where a split is missing, the images of another stand in its place, which the file and a finding say.

    Args:
        annotations: What to write. Several rings of a polygon are written as one, joined by seams without width.
        folder: Where to; the images belong into its folder ``images``.

    Raises:
        ValueError: Two images differ in their ending only, or a name leads out of `folder`; nothing is written.
    """
    files = [label_path(name) for name in annotations.names]
    for file, times in Counter(files).items():
        if times > 1:
            raise ValueError(f"{file}: two images share this name but for their ending; YOLO can't hold both.")
    paths = [resolve_inside(folder, file) for file in files]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True, exist_ok=True)
    for path, lines in zip(paths, to_texts(annotations), strict=True):
        path.write_bytes(lines)
    splits = _write_splits(annotations, folder)
    places, remark = _with_all_keys(splits)
    description = {**places, "names": dict(enumerate(annotations.categories))}
    text = yaml.safe_dump(description, sort_keys=False, allow_unicode=True)
    with atomic_path(folder / _FILE) as temporary:
        temporary.write_text(f"# {remark}\n{text}" if remark else text, encoding="utf-8")
    remarks = [Finding(_FILE, "", "noted", remark, 0)] if remark else []
    return (*remarks, *_find_outside(annotations))


def label_path(image: str) -> str:
    """Return where Ultralytics looks for the labels of an image: ``labels`` for the last folder ``images``.

    >>> label_path("images/train/a.png"), label_path("a.png")
    ('labels/train/a.txt', 'labels/a.txt')
    """
    path = PurePosixPath(_image_path(image)).with_suffix(".txt")
    last = max(place for place, part in enumerate(path.parts[:-1]) if part == "images")
    return str(PurePosixPath(*path.parts[:last], "labels", *path.parts[last + 1 :]))


def _image_path(name: str) -> str:
    return name if name.startswith("images/") else f"images/{name}"


def _write_splits(annotations: AnnotationSet, folder: Path) -> dict[str, str]:
    """Return the place of each split: its folder, or where images lie elsewhere, the list that is written of them."""
    pairs = list(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
    places: dict[str, str] = {}
    for split in SPLITS:
        names = [_image_path(name) for name, own in pairs if own == split]
        if names and all(name.startswith(f"images/{split}/") for name in names):
            places[split] = f"images/{split}"
        elif names:
            places[split] = f"{split}.txt"
            (folder / places[split]).write_text("".join(f"./{name}\n" for name in names), encoding="utf-8")
    return places


def _with_all_keys(places: dict[str, str]) -> tuple[dict[str, str], str]:
    """Return the places with those of train and val, and a sentence about what stands in for another split."""
    missing = [split for split in ("train", "val") if split not in places]
    if not missing:
        return places, ""
    instead = next(iter(places.values()), "images")
    words = " and ".join(missing)
    remark = f"No image is said to be for {words}; {instead} stands there, since Ultralytics asks for both."
    return {**dict.fromkeys(missing, instead), **places}, remark


def _find_outside(annotations: AnnotationSet) -> list[Finding]:
    """List how many boxes reach out of their image and were cut, since such labels are refused."""
    sizes = np.array([annotations.images[side].to_numpy() for side in ("width", "height")]).T
    limits = sizes[annotations.image_index]
    boxes = annotations.boxes
    outside = (boxes[:, :2] < -ROUNDING).any(axis=1) | (boxes[:, 2:] > limits + ROUNDING).any(axis=1)
    reason = "reach out of their image and are cut to it, since Ultralytics refuses the labels of such an image."
    return [Finding("labels", "", "changed", reason, int(outside.sum()))] if outside.any() else []
