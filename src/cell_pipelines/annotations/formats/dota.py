"""DOTA: one text file per image, one line per object: four corners, class and difficulty; also Roboflow's YOLO-OBB.

The corners are decimal pixels counted from the image's upper left corner, taken as pixel edges as ours.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.shapes import Place, Shape, add_shape, box_shape, polygon_shape
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.json_values import parse_number, to_name
from cell_pipelines.annotations.formats.sources.label_paths import files_below, label_paths, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import are_numbers, read_each, read_text
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.images import SPLITS, ImageIndex, split_of
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path

SUMMARY = "DOTA text files of oriented boxes, one an image: the DOTA set, Roboflow's YOLOv8-OBB export, MMRotate."
# A polygon of four corners keeps its form; any other is its box here.
CAPABILITIES = Capabilities(geometries=("box",), scores=False, attributes=("difficult",), splits=True, classes="used")

_FOLDER = "labelTxt"
_HEADERS = ("imagesource:", "gsd:", "acquisition", "source:")
_NOT_LABELS = ("readme", "license", "classes.txt", "train.txt", "val.txt", "test.txt", "requirements")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".txt"):
        if _is_labels(PurePosixPath(name)):
            return f"{name} lies in a folder {_FOLDER}"
        lines = content[:4096].decode(errors="replace").splitlines()
        words = next((line.split() for line in lines if line.strip() and not line.startswith(_HEADERS)), [])
        if len(words) >= 9 and are_numbers(words[:8]) and not are_numbers(words[8:9]):
            return f"{name} holds eight numbers and one class per line"
    return None


def _is_labels(path: PurePath) -> bool:
    """Say whether a file lies in a folder such as labelTxt or labelTxt-v1.5."""
    return any(map(_is_label_folder, path.parts[:-1]))


def _is_label_folder(name: str) -> bool:
    return name.lower().startswith(_FOLDER.lower())


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every label file; an upright rectangle is a box, any other a polygon of four vertices.

    Args:
        folder: Holds the label files, below folders ``labelTxt`` if there is one; the folder before it may tell the
            split.
        images: The images that are there; a label belongs to the image of its name.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, text in read_each(folder, _label_files(folder), read_text, collector.skip_file):
        lines = enumerate(text.splitlines(), start=1)
        numbered = [(n, line) for n, line in lines if line.strip() and not line.startswith(_HEADERS)]
        _read_lines(collector, file, numbered)
    return collector.finish("dota")


def _label_files(folder: Path) -> Iterator[Path]:
    paths = list(files_below(folder, ".txt"))
    own = [path for path in paths if _is_labels(path.relative_to(folder))]
    yield from own or (path for path in paths if not path.name.lower().startswith(_NOT_LABELS))


def _read_lines(collector: AnnotationCollector, file: str, lines: Sequence[tuple[int, str]]) -> None:
    parts = list(PurePosixPath(file).with_suffix("").parts)
    before: list[str] = []
    at = next((i for i, part in enumerate(parts[:-1]) if _is_label_folder(part)), None)
    if at is not None:
        before, parts = parts[:at], parts[at + 1 :]
    name = "/".join(parts)
    nears = ["/".join([*before, "images"]), "/".join(before)]
    near = next((near for near in nears if collector.images.find(name, near) is not None), nears[-1])
    split = split_of("/".join([*before, "image"])) or split_of(name)
    row = collector.image(file, name, near=near, split=split)
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(lines))
        return
    for number, line in lines:
        _read_line(collector, (file, f"line {number}", row), line.split())


def _read_line(collector: AnnotationCollector, place: Place, words: Sequence[str]) -> None:
    file, entry, _ = place
    try:
        if len(words) < 9:
            raise ValueError(f"expected 8 numbers, a class and a difficulty, got {len(words)} words.")
        shape = _to_shape([parse_number(word, "corner") for word in words[:8]])
        rated = len(words) > 9 and words[-1].lstrip("-").isdecimal() and len(words[-1]) < 10
        difficulty = int(words[-1]) if rated else 0
        name = to_name(" ".join(words[8 : -1 if rated else None]), "class")
    except ValueError as error:
        collector.drop(file, entry, str(error))
        return
    add_shape(collector, place, name, shape, attributes={"difficult": difficulty} if difficulty else None)


def _to_shape(numbers: Sequence[float]) -> Shape:
    x, y = numbers[::2], numbers[1::2]
    across, down = (x[0], y[0]), (x[2], y[2])
    upright = {across, down, (x[0], y[2]), (x[2], y[0])}
    # Neighbours share one number, so that going round is no crossing.
    turns = (x[0] == x[1] and y[1] == y[2]) or (y[0] == y[1] and x[1] == x[2])
    if turns and {(x[1], y[1]), (x[3], y[3]), across, down} == upright:
        return box_shape(across, down)
    return polygon_shape([np.array([x, y], dtype=np.float64).T])


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``labelTxt/<image>.txt`` for every image, in a folder of its split where it has one.

    A polygon of four vertices is written as it is, anything else as its box. Class names with spaces are written as
    they are, though DOTA's own tools read up to the space only.

    Raises:
        ValueError: A name leads out of `folder`; nothing is written.
    """
    files = label_paths(annotations.names, ".txt")
    splits = annotations.images["split"].to_pylist()
    folders = [f"{split}/{_FOLDER}" if split in SPLITS else _FOLDER for split in splits]
    paths = resolve_all(folder, [f"{parent}/{file}" for parent, file in zip(folders, files, strict=True)])
    findings: list[Finding] = []
    for path, (image, objects) in zip(paths, objects_by_image(annotations), strict=True):
        reduced = sum(one.geometry != "box" and _corners(one) is None for one in objects)
        if reduced:
            findings.append(Finding(image["name"], "", "changed", "written as boxes: not of four vertices.", reduced))
        with atomic_path(path) as temporary:
            temporary.write_text("".join(map(_to_line, objects)), encoding="utf-8")
    return tuple(findings)


def _corners(one: WrittenObject) -> list[list[float]] | None:
    return one.rings[0] if len(one.rings) == 1 and len(one.rings[0]) == 4 else None


def _to_line(one: WrittenObject) -> str:
    x_min, y_min, x_max, y_max = one.box
    corners = _corners(one) or [[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]]
    difficulty = one.attributes.get("difficult", 0)
    numbers = " ".join(f"{value:.10g}" for corner in corners for value in corner)
    whole = isinstance(difficulty, int) and abs(difficulty) < 1 << 30
    return f"{numbers} {one.category} {int(difficulty) if whole else 0}\n"
