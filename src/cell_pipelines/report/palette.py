"""The colours of overlays and figures, distinct to colour-blind readers, on dark images and on white paper."""

from typing import Final, TypeAlias

Colour: TypeAlias = tuple[int, int, int]

# Okabe & Ito (2008), "Color Universal Design", without black; neighbours in this order differ most.
_OKABE_ITO: Final[tuple[Colour, ...]] = (
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermillion
    (0, 158, 115),  # bluish green
    (230, 159, 0),  # orange
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
    (240, 228, 66),  # yellow
)

# Green, red and blue that keep their distance in lightness or hue under every common colour blindness.
TRUE_POSITIVE: Final[Colour] = (53, 204, 127)
FALSE_POSITIVE: Final[Colour] = (229, 53, 40)
MISSED: Final[Colour] = (63, 136, 255)

CASING: Final[Colour] = (12, 14, 18)  # the dark rim that keeps a line apart from a bright image
BACKGROUND: Final[Colour] = (27, 31, 36)  # of legends and between tiles
INK: Final[Colour] = (236, 239, 243)  # text on the background


def category_colour(category: int) -> Colour:
    """Return the colour of a category; after seven the colours begin again, as `category_is_dashed` tells.

    Args:
        category: Index of the category, 0 or more.
    """
    return _OKABE_ITO[category % len(_OKABE_ITO)]


def category_is_dashed(category: int) -> bool:
    """Tell whether a category's line is dashed, as every second round through the colours is."""
    return category // len(_OKABE_ITO) % 2 == 1


def to_hex(colour: Colour) -> str:
    """Return a colour as matplotlib and CSS write it.

    Example:
        >>> to_hex((230, 159, 0))
        '#e69f00'
    """
    return "#" + "".join(f"{part:02x}" for part in colour)
