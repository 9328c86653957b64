"""Find ImageJ's ROIs: in ``.roi`` files, in zip archives of them, and inside its own TIFF images."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cell_pipelines.annotations.formats.sources.archives import list_members, read_member
from cell_pipelines.annotations.formats.sources.decoding import decoding_errors
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.text import read_bytes
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.unpacking import most_unpacked

ENDINGS = (".zip", ".roi", ".tif", ".tiff")
MAGIC = b"Iout"
MAX_MEMBER_BYTES = 1 << 26
MAX_UNPACKED_BYTES = 1 << 30
# Any archive may hold this much; ROIs are packed to a third, not to a hundredth.
_SMALL_BYTES = 1 << 26
_METADATA_TAG = 50839
_SET_WORD = re.compile(r"^(?P<name>.*?)(?P<gap>[ _-]*)(?:roi[ _-]?set|rois?)$", re.IGNORECASE)
_SET_WORD_FIRST = re.compile(r"^(?:roi[ _-]?set|rois?)[ _-]+(?P<name>.+)$", re.IGNORECASE)
_LABEL_WORDS = re.compile(
    r"(?:^|[ ._-])(?:masks?|labels?|instances?|segmentations?|seg|ids)(?:[ ._-]|$)", re.IGNORECASE
)


def is_named_roi_set(path: Path) -> bool:
    """Say whether a file is called like an archive of ROIs."""
    return path.suffix.lower() == ".zip" and bool(_SET_WORD.match(path.stem) or _SET_WORD_FIRST.match(path.stem))


def roi_files(folder: Path) -> list[Path]:
    """Return the files below `folder` that may hold ROIs: archives first, then single ROIs, then TIFF images."""
    return [path for ending in ENDINGS for path in files_below(folder, ending)]


def read_rois(path: Path) -> Iterator[tuple[str, bytes | str]] | None:
    """Return name and bytes of each ROI in a file; None for a file that is none of ROIs.

    A member of an archive that can't be unpacked gives the reason, a text, instead of its bytes.

    Raises:
        ValueError: The file can't be read, or holds more than the limits allow.
    """
    if path.suffix.lower() == ".zip":
        return _read_archive(path)
    if path.suffix.lower() == ".roi":
        return iter([("", read_bytes(path, MAX_MEMBER_BYTES))])
    return _read_tiff(path)


def _read_archive(path: Path) -> Iterator[tuple[str, bytes | str]] | None:
    listed, others = list_members(path, ".roi")
    # An archive without members is how an image without objects is written.
    is_other = not listed and (others or not _SET_WORD.match(path.stem))
    return None if is_other else _members(path, listed)


def _members(path: Path, listed: list[zipfile.ZipInfo]) -> Iterator[tuple[str, bytes | str]]:
    unpacked, most = 0, min(MAX_UNPACKED_BYTES, most_unpacked(path.stat().st_size, _SMALL_BYTES))
    with zipfile.ZipFile(path) as archive:
        for member in listed:
            try:
                content = read_member(archive, member, min(MAX_MEMBER_BYTES, most - unpacked))
            except ValueError as error:
                yield member.filename, str(error)
                continue
            unpacked += len(content)
            yield member.filename, content


def _read_tiff(path: Path) -> Iterator[tuple[str, bytes | str]] | None:
    import tifffile

    try:
        with path.open("rb") as file:
            if file.read(2) not in (b"II", b"MM"):
                return None
        with tifffile.TiffFile(path) as tiff:
            tag = tiff.pages.first.tags.get(_METADATA_TAG) if tiff.is_imagej else None
            metadata: Any = tag.value if tag is not None and tag.count < MAX_MEMBER_BYTES else None
    # That an image is damaged is for whoever reads images to say.
    except decoding_errors():
        return None
    if not isinstance(metadata, dict):
        return None
    overlays = _as_list(metadata.get("Overlays"))
    # The selection at the time of saving may be one of the overlay.
    everything = [*overlays, *(roi for roi in _as_list(metadata.get("ROI")) if roi not in overlays)]
    rois = [(f"ROI {number}", roi) for number, roi in enumerate(everything, start=1) if isinstance(roi, bytes)]
    return iter(rois) if rois else None


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def image_of(images: ImageIndex, file: str, preferred: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of the image that a file of ROIs belongs to, and the candidates where there are several.

    ``a_RoiSet.zip``, ``a.zip`` and ``a.roi`` belong to the image a; ``RoiSet.zip``, and a ROI that is called like no
    image, to the image in the same folder, or to the one that their folder is called like.

    Args:
        images: The images that are there.
        file: Path of the file with the ROIs.
        preferred: Which image to take where several lie in the folder, without its ending.
    """
    path = PurePosixPath(file)
    if path.suffix.lower() in (".tif", ".tiff"):
        return path.name, ()
    own = path.with_suffix("").name
    found = _SET_WORD_FIRST.match(own) or _SET_WORD.match(own)
    bare = found["name"] if found else own
    # The image's own name may end like the gap.
    longer = bare + found["gap"][:-1] if found and found.re is _SET_WORD else bare
    for name in filter(None, (longer, bare, own)):
        if images.find(name, str(path.parent)) is not None:
            return name, ()
    if bare and path.suffix.lower() == ".zip":
        return bare, ()
    return _neighbour(images, path.parent, preferred) or (bare or own, ())


def _neighbour(images: ImageIndex, folder: PurePosixPath, preferred: str) -> tuple[str, tuple[str, ...]] | None:
    wanted = images.find(preferred, str(folder))
    if wanted is not None and PurePosixPath(wanted.name).parent.parts[-len(folder.parts) :] == folder.parts:
        return wanted.name, ()
    depth = len(folder.parts)
    parents = ((record.name, PurePosixPath(record.name).parent.parts) for record in images.records)
    beside = [name for name, parts in parents if parts[len(parts) - depth :] == folder.parts and (depth or not parts)]
    candidates = [n for n in beside if not _LABEL_WORDS.search(PurePosixPath(n).stem)] or beside
    if not candidates:
        found = _SET_WORD.match(folder.name)
        return (found["name"] if found else folder.name, ()) if folder.name else None
    chosen = [name for name in candidates if PurePosixPath(name).stem == preferred] or candidates
    return (chosen[0], ()) if len(chosen) == 1 else ("", tuple(chosen))
