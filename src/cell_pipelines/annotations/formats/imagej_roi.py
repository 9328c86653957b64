"""ImageJ ROIs: ``RoiSet.zip`` archives, ``.roi`` files, and ROIs and overlays inside ImageJ's TIFF images.

How coordinates are meant is written in `imagej_shapes`; which image a file belongs to in `imagej_files`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, get_args

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.imagej_files import (
    MAGIC,
    MAX_MEMBER_BYTES,
    image_of,
    is_named_roi_set,
    read_rois,
    roi_files,
)
from cell_pipelines.annotations.formats.parts.imagej_properties import Described, read_properties
from cell_pipelines.annotations.formats.parts.imagej_shapes import Shape, to_shape
from cell_pipelines.annotations.formats.parts.imagej_writing import write
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.decoding import decoding_errors
from cell_pipelines.annotations.formats.sources.planes import PlaneImages, Position
from cell_pipelines.annotations.formats.sources.text import read_bytes, read_each
from cell_pipelines.annotations.images import FilePlane, ImageIndex

if TYPE_CHECKING:
    from roifile import ImagejRoi

CAPABILITIES = Capabilities(geometries=("box", "point", "polygon"), ignored_regions=True, classes="used")
SUMMARY = "ImageJ and Fiji ROIs: RoiSet.zip, .roi files, ROIs and overlays inside ImageJ TIFF images."

__all__ = ["CAPABILITIES", "SUMMARY", "detect", "read", "write"]

Filling = Literal["centres", "corners"]
_DETECT_FILES = 50


@dataclass(frozen=True)
class _Choice:
    class_name: str
    group_names: Mapping[int, str]
    image: str
    filled_by: Filling
    mixed: frozenset[str] = frozenset()


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for path in roi_files(folder)[:_DETECT_FILES]:
        name = path.relative_to(folder).as_posix()
        try:
            rois = read_rois(path)
            first = None if rois is None else next(rois, ("", MAGIC))
        except ValueError:
            if is_named_roi_set(path):
                return f"{name} is called like the ROIs of ImageJ"
            continue
        # Of a locked or damaged archive only the names can be read.
        if first is not None and (isinstance(first[1], str) or first[1][:4] == MAGIC):
            return f"{name} holds ROIs of ImageJ"
    return None


def read(
    folder: Path, images: ImageIndex, *, class_name: str = "cell", group_names: Mapping[int, str] | None = None,
    image: str = "raw", filled_by: Filling = "centres", **options: Any,
) -> Conversion:  # fmt: skip
    """Read every archive of ROIs, ``.roi`` file and ImageJ TIFF with ROIs below `folder`.

    Ovals, ellipses and curves become polygons, which is noted; lines, angles, texts and arrows are dropped.

    Args:
        folder: Where the files lie, at any depth.
        images: The images that are there.
        class_name: Class of the ROIs that have neither a property ``class`` nor a group.
        group_names: Names of ROI groups by their number; a group without one is called ``group_<number>``.
        image: Which image a ``RoiSet.zip`` belongs to where several lie in its folder, without its ending.
        filled_by: Whether a pixel belongs to an area when its centre lies inside, as in ImageJ, or its upper left
            corner.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `filled_by` is unknown.
    """
    if filled_by not in get_args(Filling):
        raise ValueError(f"`filled_by` must be one of {', '.join(get_args(Filling))}, got {filled_by!r}.")
    choice = _Choice(class_name, group_names or {}, image, filled_by)
    collector = AnnotationCollector(images, sort_categories=True, **options)
    choice = replace(choice, mixed=_mixed(folder, collector, choice))
    for file, rois in read_each(folder, roi_files(folder), read_rois, collector.skip_file):
        # Other archives and TIFF images without ROIs may lie beside.
        if rois is not None:
            _read_file(collector, file, rois, choice)
    return collector.finish("imagej_roi")


def _mixed(folder: Path, collector: AnnotationCollector, choice: _Choice) -> frozenset[str]:
    """Return the images of one plane whose single ROIs, a file each, name several planes."""
    named: dict[str, set[Position]] = defaultdict(set)
    for path in (path for path in roi_files(folder) if path.suffix.lower() == ".roi"):
        file = path.relative_to(folder).as_posix()
        try:
            roi = _parse(read_bytes(path, MAX_MEMBER_BYTES))
        except ValueError:
            # It is listed where the file is read.
            continue
        records = collector.images.planes(
            image_of(collector.images, file, choice.image)[0], str(PurePosixPath(file).parent)
        )
        if not isinstance(roi, str) and len(records) == 1 and records[0].has_one_plane:
            position = _position(roi).within(records[0].plane or FilePlane(""))
            named[records[0].name] |= {position} - {Position()}
    return frozenset(name for name, positions in named.items() if len(positions) > 1 and not collector.ignore_planes)


def _read_file(
    collector: AnnotationCollector, file: str, rois: Iterator[tuple[str, bytes | str]], choice: _Choice
) -> None:
    content = [(entry, _parse(data)) for entry, data in rois]
    single = file.lower().endswith(".roi")
    rows = _rows(collector, file, content, choice, single)
    if rows is None:
        collector.drop(file, "", "the ROIs of a file that is skipped.", len(content))
        return
    notes: Counter[str] = Counter()
    for row, (entry, roi) in zip(rows, content, strict=True):
        if isinstance(roi, str):
            collector.drop(file, entry, f"the ROI can't be taken: {roi}")
        elif row is not None:
            notes[_read_roi(collector, (file, entry, row), roi, choice)] += 1
    for what, count in sorted(notes.items()):
        if what:
            collector.note(file, "", "noted", f"{count} {what} taken as polygons of straight edges.", 0)


def _parse(data: bytes | str) -> "ImagejRoi | str":
    """Return a ROI, or why it can't be read."""
    import roifile

    if isinstance(data, str):
        return data
    if data[:4] != MAGIC:
        return "it does not begin with Iout, so it is no ROI of ImageJ."
    try:
        return roifile.ImagejRoi.frombytes(data)
    except decoding_errors() as error:
        return str(error)


def _rows(
    collector: AnnotationCollector,
    file: str,
    content: "list[tuple[str, ImagejRoi | str]]",
    choice: _Choice,
    single: bool,
) -> list[int | None] | None:
    """Return the row of each ROI's image; None where the file is left out, which is listed."""
    name, candidates = image_of(collector.images, file, choice.image)
    reasons = [roi for _, roi in content if isinstance(roi, str)]
    # An image of which nothing can be read is no image without cells.
    if content and len(reasons) == len(content):
        what = "the file is no ROI of ImageJ" if single else f"none of its {len(content)} ROIs can be read"
        collector.skip_file(file, f"{what}: {reasons[0]}")
        return None
    if candidates:
        listed = ", ".join(sorted(candidates)[:9])
        collector.skip_file(file, f"belongs to one of several images: {listed}; the option `image` names which.")
        return None
    planes = PlaneImages(collector, file, name, str(PurePosixPath(file).parent))
    if single and planes.records and planes.records[0].name in choice.mixed:
        reason = "the ROIs of its image name several planes, and it has one; `planes: ignore` takes all of them."
        collector.skip_file(file, reason)
        return None
    positions = [_position(roi) for _, roi in content if not isinstance(roi, str)]
    # An image may have many files of one ROI each.
    found = planes.rows(positions, shared=single)
    if found is not None and single and found[0] is not None:
        first = collector.first_label(file, found[0])
        if not first.lower().endswith(".roi"):
            collector.refuse_second_label(file, found[0])
            return None
    taken = iter(found or [])
    return None if found is None else [None if isinstance(roi, str) else next(taken) for _, roi in content]


def _position(roi: "ImagejRoi") -> Position:
    """Return the plane that a ROI belongs to, which ImageJ counts from 1; 0 is none."""
    depth, time = roi.z_position, roi.t_position
    if roi.c_position > 0 or depth > 0 or time > 0:
        return Position(time - 1 if time > 0 else None, depth - 1 if depth > 0 else None)
    return Position(index=roi.position - 1 if roi.position > 0 else None)


def _read_roi(collector: AnnotationCollector, place: tuple[str, str, int], roi: "ImagejRoi", choice: _Choice) -> str:
    """Take one ROI and return what about it is to be noted."""
    try:
        shape = to_shape(roi)
    except decoding_errors() as error:
        collector.drop(place[0], place[1], f"the ROI can't be taken: {error}")
        return ""
    if choice.filled_by == "corners":
        shape = shape.from_corners()
    described = read_properties(roi, choice.group_names)
    counters = [] if roi.counters is None else [int(counter) for counter in roi.counters]
    _add(collector, place, shape, described, described.category or choice.class_name, counters)
    return shape.note


def _add(
    collector: AnnotationCollector,
    place: tuple[str, str, int],
    shape: Shape,
    described: Described,
    category: str,
    counters: list[int],
) -> None:
    file, entry, row = place
    extra: dict[str, Any] = {
        "score": described.score, "crowd": described.crowd, "attributes": described.attributes,
    }  # fmt: skip
    if shape.box is not None:
        collector.add_box(file, entry, row, category, shape.box, **extra)
    elif not shape.points:
        collector.add_polygon(file, entry, row, category, shape.rings, **extra)
    for number, point in enumerate(shape.points):
        part = f"{entry}, point {number + 1}" if len(shape.points) > 1 else entry
        counter = counters[number] if number < len(counters) else 0
        own = {**extra, "attributes": {**described.attributes, "counter": counter}} if counter else extra
        collector.add_point(file, part, row, category, point, **own)
