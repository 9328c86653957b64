"""Colours of classes in files of programs that show them."""

import colorsys
import zlib


def class_colour(category: str) -> list[int]:
    """Return red, green and blue, 0 to 255, of a class; one name has one colour wherever it is written."""
    hue = zlib.crc32(category.encode()) % 360 / 360
    return [round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 0.9)]
