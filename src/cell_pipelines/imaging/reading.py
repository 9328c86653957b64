"""Read any microscope image: PNG, JPEG, BMP, TIFF, OME-TIFF, OME-Zarr, CZI, LSM, ND2 and LIF."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cell_pipelines.imaging.axes import check_size, choose, choose_scene, frames, read_choice, slices
from cell_pipelines.imaging.description import MAX_PIXELS, Image, ImageFormatError, ImageInfo, ImageSelection
from cell_pipelines.imaging.listing import UnreadImage, list_folder, readable_name
from cell_pipelines.imaging.opening import IMAGE_SUFFIXES, SCENE_SUFFIXES, may_hold_several, open_source, plain_errors
from cell_pipelines.imaging.pictures import png_bits
from cell_pipelines.imaging.places import ImagePlace, find_place
from cell_pipelines.imaging.regions import LargeImage, hash_pixels, open_region_reader
from cell_pipelines.imaging.writing import WRITTEN_SUFFIXES, write_image
from cell_pipelines.imaging.zarr_groups import folder_signature
from cell_pipelines.zarr_folders import is_zarr

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "SCENE_SUFFIXES",
    "WRITTEN_SUFFIXES",
    "Image",
    "ImageFile",
    "ImageFormatError",
    "ImageInfo",
    "ImageSelection",
    "LargeImage",
    "describe_image",
    "hash_pixels",
    "list_image_files",
    "open_region_reader",
    "png_bits",
    "read_image",
    "write_image",
]

_ALL = ImageSelection()


def read_image(path: Path, selection: ImageSelection = _ALL) -> Image:
    """Read an image with all its bits.

    Args:
        path: A file ending in one of `IMAGE_SUFFIXES`, or the folder of an OME-Zarr image.
        selection: What to take of a file that holds more than one image.

    Returns:
        Array (H, W) for one channel, (H, W, 3) for RGB or (H, W, C) for C channels, in the file's own dtype; an
        alpha channel is left out, a camera's orientation mark is obeyed, and black and white is 0 and 255.

    Raises:
        ImageFormatError: The file is missing, empty, cut short, of an unknown kind, or holds several images of
            which `selection` doesn't choose one; the sentence says what can be chosen.
    """
    with open_source(path) as source:
        choice = choose(path, source.scenes, selection)
        check_size(path, choice.info.shape, choice.info.dtype)
        with plain_errors(path):
            return read_choice(source, choice)


def describe_image(path: Path) -> tuple[ImageInfo, ...]:
    """Return what each image in a file is, from the header alone.

    Raises:
        ImageFormatError: The file is missing, damaged, or of an unknown kind.
    """
    with open_source(path) as source:
        return source.scenes


@dataclass(frozen=True)
class ImageFile:
    """An image that is read when called for; small enough to be sent to another process.

    Attributes:
        path: The file.
        selection: What to take of it.
        unread: Why it isn't read; empty for an image that is.
    """

    path: Path
    selection: ImageSelection = field(default=_ALL)
    unread: str = field(default="", kw_only=True)

    def _check(self) -> None:
        """Refuse what isn't read.

        Raises:
            ImageFormatError: It isn't.
        """
        if self.unread:
            raise ImageFormatError(f"{self.path}: {self.unread}")

    def __call__(self) -> Image:
        """Read the image."""
        self._check()
        return read_image(self.path, self.selection)

    def info(self) -> ImageInfo:
        """Return what a call gives: shape, dtype, names of the channels taken, size of a pixel; no pixel is read."""
        self._check()
        with open_source(self.path) as source:
            return choose(self.path, source.scenes, self.selection).info

    def place(self) -> ImagePlace:
        """Return which time point and depth of its file a call gives; no pixel is read."""
        self._check()
        with open_source(self.path) as source:
            return find_place(self.path, source.scenes, self.selection)

    def region(self, row: int, column: int, height: int, width: int) -> Image:
        """Read a part of the image; for many parts of one image, `open_region_reader` opens it once."""
        self._check()
        with open_region_reader(self.path, self.selection) as image:
            return image.read(row, column, height, width)

    @contextmanager
    def opened(self) -> Iterator[Image | LargeImage]:
        """Give an image of any size, whose parts are read when they are asked for."""
        self._check()
        with open_region_reader(self.path, self.selection) as image:
            yield image

    def signature(self) -> str:
        """Return what changes when the file or the selection does."""
        if self.unread:
            return self.unread
        chosen = "" if self.selection == _ALL else f"-{self.selection}"
        if self.path.is_dir():
            return f"{folder_signature(self.path)}{chosen}"
        status = self.path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}{chosen}"


def _some_images(folder: Path) -> tuple[list[Path], list[UnreadImage]]:
    images, unread = list_folder(folder)
    if not images:
        others = f" {len(unread)} are not read, the first {unread[0].path}: {unread[0].reason}" if unread else ""
        raise ImageFormatError(
            f"{folder}: found no image; expected files ending in {', '.join(IMAGE_SUFFIXES)}.{others}"
        )
    return images, unread


def list_image_files(folder: Path, selection: ImageSelection = _ALL) -> dict[str, ImageFile]:
    """Return the images below `folder` by name, each to be read when called.

    The name is the file's path from `folder`. A file of several scenes gives one image per scene, where no scene is
    chosen: ``slide.czi/scene 0``. With ``time: each`` a series gives one image per time point, ``film.tif/t0003``, and
    with ``z: each`` a stack one per plane, ``stack.tif/z0003``. The numbers are those that a selection takes. A plate
    of OME-Zarr gives one image per field: ``plate.zarr/B/3/0``. Only headers are opened, and none of PNG, JPEG and
    BMP. What may be an image and isn't read, such as ``a.webp`` or a linked folder, comes last: reading it gives its
    reason. `folder` may be one image file, or an OME-Zarr.

    Raises:
        ImageFormatError: There is no such folder, or no image in it.
    """
    images, unread = _some_images(folder)
    base = folder.parent if folder.is_file() or is_zarr(folder) else folder
    named: dict[str, ImageFile] = {}
    for path in images:
        parts = _parts(path, selection) if may_hold_several(path) else [("", _at_once(selection))]
        named |= {_name(path, base, named) + name: ImageFile(path, one) for name, one in parts}
    for one in unread:
        named[_name(one.path, base, named)] = ImageFile(one.path, _at_once(selection), unread=one.reason)
    return named


def _name(path: Path, base: Path, taken: Mapping[str, ImageFile]) -> str:
    name = readable_name(path.relative_to(base))
    # Two names that differ in encoding only must not become one image.
    return name if name not in taken else path.relative_to(base).as_posix().encode(errors="backslashreplace").decode()


def _at_once(selection: ImageSelection) -> ImageSelection:
    every = {name: None for name in ("time", "z") if getattr(selection, name) == "each"}
    return replace(selection, **every)


def _parts(path: Path, selection: ImageSelection) -> list[tuple[str, ImageSelection]]:
    try:
        scenes = describe_image(path)
    except ImageFormatError:
        # It is told by whoever reads the image, with the others' errors.
        return [("", _at_once(selection))]
    chosen = [("", selection)]
    if selection.scene is None and len(scenes) > 1:
        chosen = [(f"/scene {i}", replace(selection, scene=i)) for i in range(len(scenes))]
    for axis, count in (("time", frames), ("z", slices)):
        if getattr(selection, axis) == "each":
            chosen = [part for name, one in chosen for part in _planes(path, (name, one), scenes, axis, count)]
    return chosen


def _planes(
    path: Path,
    named: tuple[str, ImageSelection],
    scenes: tuple[ImageInfo, ...],
    axis: str,
    count: Callable[[ImageInfo, ImageSelection], int],
) -> list[tuple[str, ImageSelection]]:
    """Return an image for every time point, or for every plane, of one that is chosen; itself where there is one."""
    name, selection = named
    try:
        number = count(scenes[choose_scene(path, scenes, selection)], selection)
    except ImageFormatError:
        number = 1
    if number == 1:
        return [(name, replace(selection, **{axis: None}))]
    chosen = [replace(selection, time=n) if axis == "time" else replace(selection, z=n) for n in range(number)]
    return [(f"{name}/{axis[0]}{place:04d}", one) for place, one in enumerate(chosen)]
