"""YOLO: a text file an image, fractions of the image's size; class names in ``data.yaml`` or ``classes.txt``."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.class_names import read_class_names, yaml_files
from cell_pipelines.annotations.formats.intake import Intake
from cell_pipelines.annotations.formats.label_paths import files_below
from cell_pipelines.annotations.formats.tables import peek
from cell_pipelines.annotations.formats.text import read_text, read_yaml
from cell_pipelines.annotations.formats.yolo_lines import MAX_FRACTION, to_chunks, to_numbers, to_texts
from cell_pipelines.annotations.geometry.conventions import centres_to_edges
from cell_pipelines.annotations.geometry.rings import split_ring
from cell_pipelines.annotations.images import SPLITS, ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path, resolve_inside

SUMMARY = (
    "YOLO label files: boxes, polygons and oriented boxes; Ultralytics, Roboflow, CVAT and Label Studio write them."
)
CAPABILITIES = Capabilities(geometries=("box", "polygon"), attributes=False, splits=True)

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
        if len(words) >= 5 and _is_numeric(words) and all(-0.5 <= float(word) <= 1.5 for word in words[1:]):
            return f"{path.relative_to(folder).as_posix()} holds class numbers and fractions"
    return None


def _are_own(folder: Path) -> bool:
    """Say whether a label file lies elsewhere than in a folder labelTxt, or none lies here at all."""
    files = list(_label_files(folder))
    return not files or any("labelTxt" not in path.parts for path in files)


def _is_numeric(words: Sequence[str]) -> bool:
    try:
        return all(isinstance(float(word), float) for word in words)
    except ValueError:
        return False


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read boxes and polygons; a sixth number of a box, or one beyond a polygon's pairs, is its score.

    Args:
        folder: Holds ``data.yaml`` or ``classes.txt``, and the label files at any depth.
        images: The images that are there; a label file belongs to the image of the same path, with
            ``labels`` for ``images``, or else of the same name.
        **options: As for `Intake`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: The class names can't be read.
    """
    names = read_class_names(folder)
    if options.get("classes") is None:
        # The order of the file is the order of the classes, also of those without an object.
        options["classes"] = names
    intake = Intake(images, sort_categories=True, **options)
    for path in _label_files(folder):
        file = path.relative_to(folder).as_posix()
        try:
            lines = read_text(path).splitlines()
        except ValueError as error:
            intake.skip_file(file, str(error))
            continue
        numbered = [(n, line.split()) for n, line in enumerate(lines, start=1) if line.strip()]
        _read_lines(intake, file, numbered, names)
    return intake.finish("yolo")


def _label_files(folder: Path) -> Iterator[Path]:
    whole = folder.name == "labels" and not (folder / "labels").is_dir()
    for path in files_below(folder, ".txt"):
        # In a folder of labels any name is that of an image.
        free = whole or "labels" in path.relative_to(folder).parts[:-1]
        named = path.name in _NOT_LABELS or path.name.lower().startswith(("readme", "license"))
        if free or not named:
            yield path


def _read_lines(intake: Intake, file: str, lines: list[tuple[int, list[str]]], names: list[str] | None) -> None:
    parts = ["images" if part == "labels" else part for part in PurePosixPath(file).parts]
    record = intake.images.find("/".join(parts))
    numbers = to_numbers([words for _, words in lines])
    if numbers is None and not any(_is_numeric(words) for _, words in lines):
        # An image of which nothing is known is no image without cells.
        intake.skip_file(file, "no line holds numbers only, so this is no label file.")
        intake.drop(file, "", "the lines of a file that is skipped.", len(lines) if record else 0)
        return
    row = intake.image(file, record.name if record else PurePosixPath(file).stem)
    if row is None or intake.refuse_second_label(file, row):
        intake.drop(file, "", "the objects of a file that is skipped.", len(lines))
        return
    if numbers is None:
        for number, words in lines:
            _read_line(intake, (file, f"line {number}"), row, words, names)
        return
    for chunk in to_chunks(numbers, [number for number, _ in lines], (row, *intake.size(row)), names):
        intake.add_chunk(file, chunk)


def _read_line(intake: Intake, place: tuple[str, str], row: int, words: list[str], names: list[str] | None) -> None:
    file, entry = place
    try:
        number, values = _whole(words[0]), np.array([float(w) for w in words[1:]], dtype=np.float64)
    except ValueError:
        intake.drop(file, entry, f"expected a class number and fractions, got {' '.join(words)[:60]!r}.")
        return
    if len(values) not in (4, 5) and len(values) < 6:
        intake.drop(file, entry, f"expected 4 numbers for a box or at least 6 for a polygon, got {len(values)}.")
        return
    if number < 0 or not (np.abs(values) <= MAX_FRACTION).all():
        reason = f"the class number must be 0 or more and fractions finite, got {' '.join(words)[:60]!r}."
        intake.drop(file, entry, reason)
        return
    category = names[number] if names and number < len(names) else f"class_{number}"
    width, height = intake.size(row)
    # An odd count of numbers ends in a score: a box has 4, a polygon pairs.
    score = float(values[-1]) if len(values) % 2 else None
    values = values[:-1] if len(values) % 2 else values
    if len(values) == 4:
        box = centres_to_edges(values[None], width, height)[0]
        intake.add_box(file, entry, row, category, [float(v) for v in box], score=score)
    else:
        ring = values.reshape(-1, 2) * np.array([width, height])
        intake.add_polygon(file, entry, row, category, split_ring(ring), score=score)


def _whole(text: str) -> int:
    # Some tools write the class as 0.0.
    if not float(text).is_integer():
        raise ValueError(f"{text} is no class number")
    return int(float(text))


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``labels/<image>.txt`` and ``data.yaml``; every image gets a file, also one without objects.

    Args:
        annotations: What to write; scores follow the numbers where there are any. Several rings of a polygon are
            written as one, joined by seams without width.
        folder: Where to.

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
    description = {**_write_splits(annotations, folder), "names": dict(enumerate(annotations.categories))}
    text = yaml.safe_dump(description, sort_keys=False, allow_unicode=True)
    with atomic_path(folder / "data.yaml") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return ()


def label_path(image: str) -> str:
    """Return where the labels of an image stand.

    >>> label_path("images/train/a.png"), label_path("a.png")
    ('labels/train/a.txt', 'labels/a.txt')
    """
    path = PurePosixPath(image).with_suffix(".txt")
    return str(PurePosixPath("labels", *path.parts[1 if path.parts[0] == "images" else 0 :]))


def _write_splits(annotations: AnnotationSet, folder: Path) -> dict[str, str]:
    """Return the place of each split: its folder, or where images lie elsewhere, the list that is written of them."""
    pairs = list(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
    places: dict[str, str] = {}
    for split in SPLITS:
        names = [name if name.startswith("images/") else f"images/{name}" for name, own in pairs if own == split]
        if names and all(name.startswith(f"images/{split}/") for name in names):
            places[split] = f"images/{split}"
        elif names:
            places[split] = f"{split}.txt"
            (folder / places[split]).write_text("".join(f"./{name}\n" for name in names), encoding="utf-8")
    return places
