"""Which pictures in a folder are labels, and which image each belongs to.

A label lies in a folder called labels, masks, instances or the like, with its image in ``images`` beside; or its name
ends in ``_masks``, ``_labels``, ``_cp_masks`` and such; or it is called ``instances_ids.png`` beside one image.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cell_pipelines.annotations.formats.foreign import explain_masks
from cell_pipelines.annotations.formats.intake import Intake
from cell_pipelines.annotations.formats.label_paths import child, files_below
from cell_pipelines.annotations.formats.object_table import has_object_table
from cell_pipelines.annotations.formats.rasters import SUFFIXES, Raster, read_raster
from cell_pipelines.annotations.image_names import core_name, describe_match, plain_text, scene_file
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

# Lies in the folder where each picture is the mask of one cell.
MASK_TABLE = "masks.csv"
_WORD = r"(?:labels?|masks?|instances?|segmentations?|seg|gt|ground[ _-]?truth)"
_FOLDER = re.compile(rf"(?:^|.*[ ._-]){_WORD}", re.IGNORECASE)
_ENDING = re.compile(rf"(?P<name>.+?)[ ._-](?:(?:cp|instance)_)?(?:{_WORD}|instances?_ids|ids)", re.IGNORECASE)
_ALONE = re.compile(rf"(?:{_WORD}|instances?_ids|ids)", re.IGNORECASE)
_IMAGE_FOLDERS = ("images", "image", "imgs", "img", "raw", "")
_PEEK_FILES = 12
_PEEK_PIXELS = 1 << 26


@dataclass(frozen=True)
class Naming:
    """How labels are told from images.

    Attributes:
        folder: Name of the folder of the labels; None for the usual ones.
        suffix: What is added to an image's name; None for the usual ones.
        image: Which image a label without a name of its own belongs to where several lie in its folder.
    """

    folder: str | None = None
    suffix: str | None = None
    image: str = "raw"

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> "Naming":
        """Take ``label_folder``, ``suffix`` and ``image`` out of a reader's options, in place.

        Raises:
            TypeError: One of them is no text.
        """
        given = {key: options.pop(key) for key in ("label_folder", "suffix", "image") if key in options}
        for key, value in given.items():
            if not isinstance(value, str) and (value is not None or key == "image"):
                raise TypeError(f"`{key}` must be a text, got {value!r}.")
        return cls(given.get("label_folder"), given.get("suffix"), given.get("image", "raw"))

    def is_label_folder(self, name: str) -> bool:
        """Say whether a folder of this name holds labels."""
        return name == self.folder if self.folder is not None else bool(_FOLDER.fullmatch(name))

    def bare_name(self, stem: str) -> str | None:
        """Return the image's name in a label's name, empty where it is none; None for a name that isn't a label's."""
        if self.suffix is not None:
            return stem.removesuffix(self.suffix) if self.suffix and stem.endswith(self.suffix) else None
        if _ALONE.fullmatch(stem):
            return ""
        found = _ENDING.fullmatch(stem)
        return found["name"] if found else None


def label_files(folder: Path, naming: Naming) -> list[Path]:
    """Return the pictures below `folder` that are labels of whole images; none where each is the mask of one cell."""
    if has_object_table(folder, MASK_TABLE):
        return []
    found = sorted(path for ending in SUFFIXES for path in files_below(folder, ending))
    inner = {name for path in found for name in path.relative_to(folder).parts[:-1]}
    # Where a folder in it holds the labels, the name of the whole says nothing.
    root = "" if any(map(naming.is_label_folder, inner)) else folder.resolve().name
    kept = [path for path in found if _is_label(path.relative_to(folder), root, naming)]
    single = {parent: is_mask_folder(parent) for parent in {path.parent for path in kept}}
    return [path for path in kept if not single[path.parent]]


def _is_label(path: Path, root: str, naming: Naming) -> bool:
    folders = (*path.parts[:-1], *(() if naming.folder else (root,)))
    in_folder = any(map(naming.is_label_folder, folders))
    if naming.folder is not None or naming.suffix is not None:
        named = naming.suffix is None or naming.bare_name(path.stem) is not None
        return named and (naming.folder is None or in_folder)
    return in_folder or naming.bare_name(path.stem) is not None


def is_mask_folder(folder: Path) -> bool:
    """Say whether a folder holds one mask for each cell of the single image in ``images`` beside it."""
    # A link may lead out of the source.
    if not _FOLDER.fullmatch(folder.name) or folder.is_symlink():
        return False
    images = [p for p in child(folder.parent, "images").glob("*") if p.is_file() and not p.name.startswith(".")]
    masks = [p.stem for p in folder.glob("*") if p.suffix.lower() in SUFFIXES]
    return len(images) == 1 and bool(masks) and (len(masks) > 1 or not masks[0].startswith(images[0].stem))


def find_image(images: ImageIndex, file: str, naming: Naming, *, apart: bool = False) -> ImageRecord | None:
    """Return the image that a label belongs to, which may be one that can't be read; None where none is found.

    Labels may lie `apart`, in a folder of their own of which no picture is an image; then both may have one path.
    """
    path = PurePosixPath(file)
    bare = naming.bare_name(path.stem)
    for near in _folders_of_images(path.parent, naming):
        for name in filter(None, (path.stem, bare)):
            record = images.find(name, near)
            if record is not None and is_called(record, name) and _is_image(record, "" if apart else file, naming):
                return record
    return _neighbour(images, path, naming) if bare == "" else None


def is_called(record: ImageRecord, name: str) -> bool:
    """Say whether the last part of an image's name is `name`, with or without endings; capitals don't count."""
    path = PurePosixPath(record.name)
    known = {path.name, path.stem, core_name(record.name), PurePosixPath(scene_file(record.name) or "").stem}
    return plain_text(name).casefold() in {plain_text(form).casefold() for form in known}


def _folders_of_images(folder: PurePosixPath, naming: Naming) -> Iterator[str]:
    for place in range(len(folder.parts) - 1, -1, -1):
        if naming.is_label_folder(folder.parts[place]):
            for word in _IMAGE_FOLDERS:
                yield str(PurePosixPath(*folder.parts[:place], word, *folder.parts[place + 1 :]))
    yield str(folder)
    yield "images"


def _is_image(record: ImageRecord, file: str, naming: Naming) -> bool:
    """Say whether a record is no label itself: all pictures of a folder may have been taken for images."""
    path = PurePosixPath(record.name)
    return record.name != file and not any(map(naming.is_label_folder, path.parts[:-1]))


def _neighbour(images: ImageIndex, path: PurePosixPath, naming: Naming) -> ImageRecord | None:
    beside = [r for r in images.records if PurePosixPath(r.name).parent == path.parent and r.name != str(path)]
    others = [r for r in beside if naming.bare_name(PurePosixPath(r.name).stem) is None]
    chosen = [r for r in others if PurePosixPath(r.name).stem == naming.image] or others
    return chosen[0] if len(chosen) == 1 else None


def read_label_files(
    intake: Intake,
    folder: Path,
    naming: Naming,
    take: Callable[[str, int, Raster], None],
    check: Callable[[Raster], Raster],
) -> None:
    """Bring each label below `folder` to its image.

    Args:
        intake: The door.
        folder: Where the labels lie, at any depth.
        naming: How labels are told from images.
        take: Takes file, image row and what `check` gave.
        check: Turns the picture into labels; what it refuses with a ValueError is listed, and the image has no label.
    """
    apart = naming.is_label_folder(folder.resolve().name)
    for path in label_files(folder, naming):
        file = path.relative_to(folder).as_posix()
        record = find_image(intake.images, file, naming, apart=apart)
        if record is None:
            intake.skip_file(file, f"label without image: no image, or more than one, is called {path.stem!r}.")
            continue
        if record.is_damaged:
            intake.image(file, record.name)
            continue
        try:
            labels = check(read_raster(path, (record.width, record.height)))
        except ValueError as error:
            intake.skip_file(file, str(error))
            continue
        if remark := describe_match(naming.bare_name(path.stem) or path.stem, record.name):
            intake.note(file, "", "noted", remark, 0)
        row = intake.image(file, record.name)
        if row is not None and not intake.refuse_second_label(file, row):
            take(file, row, labels)


def _is_of_labelme(path: Path) -> bool:
    """Say whether a picture lies below ``Masks`` with the XML files of LabelMe in ``Annotations`` beside."""
    above = next((parent for parent in path.parents if parent.name.lower() == "masks"), None)
    beside = child(above.parent, "Annotations") if above is not None else None
    # A link may lead out of the source.
    return beside is not None and not beside.is_symlink() and any(files_below(beside, ".xml"))


def _has_table(folder: Path, relative: Path) -> bool:
    """Say whether a table, which some formats write, says what the pictures of this folder are."""
    return len(relative.parts) > 1 and has_object_table(folder, f"{relative.parts[0]}/classes.csv")


def peek_rasters(folder: Path) -> Iterator[tuple[str, Raster]]:
    """Yield name and picture of the first labels below `folder` that surely are labels: an image lies beside."""
    naming = Naming()
    yielded = 0
    for path in label_files(folder, naming) if explain_masks(folder) is None else []:
        relative = path.relative_to(folder)
        if _is_of_labelme(path) or _has_table(folder, relative):
            continue
        if not any(map(naming.is_label_folder, (*relative.parts[:-1], folder.resolve().name))):
            bare = naming.bare_name(path.stem)
            others = (p for p in path.parent.iterdir() if p != path and p.is_file())
            if not any(p.stem == bare or (bare == "" and p.suffix.lower() in SUFFIXES) for p in others):
                continue
        try:
            raster = read_raster(path, limit=_PEEK_PIXELS)
        except ValueError:
            continue
        yield relative.as_posix(), raster
        yielded += 1
        if yielded == _PEEK_FILES:
            return
