"""ImageJ ROIs: ``RoiSet.zip`` archives, ``.roi`` files, and ROIs and overlays inside ImageJ's TIFF images.

How coordinates are meant is written in `imagej_shapes`; which image a file belongs to in `imagej_files`.
"""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.decoding import decoding_errors
from cell_pipelines.annotations.formats.imagej_files import MAGIC, image_of, is_named_roi_set, read_rois, roi_files
from cell_pipelines.annotations.formats.imagej_properties import Described, read_properties, write_properties
from cell_pipelines.annotations.formats.imagej_shapes import Shape, to_roi, to_shape
from cell_pipelines.annotations.formats.intake import Intake
from cell_pipelines.annotations.formats.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.conventions import to_rings
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.files import atomic_path

CAPABILITIES = Capabilities(geometries=("box", "point", "polygon"), crowds=True, classes="used")
SUMMARY = "ImageJ and Fiji ROIs: RoiSet.zip, .roi files, ROIs and overlays inside ImageJ TIFF images."

Filling = Literal["centres", "corners"]
_DETECT_FILES = 50
# ImageJ can't save more points in one ROI.
_MAX_POINTS = 65_535
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class _Choice:
    class_name: str
    group_names: Mapping[int, str]
    image: str
    filled_by: Filling


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
        **options: As for `Intake`: `classes`, `unlabelled`.

    Raises:
        ValueError: `filled_by` is unknown.
    """
    if filled_by not in get_args(Filling):
        raise ValueError(f"`filled_by` must be one of {', '.join(get_args(Filling))}, got {filled_by!r}.")
    choice = _Choice(class_name, group_names or {}, image, filled_by)
    intake = Intake(images, sort_categories=True, **options)
    for path in roi_files(folder):
        file = path.relative_to(folder).as_posix()
        try:
            rois = read_rois(path)
        except ValueError as error:
            intake.skip_file(file, str(error))
            continue
        # Other archives and TIFF images without ROIs may lie beside.
        if rois is not None:
            _read_file(intake, file, rois, choice)
    return intake.finish("imagej_roi")


def _read_file(intake: Intake, file: str, rois: Iterator[tuple[str, bytes | str]], choice: _Choice) -> None:
    content = list(rois)
    name, candidates = image_of(intake.images, file, choice.image)
    row = None
    # An image of which nothing can be read is no image without cells.
    reasons = [data for _, data in content if isinstance(data, str)]
    if content and len(reasons) == len(content):
        intake.skip_file(file, f"none of its {len(content)} ROIs can be read: {reasons[0]}")
    elif file.lower().endswith(".roi") and content[0][1][:4] != MAGIC:
        intake.skip_file(file, "the file is no ROI of ImageJ: it does not begin with Iout.")
    elif candidates:
        listed = ", ".join(sorted(candidates)[:9])
        intake.skip_file(file, f"belongs to one of several images: {listed}; the option `image` names which.")
    else:
        row = intake.image(file, name, near=str(PurePosixPath(file).parent))
    # An image may have many files of one ROI each.
    first = None if row is None else intake.first_label(file, row)
    several = first is not None and all(name.lower().endswith(".roi") for name in (file, first))
    if row is None or (not several and intake.refuse_second_label(file, row)):
        intake.drop(file, "", "the ROIs of a file that is skipped.", len(content))
        return
    notes: Counter[str] = Counter()
    for entry, data in content:
        notes[_read_roi(intake, (file, entry, row), data, choice)] += 1
    for what, count in sorted(notes.items()):
        if what:
            intake.note(file, "", "noted", f"{count} {what} taken as polygons of straight edges.", 0)


def _read_roi(intake: Intake, place: tuple[str, str, int], data: bytes | str, choice: _Choice) -> str:
    """Take one ROI and return what about it is to be noted."""
    import roifile

    try:
        if isinstance(data, str):
            raise ValueError(data)
        roi = roifile.ImagejRoi.frombytes(data)
        shape = to_shape(roi)
    except decoding_errors() as error:
        intake.drop(place[0], place[1], f"the ROI can't be taken: {error}")
        return ""
    if choice.filled_by == "corners":
        shape = shape.from_corners()
    described = read_properties(roi, choice.group_names)
    counters = [] if roi.counters is None else [int(counter) for counter in roi.counters]
    _add(intake, place, shape, described, described.category or choice.class_name, counters)
    return shape.note


def _add(
    intake: Intake, place: tuple[str, str, int], shape: Shape, described: Described, category: str, counters: list[int]
) -> None:
    file, entry, row = place
    extra: dict[str, Any] = {
        "score": described.score, "crowd": described.crowd, "attributes": described.attributes,
    }  # fmt: skip
    if shape.box is not None:
        intake.add_box(file, entry, row, category, shape.box, **extra)
    elif not shape.points:
        intake.add_polygon(file, entry, row, category, shape.rings, **extra)
    for number, point in enumerate(shape.points):
        part = f"{entry}, point {number + 1}" if len(shape.points) > 1 else entry
        counter = counters[number] if number < len(counters) else 0
        own = {**extra, "attributes": {**described.attributes, "counter": counter}} if counter else extra
        intake.add_point(file, part, row, category, point, **own)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<image>_RoiSet.zip`` for each image, which Fiji's ROI manager opens.

    A box is a rectangle, a polygon of several rings a composite, points that follow each other and agree in all else
    are one multi-point. Class, score and attributes stand in the ROI's properties, the class also as its group, by
    which Fiji colours it. Coordinates are 32-bit numbers, exact to 0.001 pixels up to 16,384 pixels.
    """
    names = [f"{path.removesuffix('.zip')}_RoiSet.zip" for path in label_paths(annotations.names, ".zip")]
    for rows, path in zip(annotations.rows_by_image(), resolve_all(folder, names), strict=True):
        records = annotations.objects.take(rows).to_pylist()
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, group in enumerate(_groups(records), start=1):
                category = annotations.categories[group[0]["category"]]
                # The archive's date would make two equal sets differ.
                member = zipfile.ZipInfo(f"{number:05d}-{re.sub(r'[^0-9A-Za-z-]+', '_', category)[:40]}.roi", _EARLIEST)
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, _to_bytes(group, category))
    return ()


def _groups(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the objects of each ROI: one, or points that follow each other and differ in their place only."""
    point = GEOMETRIES.index("point")
    said = ("category", "score", "crowd", "attributes")
    alike = groupby(
        enumerate(records),
        lambda pair: tuple(pair[1][key] for key in said) if pair[1]["geometry"] == point else pair[0],
    )
    for _, pairs in alike:
        group = [record for _, record in pairs]
        for start in range(0, len(group), _MAX_POINTS):
            yield group[start : start + _MAX_POINTS]


def _to_bytes(group: list[dict[str, Any]], category: str) -> bytes:
    record = group[0]
    box = tuple(record[name] for name in ("x_min", "y_min", "x_max", "y_max"))
    geometry = GEOMETRIES[record["geometry"]]
    points = [(r["x_min"], r["y_min"]) for r in group] if geometry == "point" else []
    roi = to_roi(geometry, box, to_rings(record["rings"] or []), points)
    attributes = json.loads(record["attributes"] or "{}")
    write_properties(roi, Described(category, record["score"], record["crowd"], attributes), record["category"])
    content: bytes = roi.tobytes()
    return content
