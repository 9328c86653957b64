"""Columns named after classes, in tables that have a column for each class beside others."""

import logging
from collections.abc import Iterable, Sequence

logger = logging.getLogger(__name__)

#: Names that stand for no class, or for all, wherever tables have one row per class.
RESERVED_CLASSES = ("all classes", "(nothing)", "(missed)", "(unknown class)")
_PREFIX = "class_"


def class_columns(categories: Sequence[str], reserved: Iterable[str], *, endings: Sequence[str] = ()) -> dict[str, str]:
    """Return the name of each class's column: the class's own name, with ``class_`` before it where that is taken.

    Args:
        categories: Class names.
        reserved: Names of the table's other columns.
        endings: What the names of further columns of each class end in, such as ``_low``.

    Returns:
        By class, in the order of `categories`. No two columns, with all their endings, are alike, and none is reserved;
        a class has its own name unless that name, or one of its columns, is that of another. Which are renamed is
        logged.

    >>> class_columns(["live", "total", "live_low"], ["image", "total"], endings=("_low", "_high"))
    {'live': 'live', 'total': 'class_total', 'live_low': 'class_live_low'}
    """
    taken, chosen = set(reserved), dict[str, str]()
    fixed = frozenset(taken)
    # Names that are free come first, and short ones, so that `dead_low` gives way to the interval of `dead`, whatever
    # the order of the classes.
    for name in sorted(categories, key=lambda name: (name in fixed, len(name), name)):
        column = name if name.strip() else f"{_PREFIX}{name}"
        while taken & _columns(column, endings):
            column = f"{_PREFIX}{column}"
        taken |= _columns(column, endings)
        chosen[name] = column
    renamed = [f"{name!r} in {column!r}" for name, column in chosen.items() if name != column]
    if renamed:
        logger.warning("Columns of these names are taken, so classes stand in others: %s.", ", ".join(renamed))
    return {name: chosen[name] for name in categories}


def _columns(column: str, endings: Sequence[str]) -> set[str]:
    return {column, *(f"{column}{ending}" for ending in endings)}


def check_class_names(categories: Iterable[str]) -> None:
    """Refuse classes whose names stand for something else in tables that have one row per class.

    Raises:
        ValueError: Lists them.
    """
    wrong = [name for name in categories if name in RESERVED_CLASSES]
    if wrong:
        raise ValueError(
            f"classes must not be called {', '.join(map(repr, wrong))}: in tables of results these names stand for all "
            "classes or for none. Rename them in the annotations."
        )
