"""CVAT XML 1.1: one XML file for many images or for a video, with boxes, polygons, points and masks.

CVAT's canvas counts from the upper left corner of the first pixel, so its numbers are pixel edges as ours; a mask's
``left`` and ``top`` are the numbers of its first column and row, its runs go row by row, background first.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.attribute_text import from_text
from cell_pipelines.annotations.formats.objects.shapes import Place, add_shape
from cell_pipelines.annotations.formats.parts.cvat_frames import FrameImages
from cell_pipelines.annotations.formats.parts.cvat_shapes import read_shapes
from cell_pipelines.annotations.formats.parts.cvat_writing import to_files
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.json_values import parse_number, to_attributes, to_name
from cell_pipelines.annotations.formats.sources.label_paths import files_below, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_each, read_xml
from cell_pipelines.annotations.images import ImageIndex, split_of
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path

SUMMARY = "CVAT XML 1.1, one file for many images or a video: CVAT's own format, also of Datumaro."
CAPABILITIES = Capabilities(
    geometries=("box", "point", "polygon", "mask"), holes=False, pieces=False, splits=True, classes="all"
)

_SHAPES = ("box", "polygon", "points", "mask", "ellipse", "polyline", "cuboid", "skeleton")
_ROOT = re.compile(rb"<annotations[\s>]")
_OWN = re.compile(rb"<(meta|image|track)[\s>]")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".xml"):
        if _ROOT.search(content[:2048]) and _OWN.search(content):
            return f"{name} is an XML file of <annotations>"
    return None


def read(folder: Path, images: ImageIndex, *, first_frame: int | None = None, **options: Any) -> Conversion:
    """Read every CVAT file below `folder`; each place of a track becomes an object of its frame's image.

    Args:
        folder: Where the XML files lie, at any depth.
        images: The images that are there; the image of a video's frame has the frame's number at the end of its name.
        first_frame: Number in the name of the image that is frame 0, usually 0 or 1; None finds it out.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    problems: dict[str, str] = {}
    roots = dict(read_each(folder, files_below(folder, ".xml"), read_xml, problems.__setitem__))
    if options.get("classes") is None:
        names = dict.fromkeys(name for root in roots.values() for name in _labels(root))
        options["classes"] = list(names) or None
    collector = AnnotationCollector(images, **options)
    for problem in problems.items():
        collector.skip_file(*problem)
    for file, root in roots.items():
        if root.tag != "annotations":
            collector.skip_file(file, f"expected an <annotations> element, got <{root.tag}>.")
            continue
        for element in root.findall("image"):
            _read_image(collector, file, element)
        _read_tracks(collector, file, root, first_frame)
    return collector.finish("cvat")


def _labels(root: ElementTree.Element) -> Iterator[str]:
    """Yield the class names: those that the file lists, then those that only objects name."""
    yield from filter(None, ((label.findtext("name") or "").strip() for label in root.iterfind("meta//labels/label")))
    owners = [*root.iterfind("image/*"), *root.iterfind("track")]
    yield from filter(None, (owner.get("label", "").strip() for owner in owners if owner.tag != "tag"))


def _read_image(collector: AnnotationCollector, file: str, element: ElementTree.Element) -> None:
    objects = [child for child in element if child.tag in _SHAPES]
    name, subset = element.get("name", ""), element.get("subset", "")
    near = str(PurePosixPath(file).parent)
    if subset and collector.images.find(f"{subset}/{name}") is not None:
        near = subset
    texts = element.get("width", ""), element.get("height", "")
    size = (int(texts[0]), int(texts[1])) if all(re.fullmatch(r"[0-9]{1,9}", t) for t in texts) else None
    split = split_of(f"{subset}/image") if subset and "/" not in subset else None
    row = collector.image(file, name, near=near, split=split or split_of(name), size=size)
    shown = f"image {name!r}" + (f" of {subset}" if subset else "")
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, shown, "the objects of an image that is left out.", len(objects))
        return
    tags = len(element.findall("tag"))
    if tags:
        collector.note(file, shown, "noted", f"{tags} tags of the whole image are no objects.", 0)
    for number, child in enumerate(objects):
        entry = f"{shown}, {child.tag} {number} ({child.get('label') or 'no label'})"
        _read_object(collector, (file, entry, row), child.get("label"), child, {})


def _read_tracks(collector: AnnotationCollector, file: str, root: ElementTree.Element, first_frame: int | None) -> None:
    tracks = root.findall("track")
    if not tracks:
        return
    frames = FrameImages(collector, file, root, first_frame)
    for position, track in enumerate(tracks):
        label, identity = track.get("label"), track.get("id", str(position))
        said = {"track_id": from_text(identity)} | _group(track)
        for child in track:
            if child.tag not in _SHAPES:
                continue
            frame = child.get("frame", "")
            # Where a track says that it is outside, the frame was looked at.
            if child.get("outside") == "1":
                frames.row(frame)
                continue
            entry = f"track {identity} ({label or 'no label'}), frame {frame[:20]}"
            row = frames.row(frame)
            if row is None:
                collector.drop(file, entry, "no image, or more than one, is the frame's.")
            else:
                _read_object(collector, (file, entry, row), label, child, said)


def _read_object(
    collector: AnnotationCollector,
    place: Place,
    label: str | None,
    element: ElementTree.Element,
    said: Mapping[str, Any],
) -> None:
    file, entry, row = place
    try:
        name = to_name((label or "").strip(), "label")
        shapes = list(read_shapes(element, collector.size(row)))
        stated = element.get("score")
        score = None if stated is None else parse_number(stated, "score")
        attributes = to_attributes(_read_attributes(element, said))
    except ValueError as error:
        collector.drop(
            file, entry, str(error), max(1, element.get("points", "").count(";") + 1) if element.tag == "points" else 1
        )
        return
    for shape in shapes:
        add_shape(collector, place, name, shape, score=score, attributes=attributes)


def _read_attributes(element: ElementTree.Element, said: Mapping[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {**said, **_group(element)}
    if element.get("occluded") == "1":
        attributes["occluded"] = True
    order = from_text(element.get("z_order", "0"))
    if isinstance(order, int) and order:
        attributes["z_order"] = order
    for child in element.findall("attribute"):
        attributes[child.get("name", "")] = from_text(child.text or "")
    return attributes


def _group(element: ElementTree.Element) -> dict[str, Any]:
    group = from_text(element.get("group_id", "0"))
    return {"group_id": group} if isinstance(group, int) and group else {}


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``annotations.xml`` for all images, and ``labels.json`` for the task that it is uploaded to.

    CVAT finds an image by its name. Scores stand in an XML attribute that CVAT passes over.

    Raises:
        ValueError: An image's name leads out of a folder, or a name can't stand in XML; nothing is written.
    """
    resolve_all(folder, annotations.names)
    for file, content in to_files(annotations).items():
        with atomic_path(folder / file) as temporary:
            temporary.write_bytes(content)
    return ()
