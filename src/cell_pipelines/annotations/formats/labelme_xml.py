"""LabelMe 3 (MIT): an XML file an image from the web tool, with polygons, boxes, points and painted masks.

The web tool divides a click's place in the picture by the zoom and rounds it, so its numbers count from the picture's
upper left corner: pixel edges as ours. A painted mask is a PNG of the whole image in ``Masks``.
"""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.small_masks import read_png, write_png
from cell_pipelines.annotations.formats.objects.attribute_text import from_text, to_xml_text
from cell_pipelines.annotations.formats.objects.shapes import (
    Place,
    Shape,
    add_shape,
    box_shape,
    mask_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import choose_name
from cell_pipelines.annotations.formats.sources.json_values import parse_number, to_attributes, to_name
from cell_pipelines.annotations.formats.sources.label_paths import (
    child,
    files_below,
    label_paths,
    peek,
    resolve_all,
)
from cell_pipelines.annotations.formats.sources.text import read_bytes, read_each, read_xml
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import is_file_inside, resolve_inside

SUMMARY = "LabelMe 3 XML, one file per image with masks beside: the web tool of MIT, CVAT's LabelMe export."
# The tool's attributes are one free text; what it can't say plainly stands there as JSON.
CAPABILITIES = Capabilities(geometries=("box", "point", "polygon", "mask"), holes=False, pieces=False, classes="used")

_MASK_BYTES = 1 << 28
_NO = ("", "0", "no", "false")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".xml"):
        own = any(word in content for word in (b"<polygon>", b"<segm>", b"<imagesize>"))
        if b"<annotation>" in content and own and b"<bndbox>" not in content:
            return f"{name} is an XML file of an <annotation> with polygons"
    return None


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every LabelMe XML file below `folder`; deleted objects are left out.

    Args:
        folder: Holds ``Annotations`` with the XML files and ``Masks`` with the painted masks.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, root in read_each(folder, files_below(folder, ".xml"), read_xml, collector.skip_file):
        if root.tag == "annotation":
            _read_root(collector, folder, file, root)
        else:
            collector.skip_file(file, f"expected an <annotation> element, got <{root.tag}>.")
    return collector.finish("labelme_xml")


def _read_root(collector: AnnotationCollector, folder: Path, file: str, root: ElementTree.Element) -> None:
    place = PurePosixPath(file)
    name, below = _text(root, "filename") or place.stem, _text(root, "folder")
    inner = place.parent.parts[1:] if place.parts[0].lower() == "annotations" else place.parent.parts
    near = str(PurePosixPath(*inner))
    if below and ".." not in PurePosixPath(below).parts and collector.images.find(f"{below}/{name}") is not None:
        near = below
    else:
        name = choose_name(collector, file, name)
    size = [_text(root, f"imagesize/{key}") for key in ("ncols", "nrows")]
    known = (int(size[0]), int(size[1])) if all(t.isascii() and t.isdigit() and len(t) < 9 for t in size) else None
    row = collector.image(file, name, near=near, size=known)
    objects = [o for o in root.findall("object") if (_text(o, "deleted") or "0") in _NO]
    deleted = len(root.findall("object")) - len(objects)
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(objects))
        return
    if deleted:
        collector.note(file, "", "noted", f"{deleted} objects that were deleted in the tool are left out.", 0)
    for number, element in enumerate(objects):
        entry = f"object {_text(element, 'id') or number} ({_text(element, 'name') or 'no name'})"
        _read_object(collector, folder, (file, entry, row), element)


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _read_object(collector: AnnotationCollector, folder: Path, place: Place, element: ElementTree.Element) -> None:
    file, entry, row = place
    stated = _text(element, "score")
    try:
        name = to_name(_text(element, "name"), "name")
        shape = _read_shape(element, folder, file, collector.size(row))
        score = parse_number(stated, "score") if stated else None
        attributes = to_attributes(_read_attributes(element))
    except ValueError as error:
        collector.drop(file, entry, str(error))
        return
    add_shape(collector, place, name, shape, score=score, attributes=attributes)


def _read_attributes(element: ElementTree.Element) -> dict[str, Any]:
    text = _text(element, "attributes")
    whole = from_text(text) if text.startswith("{") else None
    attributes: dict[str, Any] = {"attributes": text} if text else {}
    if isinstance(whole, dict):
        attributes = whole
    if _text(element, "occluded") not in _NO:
        attributes.setdefault("occluded", True)
    for key in ("hasparts", "ispartof"):
        if part := _text(element, f"parts/{key}"):
            attributes[key] = part
            # The numbers of the parts mean something only together with the object's own.
            attributes["id"] = _text(element, "id")
    return attributes


def _read_shape(element: ElementTree.Element, folder: Path, file: str, size: tuple[int, int]) -> Shape:
    mask = _text(element, "segm/mask")
    if mask:
        return mask_shape(read_png(read_bytes(_mask_path(folder, file, mask), _MASK_BYTES), size), (0, 0), size)
    points = [
        [parse_number(point.findtext(axis), axis) for axis in ("x", "y")] for point in element.findall("polygon/pt")
    ]
    if not points:
        raise ValueError("the object has neither <polygon> with <pt> nor <segm> with <mask>.")
    vertices = np.array(points, dtype=np.float64)
    if _text(element, "type") == "bounding_box":
        return box_shape(vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist())
    return point_shape(*points[0]) if len(points) == 1 else polygon_shape([vertices])


def _mask_path(folder: Path, file: str, mask: str) -> Path:
    parts = list(PurePosixPath(file).parent.parts)
    at = next((i for i, part in enumerate(parts) if part.lower() == "annotations"), None)
    if at is not None:
        parts[at] = child(folder.joinpath(*parts[:at]), "Masks").name
    path = resolve_inside(folder, "/".join([*parts, mask]))
    if not is_file_inside(folder, path):
        raise ValueError(f"its mask {path.relative_to(folder).as_posix()} is not there.")
    return path


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``Annotations/<image>.xml`` for every image and ``Masks/<image>_mask_<number>.png`` for every mask.

    Raises:
        ValueError: A name leads out of `folder`; nothing is written.
    """
    files = label_paths(annotations.names, ".xml")
    paths = resolve_all(folder, [f"Annotations/{file}" for file in files])
    for file, path, (image, objects) in zip(files, paths, objects_by_image(annotations), strict=True):
        stem = PurePosixPath(file).with_suffix("")
        for number, one in enumerate(objects):
            if one.geometry == "mask":
                mask = run_lengths_to_mask(one.counts, image["height"], image["width"])
                with atomic_path(resolve_inside(folder, f"Masks/{stem}_mask_{number}.png")) as temporary:
                    temporary.write_bytes(write_png(mask, opaque=True))
        with atomic_path(path) as temporary:
            temporary.write_bytes(ElementTree.tostring(_to_xml(image, objects, stem.name), encoding="utf-8"))
    return ()


def _to_xml(image: Mapping[str, Any], objects: Sequence[WrittenObject], stem: str) -> ElementTree.Element:
    name = PurePosixPath(image["name"])
    root = ElementTree.Element("annotation")
    _add(root, filename=name.name, folder="" if str(name.parent) == "." else str(name.parent))
    _add(ElementTree.SubElement(root, "source"), sourceImage="", sourceAnnotation="LabelMe Webtool")
    _add(ElementTree.SubElement(root, "imagesize"), nrows=image["height"], ncols=image["width"])
    for number, one in enumerate(objects):
        element = ElementTree.SubElement(root, "object")
        occluded, text = _attribute_texts(one.attributes)
        _add(element, name=one.category, deleted=0, verified=0, occluded=occluded, attributes=text)
        if one.score is not None:
            _add(element, score=repr(one.score))
        _add(ElementTree.SubElement(element, "parts"), hasparts="", ispartof="")
        _add(element, date="", id=number)
        _draw(element, one, f"{stem}_mask_{number}.png")
    return root


def _attribute_texts(attributes: Mapping[str, Any]) -> tuple[str, str]:
    """Return what stands in <occluded> and <attributes>."""
    rest = dict(attributes)
    occluded = "yes" if rest.get("occluded") is True else "no"
    if occluded == "yes":
        del rest["occluded"]
    text = rest.get("attributes")
    plain = isinstance(text, str) and text == text.strip() != "" and text.isprintable() and text[0] != "{"
    if plain and len(rest) == 1:
        return occluded, str(text)
    return occluded, json.dumps(rest, sort_keys=True) if rest else ""


def _draw(element: ElementTree.Element, one: WrittenObject, mask: str) -> None:
    x_min, y_min, x_max, y_max = one.box
    if one.geometry == "mask":
        painted = ElementTree.SubElement(element, "segm")
        _add(painted, username="")
        _add(ElementTree.SubElement(painted, "box"), xmin=x_min, ymin=y_min, xmax=x_max, ymax=y_max)
        _add(painted, mask=mask)
        return
    corners = [[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]]
    if one.geometry == "box":
        _add(element, type="bounding_box")
    polygon = ElementTree.SubElement(element, "polygon")
    _add(polygon, username="")
    for x, y in {"box": corners, "point": [list(one.point)], "polygon": [v for ring in one.rings for v in ring]}[
        one.geometry
    ]:
        _add(ElementTree.SubElement(polygon, "pt"), x=repr(x), y=repr(y))


def _add(element: ElementTree.Element, **texts: Any) -> None:
    for key, text in texts.items():
        ElementTree.SubElement(element, key).text = to_xml_text(str(text))
