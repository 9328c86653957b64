"""Folders of Zarr and OME-Zarr that nobody vouches for: their descriptions, and arrays opened without running code."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_MARKS = ("zarr.json", ".zgroup", ".zarray")
# Version 0.2 and older name no axes.
_OLD_AXES = "tczyx"
# Steps of decoding that only turn bytes into numbers; others, such as pickles, can run what a file says.
_HARMLESS = frozenset({
    "bytes", "endian", "transpose", "sharding_indexed", "crc32", "crc32c", "adler32", "fletcher32", "blosc", "zstd",
    "gzip", "zlib", "bz2", "lzma", "lz4", "shuffle", "bitround", "delta", "packbits", "fixedscaleoffset", "quantize",
    "astype", "imagecodecs_jpeg2k", "imagecodecs_jpegxl", "imagecodecs_lz4", "imagecodecs_zstd",
})  # fmt: skip


class ZarrFolderError(ValueError):
    """A folder that isn't the OME-Zarr it should be; the sentence names it."""


def is_zarr(path: Path) -> bool:
    """Say whether a folder is a group or an array of Zarr 2 or 3."""
    return any((path / mark).is_file() for mark in _MARKS)


def is_array(path: Path) -> bool:
    """Say whether a Zarr folder is an array.

    Raises:
        ZarrFolderError: Its description is damaged.
    """
    return (path / ".zarray").is_file() or read_json(path / "zarr.json").get("node_type") == "array"


def read_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a Zarr folder; none where it says nothing.

    Raises:
        ZarrFolderError: Its description is damaged.
    """
    attributes = read_json(path / ".zattrs") or read_json(path / "zarr.json").get("attributes") or {}
    return _expect_description(path, attributes)


def read_ome(path: Path) -> dict[str, Any]:
    """Return what a Zarr folder says of its images; nothing where it says nothing.

    Raises:
        ZarrFolderError: Its description is damaged.
    """
    attributes = read_attributes(path)
    return _expect_description(path, attributes.get("ome", attributes))


def _expect_description(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ZarrFolderError(f"{path}: expected the description of OME-Zarr, got {type(content).__name__}.")
    return content


def read_json(file: Path) -> dict[str, Any]:
    """Return what a description says; nothing where there is none.

    Raises:
        ZarrFolderError: It is damaged.
    """
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ZarrFolderError(f"{file}: expected JSON, got: {error}.") from error
    if not isinstance(content, dict):
        raise ZarrFolderError(f"{file}: expected a JSON object, got {type(content).__name__}.")
    return content


def inside(parent: Path, named: Any) -> Path:
    """Return a folder that a description names in its own.

    Raises:
        ZarrFolderError: It lies elsewhere, or no path is named.
    """
    parts = str(named).split("/") if isinstance(named, str | int) else [""]
    if any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise ZarrFolderError(f"{parent}: expected the path of a folder in it, got {named!r}.")
    return parent.joinpath(*parts)


def import_zarr(path: Path, purpose: str = "reading") -> Any:
    """Return the package zarr.

    Args:
        path: For which it is needed.
        purpose: What for, in a word.

    Raises:
        ZarrFolderError: It is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise ZarrFolderError(
            f"{path}: {purpose} OME-Zarr needs the package zarr; install the extra `zarr`: "
            "pip install 'cell-pipelines[zarr]'."
        ) from error
    return zarr


def open_full_resolution(path: Path, multiscale: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the largest array of a multiscale, of which no pixel is read yet, and its axes.

    Args:
        path: The folder whose description lists the multiscale.
        multiscale: An entry of `multiscales`.

    Returns:
        The Zarr array, and one of t, c, z, y and x for each of its axes; y and x are among them.

    Raises:
        ZarrFolderError: Its axes are others, it lies outside of the folder, is packed by what can run code, or zarr is
            not installed.
        Exception: Whatever zarr raises for a damaged array.
    """
    zarr = import_zarr(path)
    names = [axis if isinstance(axis, str) else axis["name"] for axis in multiscale.get("axes") or _OLD_AXES]
    axes = "".join(names).lower()
    if len(axes) != len(names) or not {"y", "x"} <= set(axes) <= set(_OLD_AXES) or len(set(axes)) != len(axes):
        raise ZarrFolderError(f"{path}: expected the axes t, c, z, y and x or some of them, got {', '.join(names)}.")
    folder = inside(path, multiscale["datasets"][0].get("path"))
    _check_packing(path, folder)
    array = zarr.open_array(str(folder), mode="r")
    if array.ndim != len(axes):
        raise ZarrFolderError(
            f"{path}: expected an array of {len(axes)} axes as its description says, got {array.shape}."
        )
    return array, axes


def _check_packing(path: Path, array: Path) -> None:
    """Refuse pixels that are packed in a way that could do more than give numbers.

    Raises:
        ZarrFolderError: They are; the sentence names the way.
    """
    described = read_json(array / ".zarray") or read_json(array / "zarr.json")
    steps = [*(described.get("codecs") or ()), *(described.get("filters") or ()), described.get("compressor")]
    for name in _codec_names(steps):
        if name.removeprefix("numcodecs.") not in _HARMLESS:
            raise ZarrFolderError(f"{path}: its pixels are packed by {name!r}, which is not opened.")


def _codec_names(steps: Iterable[Any]) -> Iterator[str]:
    """Yield the names of all steps of decoding, also of those within shards."""
    for step in steps:
        if step is not None:
            yield str(step.get("name") or step.get("id"))
            configured = step.get("configuration") or {}
            yield from _codec_names([*(configured.get("codecs") or ()), *(configured.get("index_codecs") or ())])
