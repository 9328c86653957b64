"""Look at all that a source gave for signs that its numbers mean something else, whatever its format."""

import re

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.schema import AnnotationSet, box_array

# So many objects at least speak for a rule.
_LEAST_FRACTIONS, _LEAST_CUT, _LEAST_REPEATS = 2, 3, 3
_REPEATED_SHARE = 0.2
# Fractions of an image's size lie within its first pixel; points are counted from its centre.
_FIRST_PIXEL = 1.5
_CUT = re.compile(r"reaches out of the image|lies outside the image")


def doubt_source(conversion: Conversion) -> list[Finding]:
    """Return a finding for each sign that a source as a whole was not understood."""
    annotations = conversion.annotations
    return [*_doubt_fractions(annotations), *_doubt_corners(conversion), *_doubt_repeats(annotations)]


def _doubt_fractions(annotations: AnnotationSet) -> list[Finding]:
    """Return a finding where all objects lie in the first pixel of images that are larger."""
    count = annotations.n_objects
    if count < _LEAST_FRACTIONS or float(box_array(annotations.objects).max()) > _FIRST_PIXEL:
        return []
    sizes = np.stack([annotations.images[name].to_numpy() for name in ("width", "height")])
    if sizes.min() <= 2 * _FIRST_PIXEL:
        return []
    reason = f"all {count} objects lie in the first pixel of their images, as fractions of an image's size would do."
    return [_suspect(f"{reason} Coordinates in pixels are expected.", count)]


def _doubt_corners(conversion: Conversion) -> list[Finding]:
    """Return a finding where most objects reach out of their images."""
    cut = (f for f in conversion.findings if f.action in ("changed", "dropped") and _CUT.search(f.reason))
    count = sum(finding.objects for finding in cut)
    if count < _LEAST_CUT or 2 * count <= conversion.objects_in:
        return []
    reason = f"{count} of {conversion.objects_in} objects reach out of their images, as boxes do whose width and height"
    return [_suspect(f"{reason} are in truth a second corner, or coordinates in another unit.", count)]


def _doubt_repeats(annotations: AnnotationSet) -> list[Finding]:
    """Return a finding where many objects are there again, of the same class and with the same box."""
    count = annotations.n_objects
    rows = np.column_stack([annotations.image_index, annotations.category, box_array(annotations.objects)])
    again = count - len(np.unique(rows, axis=0)) if count else 0
    if again < _LEAST_REPEATS or again <= _REPEATED_SHARE * count:
        return []
    reason = f"{again} of {count} objects are there already, with the same class and box, as in a file and its copy."
    return [_suspect(f"{reason} Each is counted.", again)]


def _suspect(reason: str, objects: int) -> Finding:
    return Finding("all files", "", "suspect", reason, objects)
