"""List what lies below a folder: the images, and with its reason everything that may be an image and isn't read."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cell_pipelines.imaging.description import ImageFormatError
from cell_pipelines.imaging.opening import IMAGE_SUFFIXES
from cell_pipelines.imaging.zarr_groups import list_zarr_images
from cell_pipelines.zarr_folders import is_zarr

# Endings of images that nothing here opens.
UNREAD_SUFFIXES = (
    ".webp", ".gif", ".jfif", ".jpe", ".jp2", ".j2k", ".jpx", ".heic", ".heif", ".avif", ".tga", ".pgm", ".ppm", ".pnm",
    ".exr", ".psd", ".qptiff", ".oir", ".oib", ".oif", ".vsi", ".ims", ".zvi",
    ".dv", ".dm3", ".dm4", ".dcm", ".nii", ".nrrd", ".mrc", ".flex",
)  # fmt: skip
#: Endings of files in which others are packed.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_SLIDES = (".qptiff", ".vsi")
# A linked folder is looked into as far as this, to see whether images may lie in it.
_ENTRIES = 200


@dataclass(frozen=True)
class UnreadImage:
    """Something that may be an image, or hold images, and isn't read.

    Attributes:
        path: The file or folder.
        reason: Why, in words.
    """

    path: Path
    reason: str


def list_folder(folder: Path) -> tuple[list[Path], list[UnreadImage]]:
    """Return the image files below `folder` and what isn't read, each sorted by path.

    Hidden files and folders are passed over. A link to an image is followed, one to a folder is not; it is listed,
    as are links that lead nowhere, folders that can't be opened, and images of other formats. `folder` may be one
    image file.

    Raises:
        ImageFormatError: There is no such folder, or it can't be opened.
    """
    if folder.is_file():
        if folder.suffix.lower() not in IMAGE_SUFFIXES:
            raise ImageFormatError(f"{folder}: expected a folder with images; it is a file, and no image that is read.")
        return [folder], []
    if not folder.is_dir():
        raise ImageFormatError(f"{folder}: expected a folder with images; there is none.")
    if is_zarr(folder):
        return list_zarr_images(folder), []
    images: list[Path] = []
    unread: list[UnreadImage] = []
    for path in _walk(folder, unread):
        if path.is_dir():
            _add_zarr(path, images, unread)
        elif not path.is_file():
            reason = "a link that leads nowhere" if path.is_symlink() else "no regular file"
            unread += [UnreadImage(path, f"it is {reason}.")] if _may_be_image(path) else []
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            images.append(path)
        elif path.suffix.lower() in UNREAD_SUFFIXES:
            unread.append(UnreadImage(path, describe_unread(path)))
    return sorted(images), sorted(unread, key=lambda one: one.path)


def _add_zarr(path: Path, images: list[Path], unread: list[UnreadImage]) -> None:
    try:
        images += list_zarr_images(path)
    except ImageFormatError as error:
        unread.append(UnreadImage(path, str(error).removeprefix(f"{path}: ")))


def _walk(folder: Path, unread: list[UnreadImage]) -> Iterator[Path]:
    """Yield the visible files and folders of Zarr below `folder`; folders that aren't entered are added to `unread`."""

    def refuse(error: OSError) -> None:
        place = Path(error.filename)
        if place == folder:
            raise ImageFormatError(f"{folder}: the folder can't be opened: {error.strerror}.")
        unread.append(UnreadImage(place, f"the folder can't be opened: {error.strerror}."))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        here = Path(parent)
        visible = [name for name in folders if not name.startswith(".")]
        linked = [here / name for name in visible if (here / name).is_symlink()]
        zarrs = [here / name for name in visible if here / name not in linked and _is_zarr(here / name)]
        unread += [UnreadImage(path, _LINKED) for path in linked if _may_hold_images(path)]
        folders[:] = [name for name in visible if here / name not in (*linked, *zarrs)]
        yield from zarrs
        yield from (here / name for name in files if not name.startswith("."))


def _is_zarr(folder: Path) -> bool:
    return folder.suffix.lower() == ".zarr" or is_zarr(folder)


_LINKED = "a link to a folder is not followed; name that folder, or put the images here."


def _may_be_image(path: Path) -> bool:
    return path.suffix.lower() in (*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)


def _may_hold_images(folder: Path) -> bool:
    """Say whether an image or a folder is among the first entries of a folder, or it can't be opened."""
    try:
        with os.scandir(folder) as entries:
            first = [entry for entry, _ in zip(entries, range(_ENTRIES), strict=False)]
        return any(entry.is_dir() or _may_be_image(Path(entry.name)) for entry in first)
    except OSError:
        return True


def describe_unread(path: Path) -> str:
    """Return the sentence about a file or image of a format that isn't read."""
    ending = path.suffix.lower()
    if ending in ARCHIVES:
        return "expected an image or a folder with images, got an archive; unpack it first."
    if ending not in UNREAD_SUFFIXES:
        return f"expected an image ending in {', '.join(IMAGE_SUFFIXES)}."
    instead = "a region of it as OME-TIFF" if ending in _SLIDES else "it as PNG or TIFF"
    return f"images ending in {ending} are not read; save {instead}, without lossy compression."


def readable_name(path: Path) -> str:
    """Return a relative path as a name, with ``/``; bytes that are no UTF-8 are read as Latin-1."""
    return re.sub("[\udc80-\udcff]", lambda found: chr(ord(found[0]) - 0xDC00), path.as_posix())
