"""Say why pictures that lie where labels lie are not read as labels without being asked."""

from pathlib import Path

from cell_pipelines.annotations.formats.label_pictures.label_files import label_files
from cell_pipelines.annotations.formats.label_pictures.label_peeks import peek_kinds
from cell_pipelines.annotations.formats.label_pictures.rasters import read_raster
from cell_pipelines.annotations.formats.sources.label_naming import Naming

_CLASSES = (
    "looks like a map of classes: a number lies in many or distant pieces, so it can't be that of one cell. "
    "Name the `format` (`raw_format` for one run): binary_mask, with load_args {values: {1: alive, 2: dead}} where the "
    "numbers differ in meaning, or label_image where each number is one cell all the same."
)
_GREY = (
    "only images lie here: {file} lies or is called as labels are, but its numbers change from pixel to pixel, as grey "
    "values of a photograph or a map of probabilities do. A mask that was made from it can be read."
)
_FRACTIONS = (
    "{file} lies or is called as labels are, but not all its numbers are whole, as those of cells are: it may be a map "
    "of probabilities. Export a mask or a number for each cell."
)
_COLOURS = (
    "{file} lies or is called as labels are, but is a picture of several colours, whose meaning isn't known; export a "
    "number for each cell, or name the `format` instance_channel and the `channel` that holds the numbers."
)


def describe_unsupported_labels(folder: Path) -> str | None:
    """Return the question about the pictures in `folder`, where no format takes them; None where they raise none."""
    kinds = peek_kinds(folder)
    classes = next((file for file, kind in kinds.items() if kind == "classes"), None)
    if classes is not None:
        return f"{classes} {_CLASSES}"
    for kind, sentence in (("grey", _GREY), ("fractions", _FRACTIONS), ("colours", _COLOURS)):
        if kinds and set(kinds.values()) == {kind}:
            return sentence.format(file=next(iter(kinds)))
    alike = {"empty": "0", "full": "of one value"}
    if kinds and set(kinds.values()) <= set(alike):
        file, kind = next(iter(kinds.items()))
        return f"{len(kinds)} label pictures were looked at, and none holds a cell: {file} is {alike[kind]} throughout."
    return _describe_unreadable(folder) if not kinds else None


def _describe_unreadable(folder: Path) -> str | None:
    """Return why the first label picture in `folder` can't be read; None where it can, or none lies here."""
    naming = Naming()
    for path in label_files(folder, naming):
        relative = path.relative_to(folder)
        if naming.lies_in_labels((folder.resolve().name, *relative.parts[:-1])):
            try:
                read_raster(path)
            except ValueError as error:
                return f"{relative.as_posix()} lies where labels lie, but {error}"
            return None
    return None
