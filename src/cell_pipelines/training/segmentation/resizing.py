"""Annotations brought to the size that a network sees their images at."""

import pyarrow as pa

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.resizing import Size


def resize_boxes(annotations: AnnotationSet, size: Size | None) -> pa.Table:
    """Return the objects of one image with the boxes that they have at another size; None leaves them."""
    if size is None:
        return annotations.objects
    objects = annotations.objects
    for axis, side, new in (("y", "height", size[0]), ("x", "width", size[1])):
        factor = new / annotations.images[side][0].as_py()
        for name in (f"{axis}_min", f"{axis}_max"):
            place = objects.schema.get_field_index(name)
            objects = objects.set_column(place, objects.schema.field(name), pa.array(objects[name].to_numpy() * factor))
    return objects
