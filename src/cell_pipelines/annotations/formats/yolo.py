"""YOLO: one text file per image, fractions of the image's size; class names in ``data.yaml`` or ``classes.txt``."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.yolo_columns import (
    DOUBTFUL_PAIR,
    SCORE,
    TRACK,
    Columns,
    ColumnSurvey,
    declare_columns,
    with_extra,
)
from cell_pipelines.annotations.formats.parts.yolo_lines import MAX_FRACTION, to_chunks, to_numbers
from cell_pipelines.annotations.formats.parts.yolo_writing import label_path, write
from cell_pipelines.annotations.formats.sources.class_names import (
    class_lists,
    read_class_names,
    read_description,
    yaml_files,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below
from cell_pipelines.annotations.formats.sources.tables import peek
from cell_pipelines.annotations.formats.sources.text import are_numbers, read_each, read_text, read_yaml
from cell_pipelines.annotations.geometry.conventions import centres_to_edges
from cell_pipelines.annotations.geometry.rings import split_ring
from cell_pipelines.annotations.images import SPLITS, ImageIndex

__all__ = ["CAPABILITIES", "SUMMARY", "detect", "label_path", "read", "write"]

SUMMARY = (
    "YOLO label files: boxes, polygons and oriented boxes; Ultralytics, Roboflow, CVAT and Label Studio write them."
)
CAPABILITIES = Capabilities(geometries=("box", "polygon"), scores=False, attributes=False, splits=True, uniform=True)

_PEEK_BYTES = 4096
_NOT_LABELS = {"classes.txt", *(f"{split}.txt" for split in SPLITS)}


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    # Roboflow puts such a file beside DOTA's labels as well.
    for path in yaml_files(folder) if _are_own(folder) else []:
        try:
            content = read_yaml(path)
        except ValueError:
            continue
        if isinstance(content, Mapping) and "names" in content:
            return f"{path.name} names the classes"
    for path in _label_files(folder):
        words = peek(path, _PEEK_BYTES).strip().split("\n")[0].split()
        # Behind the fractions may stand the number of a track, of any size.
        if len(words) >= 5 and are_numbers(words) and all(-0.5 <= float(word) <= 1.5 for word in words[1:5]):
            return f"{path.relative_to(folder).as_posix()} holds class numbers and fractions"
    return None


def _are_own(folder: Path) -> bool:
    """Say whether a label file lies elsewhere than in a folder labelTxt, or none lies here at all."""
    files = list(_label_files(folder))
    return not files or any("labeltxt" not in map(str.lower, path.parts) for path in files)


def read(
    folder: Path, images: ImageIndex, *, task: str | None = None, keypoints: Sequence[int] | None = None,
    extra: str | None = None, **options: Any,
) -> Conversion:  # fmt: skip
    """Read boxes, polygons, oriented boxes, and boxes with key points; scores and numbers of tracks behind them.

    Args:
        folder: Holds ``data.yaml`` or ``classes.txt``, and the label files at any depth.
        images: The images that are there; a label file belongs to the image of the same path, with
            ``labels`` for ``images``, or else of the same name.
        task: detect, segment, pose or obb; None for what ``data.yaml`` says, or else a box where a line has four
            numbers and a polygon where it has more.
        keypoints: Number of key points and of the numbers of each, for ``data.yaml`` without ``kpt_shape``.
        extra: The numbers behind those of an object, such as ``score track_id``; None decides by all lines together.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: The class names can't be read, or the shape of key points is none.
        ValueError: `task` or `extra` is unknown.
    """
    names = read_class_names(folder)
    declared = declare_columns(read_description(folder), task, keypoints)
    if options.get("classes") is None:
        # The order of the file is the order of the classes, also of those without an object.
        options["classes"] = names
    collector = AnnotationCollector(images, sort_categories=True, **options)
    columns = with_extra(declared, extra) if extra is not None else _survey(folder, collector, declared)
    for file, numbered in read_each(folder, _label_files(folder), _numbered, collector.skip_file):
        _read_lines(collector, file, numbered, (names, columns))
    return collector.finish("yolo")


def _numbered(path: Path) -> list[tuple[int, list[str]]]:
    return [(n, line.split()) for n, line in enumerate(read_text(path).splitlines(), start=1) if line.strip()]


def _survey(folder: Path, collector: AnnotationCollector, declared: Columns) -> Columns:
    """Return what the lines of all files hold, and list what can't be known or is not declared."""
    survey = ColumnSurvey(declared)
    for path in _label_files(folder):
        try:
            survey.add([line.split() for line in read_text(path).splitlines()])
        except ValueError:
            # It is listed where the file is read.
            continue
    columns = survey.decide()
    if columns.keypoints and not declared.keypoints:
        reason = f"the lines look like boxes with {columns.keypoints[0]} key points and are taken as such; declare it"
        collector.note("data.yaml", "kpt_shape", "suspect", f"{reason} by kpt_shape, or say `task: segment`.", 0)
    if columns.single is None:
        reason = "the last number of the boxes or polygons is 0 or 1, which may be a score or a track; it is left out."
        collector.note("", "", "suspect", f"{reason} The option `extra` says which: score or track_id.", 0)
    return columns


def _label_files(folder: Path) -> Iterator[Path]:
    whole = folder.name.lower() == "labels" and not child(folder, "labels").is_dir()
    lists = set(class_lists(folder))
    for path in files_below(folder, ".txt"):
        # In a folder of labels any name is that of an image.
        free = whole or "labels" in map(str.lower, path.relative_to(folder).parts[:-1])
        named = path.name.lower() in _NOT_LABELS or path.name.lower().startswith(("readme", "license"))
        if (free or not named) and path not in lists:
            yield path


def _read_lines(
    collector: AnnotationCollector, file: str, lines: list[tuple[int, list[str]]], how: tuple[list[str] | None, Columns]
) -> None:
    names, columns = how
    parts = ["images" if part.lower() == "labels" else part for part in PurePosixPath(file).parts]
    record = collector.images.find("/".join(parts))
    numbers = to_numbers([words for _, words in lines])
    # An image of which nothing is known is no image without cells.
    reason = ""
    if numbers is None and not any(are_numbers(words) for _, words in lines):
        reason = "no line holds numbers only, so this is no label file."
    elif columns.pair is None and any(len(words) == 7 for _, words in lines):
        reason = DOUBTFUL_PAIR
    if reason:
        collector.skip_file(file, reason)
        collector.drop(file, "", "the lines of a file that is skipped.", len(lines) if record else 0)
        return
    row = collector.image(file, record.name if record else PurePosixPath(file).stem)
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(lines))
        return
    if numbers is None or not columns.is_plain:
        for number, words in lines:
            _read_line(collector, (file, f"line {number}", row), words, how)
        return
    for chunk in to_chunks(numbers, [number for number, _ in lines], (row, *collector.size(row)), names):
        collector.add_chunk(file, chunk)


def _read_line(
    collector: AnnotationCollector, place: tuple[str, str, int], words: list[str], how: tuple[list[str] | None, Columns]
) -> None:
    names, columns = how
    try:
        number, values = _whole(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        collector.drop(*place[:2], f"expected a class number and fractions, got {' '.join(words)[:60]!r}.")
        return
    try:
        shape, keypoints, behind = columns.split(values)
        if number < 0 or not all(abs(value) <= MAX_FRACTION for value in (*shape, *keypoints)):
            raise ValueError(f"the class number must be 0 or more and fractions finite, got {' '.join(words)[:60]!r}.")
    except ValueError as error:
        collector.drop(*place[:2], str(error))
        return
    category = names[number] if names and number < len(names) else f"class_{number}"
    width, height = collector.size(place[2])
    extra: dict[str, Any] = {
        "score": behind.get(SCORE),
        "attributes": _attributes(columns, keypoints, behind, (width, height)),
    }
    if len(shape) == 4:
        box = centres_to_edges(np.array([shape]), width, height)[0]
        collector.add_box(*place, category, [float(v) for v in box], **extra)
    else:
        ring = np.array(shape).reshape(-1, 2) * np.array([width, height])
        collector.add_polygon(*place, category, split_ring(ring), **extra)


def _attributes(
    columns: Columns, keypoints: Sequence[float], behind: Mapping[str, float], size: tuple[int, int]
) -> dict[str, Any] | None:
    """Return the number of the track, and key points with x and y in pixels."""
    attributes: dict[str, Any] = {TRACK: int(behind[TRACK])} if TRACK in behind else {}
    if columns.keypoints and keypoints:
        points = np.array(keypoints).reshape(columns.keypoints)
        points[:, :2] *= size
        attributes["keypoints"] = points.ravel().tolist()
    return attributes or None


def _whole(text: str) -> int:
    # Some tools write the class as 0.0.
    if not float(text).is_integer():
        raise ValueError(f"{text} is no class number")
    return int(float(text))
