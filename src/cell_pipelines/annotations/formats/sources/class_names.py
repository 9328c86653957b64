"""Class names beside YOLO's labels: ``names`` in a YAML file, or the lines of ``classes.txt`` or ``obj.names``."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below
from cell_pipelines.annotations.formats.sources.text import read_text, read_yaml
from cell_pipelines.annotations.images import SPLIT_WORDS
from cell_pipelines.inside_paths import is_file_inside

MAX_CLASSES = 10_000
# Columns of a label: its class and a box.
_LEAST_COLUMNS = 5


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files in `folder`."""
    return [
        path
        for path in sorted(folder.glob("*"))
        if path.suffix.lower() in (".yaml", ".yml") and is_file_inside(folder, path)
    ]


def _places(folder: Path) -> list[Path]:
    """Return the folders where the description of labels lies: `folder`, and for one of labels those that hold it.

    The labels of a data set lie in ``labels``, ``labels/train`` or ``train/labels``.
    """
    last = [part.lower() for part in folder.resolve().parts[-2:]]
    if "labels" not in last:
        return [folder]
    above = list(folder.resolve().parents[:2])
    return [folder, *above] if last[0] == "labels" or last[0] in SPLIT_WORDS else [folder, above[0]]


def _descriptions(folder: Path) -> list[Path]:
    """Return the YAML files that may describe the labels in `folder`; above it, only those called as trainers ask."""
    beside, *above = _places(folder)
    named = [path for place in above for path in yaml_files(place) if path.stem.lower() in ("data", "dataset")]
    return [*yaml_files(beside), *named]


def read_class_names(folder: Path) -> list[str] | None:
    """Return the class names in order of their numbers; None where no file in or above `folder` gives any.

    Raises:
        AnnotationFormatError: A file can't be read, or its names are not a list of different names.
    """
    # Darknet, and CVAT's YOLO 1.1, write obj.names.
    lists = [child(place, name) for place in _places(folder) for name in ("classes.txt", "obj.names")]
    lists += class_lists(folder)
    for path in [*_descriptions(folder), *(path for path in lists if is_file_inside(path.parent, path))]:
        try:
            names = _listed(path) if path.suffix.lower() in (".txt", ".names") else _described(path)
        except ValueError as error:
            raise AnnotationFormatError(f"{path}: the class names can't be read: {error}") from error
        if names is not None:
            return names
    return None


def class_lists(folder: Path) -> list[Path]:
    """Return the ``classes.txt`` below `folder` that LabelImg writes among the labels: texts with no label in them."""
    found = (path for path in files_below(folder, ".txt") if path.name.lower() == "classes.txt")
    return sorted((path for path in found if not _holds_label(path)), key=lambda path: (len(path.parts), path))


def _holds_label(path: Path) -> bool:
    try:
        return any(len(line.split()) >= _LEAST_COLUMNS for line in read_text(path).splitlines())
    except ValueError:
        return False


def read_description(folder: Path) -> Mapping[str, Any]:
    """Return what a ``data.yaml`` in or above `folder` says, which names the classes or the key points' shape."""
    for path in _descriptions(folder):
        try:
            content = read_yaml(path)
        except ValueError:
            # Whoever reads the class names says so.
            continue
        if isinstance(content, Mapping) and {"names", "kpt_shape"} & set(content):
            return content
    return {}


def _listed(path: Path) -> list[str]:
    return _checked([line.strip() for line in read_text(path).splitlines() if line.strip()])


def _described(path: Path) -> list[str] | None:
    content = read_yaml(path)
    names = content.get("names") if isinstance(content, Mapping) else None
    if not isinstance(names, Mapping):
        return None if names is None else _checked(names)
    numbered = {int(number): name for number, name in names.items()}
    if numbered and not 0 <= min(numbered) <= max(numbered) < MAX_CLASSES:
        raise ValueError(f"class numbers must lie in 0..{MAX_CLASSES - 1}.")
    return _checked([numbered.get(i, f"class_{i}") for i in range(max(numbered, default=-1) + 1)])


def _checked(names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("`names` must be a list of names, or names by number.")
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ValueError(f"the names must differ from each other; repeated: {', '.join(repeated)}.")
    return names
