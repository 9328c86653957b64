"""Find the images that a person names: arrays, files, folders and patterns, alone or in a list."""

import difflib
import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from cell_pipelines.imaging.listing import ARCHIVES, describe_unread
from cell_pipelines.imaging.reading import (
    IMAGE_SUFFIXES,
    ImageFile,
    ImageFormatError,
    ImageSelection,
    list_image_files,
)
from cell_pipelines.zarr_folders import is_zarr

#: What stands for images: an array, a path, a pattern such as ``"~/cells/*.tif"``, or a list of these.
Images = Any
#: A channel by name or by number from 0, or several.
Channel = str | int | Sequence[str | int] | None
#: A depth by number from 0, ``max`` or ``mean`` over all, or ``each``.
Depth = int | Literal["max", "mean", "each"] | None
#: A time point by number from 0, or ``each``.
Time = int | Literal["each"] | None
_MOST_KINDS = 4
# How an address begins that is taken for a path, in which two slashes are one.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def collect_images(
    images: Images, channel: Channel = None, *, z: Depth = None, time: Time = None
) -> dict[str, ImageFile]:
    """Return the images by name, each read when it is called for.

    Args:
        images: An array (H, W) or (H, W, C), a file, a folder that is searched at any depth, a pattern with ``*`` or
            ``**``, or a list of these. ``~`` is the home folder; a path that is there is never taken for a pattern.
        channel: What to take of files with several channels; None for all, or for what the model learned from.
        z: What to take of files with several depths: a number from 0, ``max`` or ``mean`` over all of them,
            or ``each``.
        time: What to take of files with several time points: a number from 0; ``each`` makes an image of every one.

    Returns:
        Names are paths below the folder, or names of files; where those of several sources are alike, they begin with
        the folders that differ. Arrays are called ``image``, or in a list ``image_1``, ``image_2`` …

    Raises:
        ImageFormatError: Something that was named isn't there, or holds no image.
    """
    selection = _to_selection(channel, z, time)
    if _is_path(images):
        return _collect_paths([images], selection)
    if hasattr(images, "__array__"):
        return _collect_arrays([images], ["image"], selection)
    if not isinstance(images, Iterable):
        raise ImageFormatError(f"`images` must be an array, a path, or a list of these, got {type(images).__name__}.")
    several = list(images)
    if not several:
        raise ImageFormatError("`images` must name at least one image, got an empty list.")
    if all(map(_is_path, several)):
        return _collect_paths(several, selection)
    if any(map(_is_path, several)):
        raise ImageFormatError("`images` must be arrays or paths, got a list of both; count them one after the other.")
    digits = len(str(len(several)))
    return _collect_arrays(several, [f"image_{i:0{digits}d}" for i in range(1, len(several) + 1)], selection)


def folders_of(images: Images) -> list[Path]:
    """Return the folders in which images are looked for; none for arrays and for files that are named."""
    given = [images] if _is_path(images) else [one for one in images if _is_path(one)]
    return [path for one in given for path in _matches(one) or [] if path.is_dir()]


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _to_selection(channel: Channel, z: Depth, time: Time) -> ImageSelection:
    channels = (channel,) if isinstance(channel, str | int) else None if channel is None else tuple(channel)
    try:
        return ImageSelection(channels=channels, z=z, time=time)
    except ValueError as error:
        raise ImageFormatError(str(error).replace("`channels`", "`channel`")) from error


def _collect_arrays(arrays: Sequence[Any], names: Sequence[str], selection: ImageSelection) -> dict[str, ImageFile]:
    from cell_pipelines.imaging.array_image import array_image

    if selection.z is not None or selection.time is not None:
        raise ImageFormatError("`z` and `time` choose from files; of an array give the plane itself.")
    return {name: array_image(array, name, selection.channels) for array, name in zip(arrays, names, strict=True)}


def _collect_paths(given: Sequence[Any], selection: ImageSelection) -> dict[str, ImageFile]:
    paths = [path for one in given for path in _find(one)]
    paths = list(dict.fromkeys(path.absolute() for path in paths))
    is_alone = len(paths) == 1
    found = [(path, _list(path, selection, is_alone=is_alone)) for path in paths]
    return _joined(found)


def _find(given: Any) -> list[Path]:
    """Return the paths that one argument means.

    Raises:
        ImageFormatError: It means none.
    """
    found = _matches(given)
    if found:
        return found
    path = Path(given).expanduser()
    if glob.has_magic(str(given)):
        raise ImageFormatError(f"{path}: no image is called so; expected files ending in {', '.join(IMAGE_SUFFIXES)}.")
    raise ImageFormatError(f"{path}: expected an image or a folder with images; {describe_missing(path)}")


def _matches(given: Any) -> list[Path]:
    path = Path(given).expanduser()
    if path.exists():
        return [path]
    if not glob.has_magic(str(given)):
        return []
    matched = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207  its patterns may be absolute
    return [one for one in matched if (one.suffix.lower() in IMAGE_SUFFIXES and one.is_file()) or is_zarr(one)]


def describe_missing(path: Path) -> str:
    """Return that a path is not there, with names that are like it where there are any."""
    if path.is_symlink():
        return "it is a link that leads nowhere."
    if _ADDRESS.match(str(path)):
        return "addresses are not opened: download the files, or connect the folder, and name where they lie here."
    parent = path.absolute().parent
    while not parent.exists():
        path, parent = parent, parent.parent
    try:
        names = [entry.name for entry in os.scandir(parent) if not entry.name.startswith(".")]
    except OSError:
        names = []
    folded = {name.casefold(): name for name in names}
    close = [folded[name] for name in difflib.get_close_matches(path.name.casefold(), folded, n=3)]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    name = repr(path.name) if path.name.strip(" '\"") != path.name else path.name
    return f"there is no {name} in {parent}.{hint}"


def _list(path: Path, selection: ImageSelection, *, is_alone: bool) -> dict[str, ImageFile]:
    if path.is_dir():
        try:
            return list_image_files(path, selection)
        except ImageFormatError as error:
            raise ImageFormatError(f"{error}{_describe_contents(path)}") from error
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return list_image_files(path, selection)
    reason = describe_unread(path)
    if is_alone:
        raise ImageFormatError(f"{path}: {reason}")
    return {path.name: ImageFile(path, unread=reason)}


def _describe_contents(folder: Path) -> str:
    """Return what lies in a folder that holds no image."""
    names = [name for _, _, files in os.walk(folder) for name in files if not name.startswith(".")]
    if not names:
        return " There is no file in it."
    endings = list(dict.fromkeys(Path(name).suffix.lower() or name for name in sorted(names)))
    more = " …" if len(endings) > _MOST_KINDS else ""
    packed = " Unpack the archive first." if set(ARCHIVES) & set(endings) else ""
    return (
        f" It holds {len(names)} other file{'s' * (len(names) > 1)} ({', '.join(endings[:_MOST_KINDS])}{more}).{packed}"
    )


def _joined(found: Sequence[tuple[Path, dict[str, ImageFile]]]) -> dict[str, ImageFile]:
    """Return the images of all sources under names that differ; what is in two sources is taken once."""
    names = [name for _, images in found for name in images]
    if len(set(names)) == len(names):
        return {name: file for _, images in found for name, file in images.items()}
    bases = [path if path.is_dir() else path.parent for path, _ in found]
    common = Path(os.path.commonpath(bases))
    files: dict[str, ImageFile] = {}
    for base, (_, images) in zip(bases, found, strict=True):
        for name, file in images.items():
            files.setdefault((base.relative_to(common) / name).as_posix(), file)
    return files
