"""Read tables that were written before a column was renamed."""

import logging
from typing import Final

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
