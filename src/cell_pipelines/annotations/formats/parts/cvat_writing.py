"""A set as the elements of CVAT XML 1.1 for images."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cell_pipelines.annotations.formats.objects.attribute_text import to_text, to_xml_text
from cell_pipelines.annotations.formats.parts.cvat_shapes import draw_shape
from cell_pipelines.annotations.formats.writing.class_colours import class_colour
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.schema import AnnotationSet


def to_files(annotations: AnnotationSet) -> dict[str, bytes]:
    """Return the content of ``annotations.xml``, and of ``labels.json``, from which CVAT makes the labels of a task.

    Raises:
        ValueError: A name holds characters that XML can't hold.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    for key, text in (("name", "cell-pipelines"), ("size", str(annotations.n_images)), ("mode", "annotation")):
        ElementTree.SubElement(task, key).text = text
    labels = ElementTree.SubElement(task, "labels")
    attribute_names: dict[str, dict[str, None]] = {name: {} for name in annotations.categories}
    for number, (image, objects) in enumerate(objects_by_image(annotations)):
        element = ElementTree.SubElement(root, "image", _image_keys(number, image))
        for one in objects:
            attribute_names[one.category].update(dict.fromkeys(_add_object(element, one, image["height"])))
    for name, attributes in attribute_names.items():
        _add_label(labels, name, attributes)
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    described = [_describe_label(name, attributes) for name, attributes in attribute_names.items()]
    return {"annotations.xml": content, "labels.json": json.dumps(described, indent=1, ensure_ascii=False).encode()}


def _describe_label(name: str, attributes: Iterable[str]) -> dict[str, Any]:
    texts = [{"name": one, "input_type": "text", "mutable": False, "values": [""]} for one in attributes]
    return {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*class_colour(name)), "attributes": texts}


def _image_keys(number: int, image: Mapping[str, Any]) -> dict[str, str]:
    keys = {"id": str(number), "name": to_xml_text(image["name"])}
    if image["split"]:
        keys["subset"] = to_xml_text(image["split"])
    return {**keys, "width": str(image["width"]), "height": str(image["height"])}


def _add_label(labels: ElementTree.Element, name: str, attributes: Mapping[str, None]) -> None:
    label = ElementTree.SubElement(labels, "label")
    ElementTree.SubElement(label, "name").text = to_xml_text(name)
    listed = ElementTree.SubElement(label, "attributes")
    for attribute in attributes:
        element = ElementTree.SubElement(listed, "attribute")
        texts = {"name": attribute, "mutable": "False", "input_type": "text", "default_value": "", "values": ""}
        for key, text in texts.items():
            ElementTree.SubElement(element, key).text = text


def _add_object(image: ElementTree.Element, one: WrittenObject, height: int) -> Iterator[str]:
    """Add an object and yield the names of the attributes that its label must have."""
    attributes = dict(one.attributes)
    keys = {"label": to_xml_text(one.category), "source": "manual" if one.score is None else "auto"}
    keys["occluded"] = "1" if attributes.get("occluded") is True else "0"
    if keys["occluded"] == "1":
        del attributes["occluded"]
    tag, drawn = draw_shape(one, height)
    for key in ("z_order", "group_id"):
        value = attributes.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value:
            drawn[key] = str(attributes.pop(key))
    if one.score is not None:
        drawn["score"] = repr(one.score)
    element = ElementTree.SubElement(image, tag, keys | {"z_order": "0"} | drawn)
    for name, value in attributes.items():
        ElementTree.SubElement(element, "attribute", {"name": to_xml_text(name)}).text = to_text(value)
        yield name
