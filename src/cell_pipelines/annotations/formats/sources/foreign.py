"""Well-known sources that no format here reads, each with the sentence that says what to do instead."""

import os
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cell_pipelines.annotations.formats.sources.tables import data_files, peek, peek_header

LOOKED_AT = 20

_IMAGE_SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".czi", ".nd2", ".lif", ".oir", ".oib", ".vsi",
    ".svs", ".ndpi",
}  # fmt: skip
_IMAGE_COLUMNS = {"image_name", "image_id", "filename", "image", "id", "imageid"}
_LABEL_COLUMNS = {"label_name", "label", "class", "labels", "target"}
_BOX_COLUMNS = ({"x1", "y1"}, {"bbox"}, {"xmin", "ymin"}, {"x_min", "y_min"})
_OPEN_IMAGES_COLUMNS = (
    {"labelname", "displayname"}, {"imageid", "source", "labelname"}, {"imageid", "subset", "originalurl"},
)  # fmt: skip
_CLASS_LINE = re.compile(r"[^\s,]+[\s,]+[A-Za-z_]\w*")
_BOX_LINE = re.compile(r"[^\s,]+\.\w{2,4},\w+(,[-+\d.]+){3,4}")
_YOLO_LINE = re.compile(r"\d{1,5}(\s+[01]?\.\d+){4,64}")
_MARK = re.compile(r"\s*[01]\s*")

_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
_TEXTS = {".txt", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml"}
_SHOWN_BYTES, _SHOWN_CHARACTERS = 400, 60

_TFRECORD = (
    "is a TFRecord, which can't be read here; export the annotations as COCO JSON, or take the CSV that the record "
    "was made from."
)
_CELLPOSE = (
    "is Cellpose's own file, a Python pickle, which is not opened because it could run any code; save the masks as "
    "PNG or TIFF in Cellpose and read those as label images."
)
_PANOPTIC = "is COCO panoptic, whose objects are colours in PNG images; export COCO instances instead."
_DATUMARO = "is Datumaro's own JSON; let Datumaro convert it: `datum convert -f coco`."
_VIA_3 = "is a project of the VGG Image Annotator 3; export its annotations as COCO JSON, or use version 2."
_OPEN_IMAGES = (
    "is an Open Images table, whose boxes are fractions of images that are named by number; convert it to COCO, for "
    "instance by Datumaro or FiftyOne."
)
_IMAGE_CLASSES = "gives classes of whole images, not of objects in them; there is no object to find or outline in it."
_OTHER_BOXES = (
    "is a table of boxes under column names of its own; name the columns filename, width, height, class, xmin, ymin, "
    "xmax, ymax (pixels, corners), and it is read as tensorflow_csv."
)
_BOX_LINES = (
    "is a text of boxes without a header; put the line filename,width,height,class,xmin,ymin,xmax,ymax on top, fill in "
    "these columns, call it .csv, and it is read as tensorflow_csv."
)
_MOTS = (
    "is the class list of a MOTS export, whose PNG images hold class and track in one number (class * 1000 + track); "
    "name the `format` label_image, which keeps the objects, or convert to COCO by Datumaro."
)
_YOLO = "looks like a YOLO label, but no data.yaml or classes.txt tells the class names; add one beside the labels."
_COLOURS = (
    "lists the colours of classes: pixels are coloured by class, so that cells that touch are one; export a label "
    "image or a mask for each cell instead."
)
_OUTLINES = (
    "is Cellpose's list of outlines, without holes or classes; save the masks there as PNG or TIFF and read those "
    "as label images, or the outlines for ImageJ as RoiSet.zip."
)
_SLIDE_XML = (
    ("<Annotations", "<Regions", "is an annotation of Aperio ImageScope, in pixels of the whole slide"),
    ("<ASAP_Annotations", "", "is an annotation of ASAP, in pixels of the whole slide"),
    ("<annotations", "<ndpviewstate", "is an annotation of Hamamatsu's NDP.view, in nanometres on the slide"),
)
_AS_GEOJSON = "open the slide in QuPath, import the annotation there, and export GeoJSON."
_OUTLINE_LINE = re.compile(r"\d+(,\d+){5,}")

_NAPARI_SHAPES = (
    "is a shapes layer of napari, which can't be read here; turn it into a labels layer there (Convert to Labels) "
    "and save that as TIFF."
)
_COLOUR_LIST = "names the classes of pictures that are coloured by object and by class; they are read as voc_masks."
_IMAGES_ONLY = (
    "only images lie here: not all hold numbers of cells or a mask, and none is called like the labels of another. "
    "Put labels into a folder of their own, called labels for instance; the annotations may also be in another folder, "
    "or the folders of images and annotations were exchanged."
)


def describe_unsupported(folder: Path) -> str | None:
    """Say what lies in `folder` and what would be readable, where it is something known; None else."""
    for known in (_binary, _json, _xml, describe_masks, _tables, _texts, _nothing_else):
        reason = known(folder)
        if reason:
            return reason
    return None


def describe_closed(folder: Path) -> str | None:
    """Say which files or folders in `folder` this user may not read; None where all can be read."""
    closed = [path for path in sorted(folder.rglob("*")) if path.exists() and not os.access(path, os.R_OK)]
    if not closed:
        return None
    return f"{len(closed)} files or folders can't be read, permission is denied; the first is {closed[0]}."


def describe_masks(folder: Path) -> str | None:
    """Say what the masks in `folder` are where a table or list tells that they are no label images; None else."""
    for path in data_files(folder, ".txt"):
        if path.name == "labelmap.txt" and (path.parent / "SegmentationObject").is_dir():
            return f"{path.relative_to(folder).as_posix()} {_COLOUR_LIST}"
    for name, path, _ in _peeks(folder, ".csv"):
        header = set(peek_header(path))
        if any(columns <= header for columns in _OPEN_IMAGES_COLUMNS):
            return f"{name} {_OPEN_IMAGES}"
        if {"name", "r", "g", "b"} <= header:
            return f"{name} {_COLOURS}"
    lists = (path for path in data_files(folder, ".txt") if path.name.lower() == "labels.txt")
    found = (path for path in lists if path.parent.name.lower() == "instances")
    return next((f"{path.relative_to(folder).as_posix()} {_MOTS}" for path in found), None)


def _peeks(folder: Path, *suffixes: str) -> Iterator[tuple[str, Path, str]]:
    """Yield name, path and beginning of the first files with these endings."""
    for path in islice(data_files(folder, *suffixes), LOOKED_AT):
        yield path.relative_to(folder).as_posix(), path, peek(path)


def _binary(folder: Path) -> str | None:
    for path in data_files(folder, ".tfrecord", ".tfrecords", ".record"):
        return f"{path.relative_to(folder).as_posix()} {_TFRECORD}"
    found = (path for path in data_files(folder, ".npy") if path.name.lower().endswith("_seg.npy"))
    return next((f"{path.relative_to(folder).as_posix()} {_CELLPOSE}" for path in found), None)


def _json(folder: Path) -> str | None:
    for name, _, text in _peeks(folder, ".json"):
        if '"segments_info"' in text:
            return f"{name} {_PANOPTIC}"
        if '"label_groups"' in text or '"dm_format_version"' in text:
            return f"{name} {_DATUMARO}"
        if '"vid_list"' in text or ('"metadata"' in text and '"fname"' in text):
            return f"{name} {_VIA_3}"
    return None


def _xml(folder: Path) -> str | None:
    for name, _, text in _peeks(folder, ".xml", ".ndpa"):
        for root, part, what in _SLIDE_XML:
            if root in text and part in text:
                return f"{name} {what}, which can't be read here; {_AS_GEOJSON}"
    return None


def _tables(folder: Path) -> str | None:
    for name, path, text in _peeks(folder, ".csv"):
        header = set(peek_header(path))
        if {"shape-type", "vertex-index"} <= header:
            return f"{name} {_NAPARI_SHAPES}"
        if header & _IMAGE_COLUMNS and any(box <= header for box in _BOX_COLUMNS):
            return f"{name} {_OTHER_BOXES}"
        if header & _IMAGE_COLUMNS and (_is_image_class(header) or _is_marked(text)):
            return f"{name} {_IMAGE_CLASSES}"
    return None


def _is_image_class(header: set[str]) -> bool:
    return len(header) == 2 and bool(header & _LABEL_COLUMNS)


def _is_marked(text: str) -> bool:
    """Say whether each class has a column of 0 and 1."""
    lines = [line.split(",")[1:] for line in text.splitlines()[1:LOOKED_AT] if line.strip()]
    # The last line may be cut off by the peek.
    whole = lines[:-1] or lines
    return bool(whole) and all(cells and all(_MARK.fullmatch(cell) for cell in cells) for cells in whole)


def _texts(folder: Path) -> str | None:
    for name, _, text in _peeks(folder, ".txt"):
        lines = [line.strip() for line in text.splitlines()[:LOOKED_AT] if line.strip()]
        if not lines:
            continue
        if "outlines" in name.lower() and all(_OUTLINE_LINE.fullmatch(line) for line in lines[:-1] or lines):
            return f"{name} {_OUTLINES}"
        if all(_BOX_LINE.fullmatch(line) for line in lines):
            return f"{name} {_BOX_LINES}"
        if all(_YOLO_LINE.fullmatch(line) for line in lines):
            return f"{name} {_YOLO}"
        if all(_CLASS_LINE.fullmatch(line) for line in lines):
            return f"{name} {_IMAGE_CLASSES}"
    return None


def _nothing_else(folder: Path) -> str | None:
    files = [p for p in islice(folder.rglob("*"), 10_000) if p.is_file() and not p.name.startswith(".")]
    files = [p for p in files if not p.name.lower().startswith(("readme", "license"))]
    # Masks are images as well, and read as such where their names tell.
    return _IMAGES_ONLY if files and all(p.suffix.lower() in _IMAGE_SUFFIXES for p in files) else None


def describe_contents(folder: Path) -> str:
    """Name the first files in `folder` that are no images, archives with what to do; empty where there are none."""
    files = [p for p in islice(sorted(folder.rglob("*")), 10_000) if p.is_file() and not p.name.startswith(".")]
    others = [path for path in files if path.suffix.lower() not in _IMAGE_SUFFIXES]
    if not others:
        return ""
    archive = next((path for path in others if path.suffix.lower() in _ARCHIVES), None)
    if archive is not None and archive.suffix.lower() == ".zip" and not zipfile.is_zipfile(archive):
        return f" {archive.relative_to(folder).as_posix()} is no whole zip archive: damaged, or cut short."
    if archive is not None:
        return f" {archive.relative_to(folder).as_posix()} is an archive in which none was recognised; unpack it."
    more = f" and {len(others) - 1} more files" if len(others) > 1 else ""
    first = others[0]
    start = peek(first, _SHOWN_BYTES).strip().splitlines() if first.suffix.lower() in _TEXTS else []
    begins = f", which begins {start[0][:_SHOWN_CHARACTERS]!r}" if start else ""
    begins = begins if first.stat().st_size else ", which is empty"
    return f" None of them is {first.relative_to(folder).as_posix()}{begins}{more}."
