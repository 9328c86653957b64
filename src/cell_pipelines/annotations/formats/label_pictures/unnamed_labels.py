"""Recognise a folder of labels by what its pictures hold, where neither its name nor theirs say so."""

from pathlib import Path

from cell_pipelines.annotations.formats.label_pictures.raster_kinds import kind_of
from cell_pipelines.annotations.formats.label_pictures.rasters import (
    SUFFIXES,
    Raster,
    one_channel,
    read_raster,
    whole_numbers,
)
from cell_pipelines.annotations.formats.sources.label_naming import Naming, is_image_folder
from cell_pipelines.annotations.images import SPLIT_WORDS

PEEK_FILES, PEEK_PIXELS = 12, 1 << 26
_NO_DATA = ("readme", "license", "thumbs.db")
# Which name such a folder could have.
_USUAL_NAME = "labels"


def name_of_root(folder: Path, naming: Naming) -> str:
    """Return the folder's name, or `labels` where nothing but its pictures tells that it holds labels.

    A folder called test or train is one side of what lies above it: ``masks/test`` holds masks.

    By its pictures alone it takes a folder with pictures and nothing else, none of them, nor a folder among them,
    called as labels or images are; and each of the first ones must hold numbers of cells, in one or all of its
    colours, or a mask.
    """
    place = folder.resolve()
    name = place.parent.name if place.name.lower() in SPLIT_WORDS else place.name
    says_something = naming != Naming() or naming.is_label_folder(name) or is_image_folder(name)
    return name if says_something or not _holds_only_labels(folder, naming) else _USUAL_NAME


def _holds_only_labels(folder: Path, naming: Naming) -> bool:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not pictures or any(path not in pictures and not path.name.lower().startswith(_NO_DATA) for path in files):
        return False
    inner = {name for path in pictures for name in path.relative_to(folder).parts[:-1]}
    if any(naming.is_label_folder(name) or is_image_folder(name) for name in inner):
        return False
    if any(naming.bare_name(path.stem) is not None for path in pictures):
        return False
    kinds = set()
    for path in pictures[:PEEK_FILES]:
        kinds.add(_kind(path))
        if not kinds <= {"labels", "binary", "empty"}:  # most folders of images end here
            return False
    return kinds != {"empty"}


def _kind(path: Path) -> str:
    try:
        raster = read_raster(path, limit=PEEK_PIXELS)
        kind = picture_kind(raster)
        if kind != "colours":
            return kind
        kind = str(kind_of(whole_numbers(one_channel(raster, lone=True)[0])))
        # Numbers in one colour are used again for cells that don't touch, as classes are.
        return "labels" if kind == "classes" else kind
    except ValueError:
        return "unread"


def picture_kind(raster: Raster) -> str:
    """Return a kind of `raster_kinds`, ``colours`` where channels differ, or ``fractions`` where numbers are not whole.

    Args:
        raster: (H, W) or (H, W, channels).
    """
    try:
        flat = one_channel(raster)[0]
    except ValueError:
        return "colours"
    try:
        return str(kind_of(whole_numbers(flat)))
    except ValueError:
        return "fractions"
