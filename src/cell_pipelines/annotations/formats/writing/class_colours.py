"""Colours of classes in files of programs that show them."""

import colorsys
import hashlib


def class_colour(category: str) -> list[int]:
    """Return red, green and blue, 0 to 255, of a class; one name has one colour wherever it is written.

    >>> class_colour("cell"), class_colour("nucleus")
    ([156, 230, 46], [230, 46, 211])
    """
    hue = int(hashlib.sha256(category.encode()).hexdigest(), 16) % 360 / 360
    return [round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 0.9)]
