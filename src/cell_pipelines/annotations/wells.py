"""Names of the wells of a plate: A01 as row and column, up to the 1536 wells of rows A to AF."""

import re
from typing import Final

#: Rows and columns of the usual plates, by their number of wells.
PLATES: Final = {6: (2, 3), 12: (3, 4), 24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24), 1536: (32, 48)}
_WELL = re.compile(r"(A?[A-Z])[ _-]*0*(\d{1,2})", re.IGNORECASE)
_LETTERS = 26


def parse_well(name: str) -> tuple[int, int]:
    """Return row and column of a well, both from 0.

    Args:
        name: As people and programs write it: ``A1``, ``a01``, ``B - 07``, ``AF48``.

    Raises:
        ValueError: It is no name of a well of a plate of up to 1536 wells.

    >>> parse_well("A1"), parse_well("P24"), parse_well("AF48")
    ((0, 0), (15, 23), (31, 47))
    """
    match = _WELL.fullmatch(name.strip())
    if match:
        letters, number = match[1].upper(), int(match[2])
        row = ord(letters[-1]) - ord("A") + (_LETTERS if len(letters) > 1 else 0)
        rows, columns = PLATES[1536]
        if row < rows and 1 <= number <= columns:
            return row, number - 1
    raise ValueError(f"expected the name of a well such as A01, P24 or AF48, got {name!r}.")


def row_name(row: int) -> str:
    """Return the letters of a row from 0.

    >>> row_name(0), row_name(25), row_name(31)
    ('A', 'Z', 'AF')
    """
    return chr(ord("A") + row) if row < _LETTERS else f"A{chr(ord('A') + row - _LETTERS)}"


def well_name(row: int, column: int) -> str:
    """Return the name of a well by its row and column, both from 0.

    >>> well_name(0, 0), well_name(31, 47)
    ('A01', 'AF48')
    """
    return f"{row_name(row)}{column + 1:02d}"


def plate_size(row: int, column: int) -> int:
    """Return the number of wells of the smallest usual plate that has this row and column, both from 0.

    >>> plate_size(3, 5), plate_size(7, 11), plate_size(8, 2)
    (24, 96, 384)
    """
    return next(wells for wells, (rows, columns) in PLATES.items() if row < rows and column < columns)
