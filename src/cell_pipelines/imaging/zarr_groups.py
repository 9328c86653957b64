"""Find the images in a Zarr folder by its descriptions alone: OME-Zarr 0.1 to 0.5, plates and collections of series."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.imaging.description import ImageFormatError
from cell_pipelines.zarr_folders import ZarrFolderError, inside, is_array, is_zarr, read_ome


def list_zarr_images(path: Path) -> list[Path]:
    """Return the folders of the images of a Zarr folder: itself, or the fields of a plate, or the series of a file.

    A folder with labels alone, as annotations are written, has no images.

    Raises:
        ImageFormatError: It says of no image, is damaged, or names a place outside itself.
    """
    try:
        return _list_images(path)
    except ZarrFolderError as error:
        raise ImageFormatError(str(error)) from error


def _list_images(path: Path) -> list[Path]:
    if not is_zarr(path) and any(is_zarr(labels) for labels in path.rglob("labels")):
        return []
    ome = read_ome(path)
    if ome.get("multiscales"):
        return [path]
    if ome.get("plate"):
        return [image for well in _paths(path, ome["plate"].get("wells")) for image in _fields(well)]
    series = _fields(path) if ome.get("well") else _series(path) if "bioformats2raw.layout" in ome else []
    if not series:
        raise ImageFormatError(
            f"{path}: expected OME-Zarr, whose attributes name `multiscales`, `plate`, `well` or a layout of "
            f"bioformats2raw; got a Zarr {'array' if is_array(path) else 'group'} with {_listed(ome)}."
        )
    return series


def _series(path: Path) -> list[Path]:
    numbers = sorted(int(entry.name) for entry in path.iterdir() if entry.name.isdecimal() and entry.is_dir())
    return [path / str(number) for number in numbers]


def _fields(well: Path) -> list[Path]:
    return _paths(well, read_ome(well).get("well", {}).get("images"))


def _listed(attributes: Mapping[str, Any]) -> str:
    return ", ".join(sorted(attributes)[:5]) or "no attributes"


def _paths(parent: Path, entries: Any) -> list[Path]:
    return [inside(parent, entry.get("path") if isinstance(entry, dict) else None) for entry in entries or []]


def stored_files(path: Path) -> Iterator[os.stat_result]:
    """Yield what is known of a file, or of each file below a folder in the order of their paths."""
    if not path.is_dir():
        yield path.stat()
    for parent, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            yield (Path(parent) / name).lstat()


def folder_signature(path: Path) -> str:
    """Return what changes when a file below a folder does: a hash of their sizes and times."""
    digest = hashlib.sha256()
    for status in stored_files(path):
        digest.update(f"{status.st_size} {status.st_mtime_ns},".encode())
    return digest.hexdigest()
