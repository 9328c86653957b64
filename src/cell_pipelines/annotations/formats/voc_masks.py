"""Segmentation masks of Pascal VOC with a list of colours, as CVAT and Datumaro export them.

``SegmentationObject`` holds one picture per image with one colour per object, ``SegmentationClass`` one with a colour a
class, and ``labelmap.txt`` the colour of each class. Black is background; so is VOC's colour of uncertain borders,
unless a class has it.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.decoding import decoding_errors
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below, label_paths, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_bytes, read_text
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import is_file_inside
from cell_pipelines.unpacking import check_unpacked

SUMMARY = "Pascal VOC segmentation masks with labelmap.txt: one colour per object and a class (CVAT, Datumaro)."
CAPABILITIES = Capabilities(
    geometries=("mask",), scores=False, attributes=False, overlaps=False, splits=True, classes="all"
)
Colours = npt.NDArray[np.uint32]

LABEL_MAP = "labelmap.txt"
OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"
_LINE = re.compile(r"(?P<name>[^:]+):\s*(?P<red>\d{1,3}),\s*(?P<green>\d{1,3}),\s*(?P<blue>\d{1,3})\s*(:.*)?")
_UNSAFE = re.compile(r"[%:#\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$")
_PICTURES = {OBJECTS.lower(), CLASSES.lower()}
_BLACK, _BORDER = 0, 0xE0E0C0
_NO_LABEL_MAP = f"expected a file {LABEL_MAP} beside a folder {OBJECTS}; there is none."


def find_label_maps(folder: Path) -> list[Path]:
    """Return the lists of colours below `folder` that stand beside pictures of objects."""
    return [path for path in files_below(folder, LABEL_MAP) if child(path.parent, OBJECTS).is_dir()]


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    return next(
        (f"{path.relative_to(folder).as_posix()} stands beside {OBJECTS}" for path in find_label_maps(folder)), None
    )


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every picture of objects beside a list of colours below `folder`.

    Args:
        folder: Where ``labelmap.txt`` and its folders lie, at any depth.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: A list of colours can't be read.
    """
    maps = {path.parent: _read_label_map(path) for path in find_label_maps(folder)}
    if options.get("classes") is None:
        options["classes"] = list(dict.fromkeys(name for names in maps.values() for name in names.values())) or None
    collector = AnnotationCollector(images, **options)
    if not maps:
        collector.skip_file(LABEL_MAP, _NO_LABEL_MAP)
    for home, names in maps.items():
        # A link may lead out of the source.
        for path in (path for path in files_below(child(home, OBJECTS), ".png") if is_file_inside(folder, path)):
            _read_picture(collector, folder, (home, path), names)
    return collector.finish("voc_masks")


def _read_label_map(path: Path) -> dict[int, str]:
    """Return the name of each class by its colour.

    Raises:
        AnnotationFormatError: A line is none of a class, or a colour comes twice.
    """
    names: dict[int, str] = {}
    try:
        lines = read_text(path).splitlines()
    except ValueError as error:
        raise AnnotationFormatError(f"{path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        colour = 0 if found is None else sum(int(found[c]) << s for c, s in (("red", 16), ("green", 8), ("blue", 0)))
        if found is None or colour in names:
            raise AnnotationFormatError(f"{path}: line {number}: expected name:red,green,blue, each colour once.")
        names[colour] = unquote(found["name"])
    return {colour: name for colour, name in names.items() if colour != _BLACK}


def _read_picture(
    collector: AnnotationCollector, folder: Path, place: tuple[Path, Path], names: dict[int, str]
) -> None:
    home, path = place
    file, inner = path.relative_to(folder).as_posix(), path.relative_to(child(home, OBJECTS))
    record = _find_image(collector.images, home.relative_to(folder), inner)
    if record is None or record.is_damaged:
        collector.image(file, str(inner.with_suffix("")) if record is None else record.name)
        return
    try:
        size = (record.width, record.height)
        pictures = [path, child(home, f"{CLASSES}/{inner.as_posix()}")]
        if not is_file_inside(folder, pictures[1]):
            raise ValueError(f"there is no picture of its classes in {CLASSES}.")
        objects, classes = (_read_colours(picture, size) for picture in pictures)
    except ValueError as error:
        collector.skip_file(file, str(error))
        return
    row = collector.image(file, record.name)
    if row is None or collector.refuse_second_label(file, row):
        return
    objects[(objects == _BORDER) & (_BORDER not in names)] = _BLACK
    used, place_of = np.unique(objects, return_inverse=True)
    labels = _voc_numbers(used)[place_of.reshape(objects.shape)]
    numbers, boxes, counts = labels_to_objects(labels)
    for number, box, runs in zip(numbers.tolist(), boxes.tolist(), counts, strict=True):
        part = np.s_[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])]
        inside, times = np.unique(classes[part][labels[part] == number], return_counts=True)
        of_class, entry = int(inside[np.argmax(times)]), f"object {number}"
        if of_class in names:
            collector.add_mask(file, entry, row, names[of_class], box, runs)
        else:
            collector.drop(file, entry, f"its colour {of_class:06x} in {CLASSES} is that of no class in {LABEL_MAP}.")


def _find_image(images: ImageIndex, home: PurePosixPath | Path, inner: Path) -> ImageRecord | None:
    """Return the image of a picture: the masks themselves may have been listed as images."""
    name = inner.with_suffix("").as_posix()
    near = (str(PurePosixPath(home.as_posix(), word)) for word in ("JPEGImages", "images", ""))
    found = (images.find(name, place) for place in near)
    return next((r for r in found if r is not None and not _PICTURES & set(r.name.lower().split("/"))), None)


def _read_colours(path: Path, size: tuple[int, int]) -> Colours:
    """Return the colour of each pixel (H, W) as one number.

    Raises:
        ValueError: The picture can't be read or has another size than its image.
    """
    import PIL.Image

    content = read_bytes(path)
    try:
        with PIL.Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != size:
                raise _SizeError("the picture has {}x{} pixels, its image {}x{}.".format(*picture.size, *size))
            check_unpacked(len(content), 3 * picture.width * picture.height)
            rgb = np.asarray(picture.convert("RGB")).astype(np.uint32)
    except _SizeError:
        raise
    except decoding_errors() as error:
        raise ValueError(f"expected a whole PNG, got: {str(error)[:200].rstrip('.')}.") from error
    return np.asarray((rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2], dtype=np.uint32)


class _SizeError(ValueError):
    """A picture of another size than its image."""


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write a picture of objects and one of classes for each image, ``labelmap.txt`` and ``ImageSets/Segmentation``.

    Raises:
        ValueError: A name leads out of `folder`, or two are equal; nothing is written.
    """
    inner = label_paths(annotations.names, ".png")
    paths = {kind: resolve_all(folder, [f"{kind}/{name}" for name in inner]) for kind in (OBJECTS, CLASSES)}
    (folder / OBJECTS).mkdir(parents=True, exist_ok=True)
    palette = _palette(len(annotations.categories) + 1)
    for place, one in enumerate(iterate_images(annotations)):
        labels, _ = objects_to_labels(one)
        of_class = np.append(0, one.category + 1)[labels]
        write_raster(_palette(one.n_objects + 1)[labels], paths[OBJECTS][place])
        write_raster(palette[of_class], paths[CLASSES][place])
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [
        f"{_UNSAFE.sub(lambda found: quote(found[0], safe=''), name)}:{','.join(map(str, colour))}::"
        for name, colour in zip(annotations.categories, palette[1:].tolist(), strict=True)
    ]
    with atomic_path(folder / LABEL_MAP) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_lists(annotations, folder, [name.removesuffix(".png") for name in inner])
    return ()


def _write_lists(annotations: AnnotationSet, folder: Path, names: list[str]) -> None:
    listed: dict[str, list[str]] = defaultdict(list)
    for name, split in zip(names, annotations.images["split"].to_pylist(), strict=True):
        listed[split or "default"].append(name)
    for split, own in listed.items():
        with atomic_path(folder / "ImageSets" / "Segmentation" / f"{split}.txt") as temporary:
            temporary.write_text("".join(f"{name}\n" for name in own), encoding="utf-8")


def _palette(count: int) -> npt.NDArray[np.uint8]:
    """Return VOC's colours (count, 3), the first black, without the colour of borders."""
    border = (_BORDER >> 16, _BORDER >> 8 & 255, _BORDER & 255)
    colours = [colour for colour in _voc_colours(count + 1) if colour != border]
    return np.array(colours[:count], dtype=np.uint8).reshape(-1, 3)


def _voc_numbers(colours: Colours) -> npt.NDArray[np.int64]:
    """Return the number of each colour in VOC's order."""
    numbers = np.zeros(colours.shape, np.int64)
    for bit in range(8):
        for channel in range(3):
            numbers |= ((colours.astype(np.int64) >> (23 - 8 * channel - bit)) & 1) << (3 * bit + channel)
    return numbers


def _voc_colours(count: int) -> Iterator[tuple[int, int, int]]:
    """Yield colours as VOC numbers them: the bits of a number go to red, green and blue in turn, highest first."""
    for number in range(count):
        parts = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                parts[channel] |= (number >> (3 * bit + channel) & 1) << (7 - bit)
        yield parts[0], parts[1], parts[2]
