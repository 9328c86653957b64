"""Find the images in a Zarr folder by its descriptions alone: OME-Zarr 0.1 to 0.5, plates and collections of series."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.imaging.description import ImageFormatError

_MARKS = ("zarr.json", ".zgroup", ".zarray")


def is_zarr(path: Path) -> bool:
    """Say whether a folder is a group or an array of Zarr 2 or 3."""
    return any((path / mark).is_file() for mark in _MARKS)


def list_zarr_images(path: Path) -> list[Path]:
    """Return the folders of the images of a Zarr folder: itself, or the fields of a plate, or the series of a file.

    Raises:
        ImageFormatError: It says of no image, is damaged, or names a place outside itself.
    """
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


def is_array(path: Path) -> bool:
    """Say whether a Zarr folder is an array."""
    return (path / ".zarray").is_file() or read_json(path / "zarr.json").get("node_type") == "array"


def read_ome(path: Path) -> dict[str, Any]:
    """Return what a Zarr folder says of its images; nothing where it says nothing.

    Raises:
        ImageFormatError: Its description is damaged.
    """
    attributes = read_json(path / ".zattrs") or read_json(path / "zarr.json").get("attributes") or {}
    ome = attributes.get("ome", attributes)
    if not isinstance(ome, dict):
        raise ImageFormatError(f"{path}: expected the description of OME-Zarr, got {type(ome).__name__}.")
    return ome


def read_json(file: Path) -> dict[str, Any]:
    """Return what a description says; nothing where there is none.

    Raises:
        ImageFormatError: It is damaged.
    """
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ImageFormatError(f"{file}: expected JSON, got: {error}.") from error
    if not isinstance(content, dict):
        raise ImageFormatError(f"{file}: expected a JSON object, got {type(content).__name__}.")
    return content


def _paths(parent: Path, entries: Any) -> list[Path]:
    return [inside(parent, entry.get("path") if isinstance(entry, dict) else None) for entry in entries or []]


def inside(parent: Path, named: Any) -> Path:
    """Return a folder that a description names in its own.

    Raises:
        ImageFormatError: It lies elsewhere, or no path is named.
    """
    parts = str(named).split("/") if isinstance(named, str | int) else [""]
    if any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise ImageFormatError(f"{parent}: expected the path of a folder in it, got {named!r}.")
    return parent.joinpath(*parts)


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
