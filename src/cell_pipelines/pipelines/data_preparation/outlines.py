"""Check whether a study's objects have outlines, which YOLO networks with masks learn from."""

import numpy as np

from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet

_OUTLINED = tuple(GEOMETRIES.index(name) for name in ("polygon", "mask"))


def check_outlines(annotations: AnnotationSet) -> None:
    """Refuse annotations with an object that has no outline; one box among outlines would spoil its whole image.

    Raises:
        ValueError: An object is a box or a point, or there is no object at all.
    """
    codes = annotations.objects["geometry"].to_numpy()
    wrong = ~np.isin(codes, _OUTLINED)
    if not len(codes):
        raise ValueError("`yolo_seg` needs objects with outlines to learn from; the annotations hold no object.")
    if wrong.any():
        first = int(np.argmax(wrong))
        name = annotations.names[int(annotations.image_index[first])]
        raise ValueError(
            f"`yolo_seg` learns from outlines, masks or polygons; {int(wrong.sum())} of {len(codes)} objects have "
            f"none, the first a {GEOMETRIES[codes[first]]} in {name}. Train `yolo` on boxes, or annotate outlines."
        )
