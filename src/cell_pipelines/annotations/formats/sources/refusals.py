"""Explain why an object is refused; nothing where it is accepted."""

from collections.abc import Collection, Sequence

# Coordinates are rounded when written; a box that leaves the image by less was inside before.
ROUNDING_PX = 0.05
# Far beyond any image, and near enough that sums and products of coordinates stay finite.
MAX_COORDINATE = 1e9


def is_unicode(text: str) -> bool:
    """Say whether a text can be written; JSON may hold halves of characters, which can't."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def refuse_class(category: str, known: Collection[str] | None) -> str:
    """Say that a class is not among those that are taken, or its name can't be written."""
    if not is_unicode(category):
        return f"the class {category!r} is no valid Unicode."
    if known is None or category in known:
        return ""
    return f"unknown class {category!r}; expected one of {sorted(known)}."


def refuse_score(score: float | None) -> str:
    """Say that a score is none."""
    return "" if score is None or 0 <= score <= 1 else f"the score must lie in 0..1, got {score:g}."


def refuse_point(point: Sequence[float], size: tuple[int, int]) -> str:
    """Say that a point x, y lies outside an image of width and height."""
    x, y = point
    if 0 <= x <= size[0] and 0 <= y <= size[1]:
        return ""
    return f"({x:g}, {y:g}) lies outside the image of {size[0]}x{size[1]} pixels."


def refuse_box(box: Sequence[float], size: tuple[int, int]) -> str:
    """Say that a box has no sane numbers, no area, or no part in an image of width and height."""
    width, height = size
    shown = ", ".join(f"{v:g}" for v in box)
    if not all(abs(v) <= MAX_COORDINATE for v in box):
        return f"coordinates must be finite and at most {MAX_COORDINATE:g} pixels, got ({shown})."
    if box[2] <= box[0] or box[3] <= box[1]:
        return f"zero width or height: ({shown})."
    if box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0:
        return f"({shown}) lies outside the image of {width}x{height} pixels."
    return ""


def describe_clipping(before: Sequence[float], after: Sequence[float]) -> str:
    """Say that a box was cut to its image, where that took away more than rounding does."""
    if max(abs(b - a) for b, a in zip(before, after, strict=True)) <= ROUNDING_PX:
        return ""
    shown = [", ".join(f"{v:g}" for v in box) for box in (before, after)]
    return f"reaches out of the image; cut from ({shown[0]}) to ({shown[1]})."
