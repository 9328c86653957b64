"""Find the label pictures in a folder and the image that each belongs to.

A label lies in a folder called labels, masks, instances or the like, with its image in ``images`` beside; or its name
ends in ``_masks``, ``_labels``, ``_cp_masks`` and such, or begins so; or it is called ``instances_ids.png`` beside one
image; or it is one of the Cell Tracking Challenge's, ``01_GT/TRA/man_track000.tif`` for ``01/t000.tif``.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.formats.label_pictures.label_unread import unread_labels
from cell_pipelines.annotations.formats.label_pictures.label_values import Remark
from cell_pipelines.annotations.formats.label_pictures.object_table import has_object_table
from cell_pipelines.annotations.formats.label_pictures.raster_kinds import kind_of
from cell_pipelines.annotations.formats.label_pictures.rasters import (
    SUFFIXES,
    Raster,
    read_raster,
)
from cell_pipelines.annotations.formats.label_pictures.unnamed_labels import name_of_root
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_naming import (
    Naming,
    image_of_one_cell,
    is_image_folder,
    is_label_word,
)
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below
from cell_pipelines.annotations.image_names import describe_match, name_forms, plain_text
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

# Lies in the folder where each picture is the mask of one cell.
MASK_TABLE = "masks.csv"
# Of the Cell Tracking Challenge, whose labels are there twice.
_TRACKING_FOLDERS = {"TRA", "SEG", "ST", "ERR_SEG"}
_SECOND = (
    "the cells of this label are left out, since {first} is the label of the same image; where each picture holds a "
    "class of cells, join them, such as in a label image with a table of classes."
)


def label_files(folder: Path, naming: Naming) -> list[Path]:
    """Return the pictures below `folder` that are labels of whole images; none where each is the mask of one cell."""
    if has_object_table(folder, MASK_TABLE):
        return []
    found = sorted(path for ending in SUFFIXES for path in files_below(folder, ending))
    inner = {name for path in found for name in path.relative_to(folder).parts[:-1]}
    # Where a folder in it holds the labels or the images, the name of the whole says nothing.
    says_nothing = any(naming.is_label_folder(name) or is_image_folder(name) for name in inner)
    root = "" if says_nothing else name_of_root(folder, naming)
    kept = [path for path in found if _is_label(path.relative_to(folder), root, naming)]
    single = {parent: is_mask_folder(parent) for parent in {path.parent for path in kept}}
    return _of_one_kind([path for path in kept if not single[path.parent]])


def _is_label(path: Path, root: str, naming: Naming) -> bool:
    in_folder = naming.lies_in_labels((*(() if naming.folder else (root,)), *path.parts[:-1]))
    if naming.folder is not None or naming.suffix is not None:
        named = naming.suffix is None or naming.bare_name(path.stem) is not None
        return named and (naming.folder is None or in_folder)
    return in_folder or naming.bare_name(path.stem) is not None


def _of_one_kind(paths: list[Path]) -> list[Path]:
    """Return the labels in the order in which the first of an image counts: tracks before outlines of some frames."""
    return sorted(paths, key=lambda path: path.parent.name.upper() != "TRA")


def is_mask_folder(folder: Path) -> bool:
    """Say whether a folder holds one mask for each cell of the single image in ``images`` beside it."""
    # A link may lead out of the source.
    if not is_label_word(folder.name) or folder.is_symlink():
        return False
    images = [p for p in child(folder.parent, "images").glob("*") if p.is_file() and not p.name.startswith(".")]
    masks = [p.stem for p in folder.glob("*") if p.suffix.lower() in SUFFIXES]
    return len(images) == 1 and bool(masks) and (len(masks) > 1 or not masks[0].startswith(images[0].stem))


def find_image(images: ImageIndex, file: str, naming: Naming, *, apart: bool = False) -> ImageRecord | None:
    """Return the image that a label belongs to, which may be one that can't be read; None where none is found.

    Labels may lie `apart`, in a folder of their own of which no picture is an image; then both may have one path.
    """
    path = PurePosixPath(file)
    possible = naming.image_names(path.stem)
    # By its own name a picture finds itself, where only that name makes it a label.
    own_name = apart or naming.lies_in_labels(path.parts[:-1]) or len(possible) == 1
    names = [name for name in (possible if own_name else possible[1:]) if images.is_called(name)]
    for near in naming.image_folders(path.parent) if names else ():
        for name in names:
            record = images.find(name, near)
            if record is not None and is_called(record, name) and _is_image(record, "" if apart else file, naming):
                return record
    return _neighbour(images, path, naming) if naming.bare_name(path.stem) == "" else None


def is_called(record: ImageRecord, name: str) -> bool:
    """Say whether the last part of an image's name is `name`, with or without endings; capitals don't count."""
    return plain_text(name).casefold() in name_forms(record.name)


def _is_image(record: ImageRecord, file: str, naming: Naming) -> bool:
    """Say whether a record is no label itself: all pictures of a folder may have been taken for images."""
    path = PurePosixPath(record.name)
    return record.name != file and not naming.lies_in_labels(path.parts[:-1])


def _neighbour(images: ImageIndex, path: PurePosixPath, naming: Naming) -> ImageRecord | None:
    beside = [r for r in images.records if PurePosixPath(r.name).parent == path.parent and r.name != str(path)]
    others = [r for r in beside if naming.bare_name(PurePosixPath(r.name).stem) is None]
    chosen = [r for r in others if PurePosixPath(r.name).stem == naming.image] or others
    return chosen[0] if len(chosen) == 1 else None


def read_label_files(
    collector: AnnotationCollector, folder: Path, naming: Naming, take: Callable[[str, int, Raster], None],
    check: Callable[[Raster], tuple[Raster, list[Remark]]],
) -> None:  # fmt: skip
    """Bring each label below `folder` to its image.

    Args:
        collector: Takes the objects.
        folder: Where the labels lie, at any depth.
        naming: How labels differ from images.
        take: Takes file, image row and what `check` gave.
        check: Turns the picture into labels, with remarks; what it refuses with a ValueError is listed, and the image
            has no label.
    """
    apart = naming.is_label_folder(name_of_root(folder, naming))
    for file, reason in unread_labels(folder, naming):
        collector.skip_file(file, reason)
    files = {path.relative_to(folder).as_posix(): path for path in label_files(folder, naming)}
    # Where labels and images lie in one folder, all its pictures may have been taken for images.
    images = collector.images if apart else collector.images.without(files)
    collector.labels.update(() if apart else files)
    for file, path in files.items():
        record = find_image(images, file, naming, apart=apart)
        if record is None:
            collector.skip_file(file, _describe_lost(images, path.stem))
            continue
        if record.is_damaged:
            collector.image(file, record.name)
            continue
        try:
            raster = read_raster(path, (record.width, record.height))
            if apart and record.name == file:
                _refuse_photograph(raster)
            labels, remarks = check(raster)
        except ValueError as error:
            collector.skip_file(file, str(error))
            continue
        _add(collector, file, record, naming, (labels, remarks), take)


def _add(
    collector: AnnotationCollector, file: str, record: ImageRecord, naming: Naming, read: tuple[Raster, list[Remark]],
    take: Callable[[str, int, Raster], None],
) -> None:  # fmt: skip
    labels, remarks = read
    stem = PurePosixPath(file).stem
    if remark := describe_match(naming.bare_name(stem) or stem, record.name):
        collector.note(file, "", "noted", remark, 0)
    row = collector.image(file, record.name)
    if row is None:
        return
    if collector.refuse_second_label(file, row):
        if labels.any() and PurePosixPath(file).parent.name.upper() not in _TRACKING_FOLDERS:
            collector.note(file, "", "suspect", _SECOND.format(first=collector.first_label(file, row)), 0)
        return
    for said in remarks:
        collector.objects_in += said.objects if said.action == "dropped" else 0
        collector.note(file, "", said.action, said.reason, said.objects)
    take(file, row, labels)


def _describe_lost(images: ImageIndex, stem: str) -> str:
    one_cell = image_of_one_cell(stem)
    record = images.find(one_cell) if one_cell else None
    if record is not None:
        name = PurePosixPath(record.name).stem
        return (
            f"it seems to be the mask of one cell of {record.name}; mask_files reads such masks as {name}/masks/*.png."
        )
    return f"label without image: no image, or more than one, is called {stem!r}."


def _refuse_photograph(raster: Raster) -> None:
    """Refuse a photograph that was found as its own label."""
    if kind_of(_any_channel(raster)) == "grey":
        raise ValueError("the picture is its own image, a photograph by its grey values, and no label.")


def _any_channel(raster: Raster) -> Raster:
    flat = raster if raster.ndim == 2 else raster[..., 0]
    return (flat * 255).astype(int) if flat.dtype.kind == "f" else flat
