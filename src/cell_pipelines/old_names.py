"""Read tables and parameters that were written before a column or a parameter was renamed."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import pandas as pd

_log = logging.getLogger(__name__)
#: Columns of our tables that had other names, by the old name.
COLUMNS: Final = {"member": "trial", "told_apart": "significant"}


def rename_old_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose old columns bear their new names, with one warning that says which.

    Args:
        table: One that this package wrote; a column that has its new name already is left alone.
    """
    old = {name: new for name, new in COLUMNS.items() if name in table and new not in table}
    if not old:
        return table
    renamed = ", ".join(f"`{name}` is now `{new}`" for name, new in old.items())
    _log.warning("A table of an earlier version is read under its old names: %s.", renamed)
    return table.rename(columns=old)


def rename_old_parameters(group: str, values: Any, names: Mapping[str, str], defaults: Mapping[str, Any]) -> Any:
    """Return a group of parameters whose old names are replaced by the new ones, with one warning for each.

    Args:
        group: Name of the group, for the warning.
        values: The parameters of a study on top of the base's; anything but a mapping is returned as it is.
        names: New names by the old ones.
        defaults: Of the new names, as the base has them. Where a study gives a new name another value, its old name
            stands beside it, is not replaced, and so is refused as unknown.
    """
    if not isinstance(values, Mapping):
        return values
    renamed = dict(values)
    for old, new in names.items():
        if old in renamed and (new not in renamed or _plain(renamed[new]) == _plain(defaults[new])):
            _warn(f"The parameter `{group}.{old}` is now `{group}.{new}`; its old name is still read.")
            renamed[new] = renamed.pop(old)
    return renamed


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@cache
def _warn(sentence: str) -> None:
    """Log a warning the first time only, since a run checks its parameters several times."""
    _log.warning("%s", sentence)
