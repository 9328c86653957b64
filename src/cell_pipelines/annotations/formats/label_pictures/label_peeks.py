"""Look at the first label pictures of a folder, to say what they are."""

from collections.abc import Iterator
from pathlib import Path

from cell_pipelines.annotations.formats.label_pictures.label_files import label_files
from cell_pipelines.annotations.formats.label_pictures.object_table import has_object_table
from cell_pipelines.annotations.formats.label_pictures.rasters import (
    SUFFIXES,
    Raster,
    read_raster,
)
from cell_pipelines.annotations.formats.label_pictures.unnamed_labels import (
    PEEK_FILES,
    PEEK_PIXELS,
    name_of_root,
    picture_kind,
)
from cell_pipelines.annotations.formats.sources.foreign import describe_masks
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below


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
    root, yielded = name_of_root(folder, naming), 0
    for path in label_files(folder, naming) if describe_masks(folder) is None else []:
        relative = path.relative_to(folder)
        if _is_of_labelme(path) or _has_table(folder, relative):
            continue
        if not naming.lies_in_labels((root, *relative.parts[:-1])):
            names = naming.image_names(path.stem)[1:]
            others = [p for p in path.parent.iterdir() if p != path and p.is_file()]
            alone = len(names) == 0 and any(p.suffix.lower() in SUFFIXES for p in others)
            if not alone and not any(p.stem in names for p in others):
                continue
        try:
            raster = read_raster(path, limit=PEEK_PIXELS)
        except ValueError:
            continue
        yield relative.as_posix(), raster
        yielded += 1
        if yielded == PEEK_FILES:
            return


def peek_kinds(folder: Path) -> dict[str, str]:
    """Return what the first labels below `folder` probably are, by name.

    See `picture_kind`.
    """
    return {file: picture_kind(raster) for file, raster in peek_rasters(folder)}
