"""Cutting an image into overlapping windows of one size that together cover it."""

Window = tuple[int, int, int, int]


def tile_windows(height: int, width: int, size: int, overlap: int = 0) -> list[Window]:
    """Return windows as row, column, height, width that cover an image, row by row.

    The overlap is at least `overlap`: the windows are spread evenly so that none is cut at the border. A side
    shorter than `size` gives one window of that side.

    Raises:
        ValueError: `size` is not positive or `overlap` is not smaller than it.

    >>> tile_windows(8, 12, size=8, overlap=2)
    [(0, 0, 8, 8), (0, 4, 8, 8)]
    """
    if size <= 0:
        raise ValueError(f"`size` must be positive, got {size}.")
    if not 0 <= overlap < size:
        raise ValueError(f"`overlap` must be 0 or more and smaller than `size` ({size}), got {overlap}.")
    rows, columns = _starts(height, size, overlap), _starts(width, size, overlap)
    return [(r, c, min(size, height), min(size, width)) for r in rows for c in columns]


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if length <= size:
        return [0]
    steps = -(-(length - size) // (size - overlap))
    return [round(i * (length - size) / steps) for i in range(steps + 1)]
