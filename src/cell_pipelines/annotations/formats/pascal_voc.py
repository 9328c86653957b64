"""Pascal VOC: an XML file an image, boxes as first and last pixel counted from 1."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.annotations.formats.sources.file_images import choose_name
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.text import read_each, read_xml
from cell_pipelines.annotations.geometry.conventions import edges_to_voc, voc_to_edges
from cell_pipelines.annotations.images import SPLITS, ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet, box_array
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import resolve_inside

_FLAGS = ("difficult", "truncated")
_SIDES = ("xmin", "ymin", "xmax", "ymax")

SUMMARY = "Pascal VOC: an XML file an image with boxes; LabelImg, Roboflow and CVAT write it."
CAPABILITIES = Capabilities(geometries=("box",), attributes=_FLAGS, splits=True, classes="used", thinnest_box=1)

# What the collector says of a box that began at 0.
_BEFORE_FIRST = re.compile(r"cut from \((-1,|[^,]+, -1,)")
# Other formats have <annotations>.
_ROOT = re.compile(rb"<annotation[\s/>]")
# LabelMe's XML has the same root.
_LABELME = re.compile(rb"<(pt|segm|imagesize|sourceImage)[\s/>]")
_PEEK_BYTES = 1 << 16


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for path in _xml_files(folder):
        text = peek_utf8(path, _PEEK_BYTES)
        if _ROOT.search(text[:2048]) and (b"<bndbox>" in text or not _LABELME.search(text)):
            return f"{path.relative_to(folder).as_posix()} is an XML file with an <annotation>"
    return None


def read(folder: Path, images: ImageIndex, *, origin: int = 1, **options: Any) -> Conversion:
    """Read every XML file below `folder`; `split_lists` reads the source's own split from ``ImageSets/Main``.

    Args:
        folder: Where the XML files lie, at any depth.
        images: The images that are there.
        origin: 1 where pixels are counted from 1 as in the standard, 0 for tools that write pixel edges.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `origin` is neither 0 nor 1.
    """
    if origin not in (0, 1):
        raise ValueError(f"`origin` must be 0 or 1, got {origin!r}.")
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, root in read_each(folder, _xml_files(folder), read_xml, collector.skip_file):
        _read_root(collector, file, root, origin)
    _suggest_origin(collector, origin)
    return collector.finish("pascal_voc")


def _suggest_origin(collector: AnnotationCollector, origin: int) -> None:
    """Say so where boxes begin before the first pixel: the tool that wrote them counts from 0."""
    before = [f for f in collector.findings if f.action == "changed" and _BEFORE_FIRST.search(f.reason)]
    if origin == 1 and before:
        reason = "boxes begin at pixel 0, though VOC counts from 1; for a tool that counts from 0 set `origin: 0`."
        collector.note(before[0].file, before[0].entry, "noted", reason, 0)


def _xml_files(folder: Path) -> Iterator[Path]:
    return files_below(folder, ".xml")


def _read_root(collector: AnnotationCollector, file: str, root: ElementTree.Element, origin: int) -> None:
    if root.tag != "annotation":
        collector.skip_file(file, f"expected an <annotation> element, got <{root.tag}>.")
        return
    path = PurePosixPath(file)
    name = choose_name(collector, file, (root.findtext("filename") or "").strip())
    objects = root.findall("object")
    row = collector.image(file, name, near=str(path.parent), size=_size(root))
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(objects))
        return
    for number, element in enumerate(objects, start=1):
        _read_object(collector, file, row, (number, element), origin)


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    try:
        size = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except ValueError:
        return None
    return size if all(size) else None


def _read_object(
    collector: AnnotationCollector, file: str, image: int, numbered: tuple[int, ElementTree.Element], origin: int
) -> None:
    number, element = numbered
    # Of an element that comes twice, the first counts; one pass over them is far faster than looking each one up.
    parts = {part.tag: part for part in reversed(element)}
    texts_of = {tag: (part.text or "").strip() for tag, part in parts.items()}
    category = texts_of.get("name", "")
    entry = f"object {number} ({category or 'no name'})"
    frame = {side.tag: side.text for side in reversed(parts.get("bndbox", []))}
    texts = [frame.get(side) for side in _SIDES]
    stated = texts_of.get("score", "")
    missing = "<name>" if not category else "<bndbox>" if "bndbox" not in parts else ""
    if missing:
        collector.drop(file, entry, f"the object has no {missing}.")
        return
    try:
        box = [float(text or "") for text in texts]
        score = float(stated) if stated else None
    except ValueError:
        collector.drop(file, entry, f"box and score must be numbers, got {texts} and {stated!r}.")
        return
    if box[0] == box[2] or box[1] == box[3]:
        sides = ", ".join(f"{side} {v:g}" for side, v in zip(_SIDES, box, strict=True))
        collector.drop(file, entry, f"zero width or height: {sides}.", category=category)
        return
    attributes = {flag: 1 for flag in _FLAGS if texts_of.get(flag, "0") not in ("0", "")}
    edges = voc_to_edges(box) if origin == 1 else box
    collector.add_box(file, entry, image, category, edges, attributes=attributes, score=score)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``Annotations/*.xml`` and, where images have a split, ``ImageSets/Main``.

    Scores stand in ``<score>``.

    Raises:
        ValueError: Two images differ in their ending only, or a name leads out of `folder`; nothing is written.
    """
    files = [f"Annotations/{PurePosixPath(name).with_suffix('.xml')}" for name in annotations.names]
    for file, times in Counter(files).items():
        if times > 1:
            raise ValueError(f"{file}: two images share this name but for their ending; VOC can't hold both.")
    paths = [resolve_inside(folder, file) for file in files]
    images = annotations.images.to_pylist()
    for image, rows, path in zip(images, annotations.rows_by_image(), paths, strict=True):
        objects = annotations.objects.take(rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            tree = _to_xml(image, objects, annotations.categories)
            temporary.write_bytes(ElementTree.tostring(tree, encoding="utf-8"))
    _write_splits(annotations, folder)
    return ()


def _to_xml(image: Mapping[str, Any], objects: pa.Table, categories: Sequence[str]) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = PurePosixPath(image["name"]).name
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", image["width"]), ("height", image["height"]), ("depth", 3)):
        ElementTree.SubElement(size, key).text = str(value)
    columns = (objects[name].to_pylist() for name in ("category", "score", "attributes"))
    for box, category, score, attributes in zip(box_array(objects), *columns, strict=True):
        element = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(element, "name").text = categories[category]
        marks = json.loads(attributes or "{}")
        for flag in _FLAGS:
            ElementTree.SubElement(element, flag).text = "1" if marks.get(flag) else "0"
        if score is not None:
            ElementTree.SubElement(element, "score").text = f"{score:.9g}"
        frame = ElementTree.SubElement(element, "bndbox")
        for side, value in zip(_SIDES, edges_to_voc(box), strict=True):
            ElementTree.SubElement(frame, side).text = f"{value:.10g}"
    ElementTree.indent(root)
    return root


def _write_splits(annotations: AnnotationSet, folder: Path) -> None:
    pairs = list(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
    for split in SPLITS:
        stems = [str(PurePosixPath(name).with_suffix("")) for name, own in pairs if own == split]
        if stems:
            path = folder / "ImageSets" / "Main" / f"{split}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(stems) + "\n", encoding="utf-8")
