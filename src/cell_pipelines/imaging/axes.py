"""Finding what a selection means in a file: one place for all formats, and each refusal says what there is."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cell_pipelines.imaging.description import (
    MAX_PIXELS,
    Image,
    ImageFormatError,
    ImageInfo,
    ImageSelection,
    Plane,
    Source,
    Window,
)
from cell_pipelines.imaging.zarr_groups import stored_files
from cell_pipelines.unpacking import MOST_UNPACKED_BYTES, check_unpacked


@dataclass(frozen=True)
class Choice:
    """The planes that make one image.

    Attributes:
        info: The image that comes out, axes YX or YXC.
        depth: One plane for each depth; of more than one the projection is taken.
        projection: How.
        channels: For each channel of the image, where it lies: channel and sample.
    """

    info: ImageInfo
    depth: tuple[Plane, ...]
    projection: Literal["max", "mean"] | None
    channels: tuple[tuple[int, int], ...]


def choose(path: Path, scenes: tuple[ImageInfo, ...], selection: ImageSelection) -> Choice:
    """Return the planes that `selection` means.

    Raises:
        ImageFormatError: There is no such scene, channel, plane or time point, or several where none was chosen;
            the sentence says which there are.
    """
    number = choose_scene(path, scenes, selection)
    info, pages = scenes[number], pages_axis(scenes[number], selection)
    if pages == "C":
        info = replace(info, axes=info.axes.replace("Q", "C"))
    depth, times = (info.length(axis) * (info.length("Q") if axis == pages else 1) for axis in "ZT")
    asked = (("time", selection.time, times), ("z", selection.z, depth))
    missing = [f"`{name}` ({_range(n, name)})" for name, value, n in asked if value is None and n > 1]
    if missing:
        raise _stack_error(path, info, missing)
    t = _number(path, "time", selection.time, times)
    is_projection = selection.z in ("max", "mean")
    levels = range(depth) if is_projection else [_number(path, "z", selection.z, depth)]
    planes = tuple(_plane(number, info, t, z, pages) for z in levels)
    channels = _choose_channels(path, info, selection)
    projection: Any = selection.z if is_projection and len(planes) > 1 else None
    return Choice(_result(info, channels), planes, projection, tuple(divmod(c, info.length("S")) for c in channels))


def choose_scene(path: Path, scenes: tuple[ImageInfo, ...], selection: ImageSelection) -> int:
    """Return the number of the chosen image of a file.

    Raises:
        ImageFormatError: There are several and none is chosen, or no such.
    """
    scene = selection.scene
    if scene is None and len(scenes) == 1:
        return 0
    if isinstance(scene, int) and scene < len(scenes):
        return scene
    found = [i for i, info in enumerate(scenes) if isinstance(scene, str) and info.scene.lower() == scene.lower()]
    if len(found) == 1:
        return found[0]
    there = _listed([info.scene for info in scenes])
    if scene is None:
        raise ImageFormatError(f"{path}: expected one image, got {len(scenes)} scenes; choose `scene` ({there}).")
    raise ImageFormatError(f"{path}: `scene` must be one of those there are ({there}), got {scene!r}.")


def frames(info: ImageInfo, selection: ImageSelection) -> int:
    """Return how many images per scene gives where ``time`` is ``each``."""
    return info.length("T") * (info.length("Q") if pages_axis(info, selection) == "T" else 1)


def slices(info: ImageInfo, selection: ImageSelection) -> int:
    """Return how many images per time point gives where ``z`` is ``each``."""
    return info.length("Z") * (info.length("Q") if pages_axis(info, selection) == "Z" else 1)


def pages_axis(info: ImageInfo, selection: ImageSelection) -> Literal["Z", "T", "C"]:
    """Return what pages count as of which the file doesn't say what they are, by what is chosen; else time."""
    if selection.z is not None and info.length("Z") == 1:
        return "Z"
    is_open = selection.channels is not None and selection.time is None
    return "C" if is_open and _may_be_channels(info) else "T"


def _may_be_channels(info: ImageInfo) -> bool:
    return info.axes == "QYX"


def _stack_error(path: Path, info: ImageInfo, missing: list[str]) -> ImageFormatError:
    axes = "".join(a for a in info.axes if a != "S")
    shape = tuple(n for a, n in zip(info.axes, info.shape, strict=True) if a != "S")
    what = " and ".join(missing)
    if "Q" in info.axes and info.axes[:1] == "Q":
        n = info.length("Q")
        what = f"one of the {n} pages, which the file doesn't name, by `z` ({_range(n, 'z')}) or `time` (0 to {n - 1})"
        if _may_be_channels(info):
            what += f", or, where they are channels, some by `channels` (0 to {n - 1})"
    return ImageFormatError(f"{path}: expected one image, got a stack with the axes {axes} of {shape}; choose {what}.")


def _range(length: int, name: str) -> str:
    return f"0 to {length - 1}" + (", max or mean" if name == "z" else "")


def _number(path: Path, name: str, value: int | str | None, length: int) -> int:
    if value == "each":
        raise ImageFormatError(f"{path}: `{name}` is each, which makes several images; one image needs a number.")
    number = int(value or 0)
    if number >= length:
        raise ImageFormatError(
            f"{path}: `{name}` must be one of those there are ({_range(length, name)}), got {value}."
        )
    return number


def _plane(scene: int, info: ImageInfo, t: int, z: int, pages: Literal["Z", "T", "C"]) -> Plane:
    if pages == "Z" and info.length("Q") > 1:
        return Plane(scene, t, 0, z)
    t, q = divmod(t, info.length("Q"))
    return Plane(scene, t, z, q)


def _choose_channels(path: Path, info: ImageInfo, selection: ImageSelection) -> list[int]:
    if selection.channels is None:
        return list(range(info.channels))
    return [_find_channel(path, info, wanted) for wanted in selection.channels]


def _find_channel(path: Path, info: ImageInfo, wanted: str | int) -> int:
    if isinstance(wanted, int) and wanted < info.channels:
        return wanted
    lower = [name.lower() for name in info.channel_names]
    if isinstance(wanted, str) and lower.count(wanted.lower()) == 1:
        return lower.index(wanted.lower())
    there = _listed(list(info.channel_names) or [""] * info.channels)
    raise ImageFormatError(f"{path}: `channels` must be among those there are ({there}), got {wanted!r}.")


def _listed(names: list[str]) -> str:
    shown = [f"{i} {name!r}" if name else str(i) for i, name in enumerate(names[:20])]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _result(info: ImageInfo, channels: list[int]) -> ImageInfo:
    several = len(channels) > 1
    shape = (info.height, info.width, *([len(channels)] if several else []))
    names = tuple(info.channel_names[c] for c in channels) if info.channel_names else ()
    return replace(info, axes="YXC" if several else "YX", shape=shape, channel_names=names)


def check_size(path: Path, shape: tuple[int, ...], dtype: str) -> None:
    """Refuse an image with more pixels than any sensor gives, or one that takes much memory and nearly no file.

    Args:
        path: The file.
        shape: (H, W) or (H, W, C) of what is read at once.
        dtype: Type of its pixels.

    Raises:
        ImageFormatError: Its header claims more than `MAX_PIXELS`, or more than `unpacking.check_unpacked` allows.
    """
    # Red, green and blue are one pixel.
    pixels = shape[0] * shape[1] * max(1, math.prod(shape[2:]) - 2)
    if pixels > MAX_PIXELS:
        raise ImageFormatError(
            f"{path}: claims {pixels} pixels; at most {MAX_PIXELS} are read at once; read it by regions."
        )
    unpacked = math.prod(shape) * np.dtype(dtype).itemsize
    if unpacked <= MOST_UNPACKED_BYTES:
        return
    try:
        check_unpacked(sum(one.st_size for one in stored_files(path)), unpacked)
    except ValueError as error:
        size = " x ".join(map(str, shape))
        raise ImageFormatError(f"{path}: expected a whole image, got: {size} pixels from {error}.") from error


def read_choice(source: Source, choice: Choice, window: Window | None = None) -> Image:
    """Return a chosen image, or a part of it that lies inside: (H, W) or (H, W, C), a new array."""
    order = dict.fromkeys(c for c, _ in choice.channels)
    read = {c: _project(source, choice, c, window) for c in order}
    first = next(iter(read.values()))
    samples = 1 if first.ndim == 2 else first.shape[2]
    if len(read) == 1 and tuple(s for _, s in choice.channels) == tuple(range(samples)):
        image = first.reshape(first.shape[:2]) if samples == 1 else first
    elif len(choice.channels) == 1:
        image = first[..., choice.channels[0][1]] if first.ndim == 3 else first
    else:
        image = np.empty((*first.shape[:2], len(choice.channels)), first.dtype)
        for i, (c, s) in enumerate(choice.channels):
            image[..., i] = read[c] if read[c].ndim == 2 else read[c][..., s]
    return np.require(image, image.dtype.newbyteorder("="), ["C", "W"])


def _project(source: Source, choice: Choice, c: int, window: Window | None) -> Image:
    planes = (source.read(replace(plane, c=c), window) for plane in choice.depth)
    first = next(planes)
    if choice.projection == "max":
        result = first.copy()
        for plane in planes:
            np.maximum(result, plane, out=result)
        return result
    if choice.projection == "mean":
        total = first.astype(np.float64)
        for plane in planes:
            total += plane
        total /= len(choice.depth)
        return (total if first.dtype.kind == "f" else np.rint(total)).astype(first.dtype)
    return first
